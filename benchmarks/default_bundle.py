"""Makes the bundle that ships: `mer_net` fitted on maps of scanned expressions, measured on portraits and on
real maps.

    python -m benchmarks.default_bundle HEAD_MODEL.npz PORTRAITS --cache FITS --real MAPS INDEX

Moved portraits (portrait_clips.py) are read through the flow network, as in `mer score`: half of the people
give the limit of motion, the others the scores on the card. Ready-made maps of real clips are cut as the
bundle cuts its own, so that the very weights that ship are scored on them; nothing is fitted to them.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np

import mer_core
from benchmarks import portrait_clips, scanned_maps
from benchmarks.rendered_people import FACE, MOVES, REST, Pair
from flow.splatting.head_model import load_head_model
from mer import bundle
from mer.bundle import Bundle, Recipe
from mer.classifiers.mer_net import Classifier
from mer.evaluation import metrics
from mer.evaluation.flow_maps import read_maps
from mer.features import flow_image
from mer.inference.motion import between
from mer_core.io import write_text

MAPS, SEED = 6000, 0
PEOPLE = 24
CLASSIFIER = {"centres": 300, "ridge": 10.0, "balanced": False}  # maps come at the frequencies that are meant
METHOD, OPTIONS, FEATURE = "srflownet", {"network": "compact"}, {"size": 28, "crop": "box"}
CONFIDENT = 0.5  # least probability of a label that is given
REST_SHARE = 0.95  # of the faces at rest lie below the least motion
# Compression in bits per pixel: with fewer, coding artefacts compete with motion.
MEASURED = {
    "frame rate": (23, 500),
    "inter-ocular distance": (50, 2000),
    "head motion from onset to apex": (0, 4.0),
    "compression": (0.02, 1e9),
}
LABELS, EMOTIONS = list(scanned_maps.LABELS), [label for label in scanned_maps.LABELS if label != "other"]


def fit(head_model: Path) -> Classifier:
    """Return the classifier of the bundle; its classes are positions in `LABELS`."""
    X, names = scanned_maps.make_maps(load_head_model(head_model), MAPS, SEED)
    return Classifier(random_state=SEED, **CLASSIFIER).fit(
        X, np.array([LABELS.index(name) for name in names])
    )


def make(classifier: Classifier, found: Iterable[Pair]) -> tuple[Bundle, dict[str, float]]:
    """Return the bundle, and what was measured on the people that nothing was chosen on."""
    rows = [(pair.person, pair.label, *_read(pair)) for pair in found]
    people, shown, moved = (np.array([row[i] for row in rows]) for i in (0, 1, 2))
    X = np.stack([row[3] for row in rows])
    chosen = np.isin(people, np.unique(people)[::2])
    least = float(np.quantile(moved[chosen & (shown == REST)], REST_SHARE))
    measured, named = ~chosen, np.isin(shown, EMOTIONS)
    recipe = Recipe(
        mer=mer_core.__version__,
        face_size=FACE,
        method=METHOD,
        method_options=OPTIONS,
        match_exposure=True,
        feature="flow_image",
        feature_settings=FEATURE,
        classifier="mer_net",
        classifier_settings=[classifier.state()[1]],
        labels=LABELS,
        no_label=["other"],
        protocol="composite-3",
        clips={label: round(MAPS * share) for label, share in scanned_maps.FREQUENCY.items()},
        subjects=MAPS // scanned_maps.CLIPS_PER_PERSON,
        datasets=["scanned expressions"],
        synthetic=True,
        own_motion=True,
        least_motion=round(least, 3),
        least_confidence=CONFIDENT,
        measured=MEASURED | {"motion of the face": _range(moved[measured & named])},
    )
    fitted = Bundle(recipe, [classifier])
    p = fitted.predict_proba(X)
    given = (moved >= recipe.least_motion) & gives_label(p, recipe)
    of_emotion = measured & named
    y = np.array([LABELS.index(label) if label in LABELS else -1 for label in shown])
    return fitted, {
        "people": len(np.unique(people[measured])),
        **scores(three_classes(p)[of_emotion], y[of_emotion]),
        "given": float(given[of_emotion].mean()),
        "right of given": float((p.argmax(1) == y)[of_emotion & given].mean()),
        "other without label": float(1 - given[measured & (shown == "other")].mean()),
        "rest without label": float(1 - given[measured & (shown == REST)].mean()),
    }


def score_real(fitted: Bundle, maps: Path, index: Path) -> dict[str, float]:
    """Return scores on ready-made maps of real clips."""
    table, X = read_maps(maps, index)
    y = np.array([LABELS.index(label) for label in table["label"]])
    p = fitted.predict_proba(X)
    given = gives_label(p, fitted.recipe)
    q = three_classes(p)
    smiles = y == LABELS.index("positive")
    return {
        **scores(q, y),
        "smiles": int(smiles.sum()),
        "smiles found": int((q.argmax(1) == y)[smiles].sum()),
        "given": float(given.mean()),
        "right of given": float((p.argmax(1) == y)[given].mean()),
    }


def three_classes(p: np.ndarray) -> np.ndarray:
    """(N, 3) probabilities of the emotions, from those (N, 4) of which `other` is dropped."""
    q = p[:, [LABELS.index(label) for label in EMOTIONS]]
    return q / q.sum(1, keepdims=True)


def gives_label(p: np.ndarray, recipe: Recipe) -> np.ndarray:
    """(N,) bool: the likeliest label counts as one, and is likely enough."""
    silent = np.isin(np.array(recipe.labels)[p.argmax(1)], recipe.no_label)
    return (p.max(1) >= recipe.least_confidence) & ~silent


def scores(q: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Number of clips, UF1 and calibration error of q (N, 3) for y (N,) int."""
    truth, best = (np.array(EMOTIONS)[positions] for positions in (y, q.argmax(1)))
    tenths = np.minimum((q.max(1) * 10).astype(int), 9)
    gaps = [
        abs((truth == best)[tenths == t].mean() - q.max(1)[tenths == t].mean()) * (tenths == t).mean()
        for t in np.unique(tenths)
    ]
    uf1 = metrics.scores(metrics.confusion(truth, best, EMOTIONS))["uf1"]
    return {"clips": len(y), "uf1": float(uf1), "calibration error": float(sum(gaps))}


def _read(pair: Pair) -> tuple[float, np.ndarray]:
    """Motion as in `Score.motion`, and the feature."""
    shown = between([], np.zeros((2, 3)), pair.landmarks, pair.flow, own_motion=True)
    return shown.far, flow_image.extract(shown.taken, pair.landmarks, **FEATURE)


def _range(values: np.ndarray) -> tuple[float, float]:
    return round(float(values.min()), 2), round(float(values.max()), 2)


def card(recipe: Recipe, portraits: dict[str, float], real: dict[str, float]) -> str:
    """README of the bundle."""
    moved = recipe.measured["motion of the face"]
    return f"""# Bundle: synthetic

The bundle that comes with mer. `mer score CLIP` uses it where no other is named.

- **Fitted on** {MAPS:,} motion maps of scanned expressions on {recipe.subjects} random heads
  (`benchmarks/scanned_maps.py`): emotions as sets of action units, and speech, chewing, gaze, blinks and
  turns of the head as `other`. No clip of a real person was fitted.
- **In**: onset and apex, aligned to {recipe.face_size} px; flow by `{recipe.method}` {recipe.method_options};
  the head's motion taken out; feature `{recipe.feature}` {recipe.feature_settings}.
- **Out**: probabilities of {", ".join(recipe.labels)} (happiness is positive; anger, contempt, disgust, fear,
  sadness and repression are negative). Where `other` is the likeliest, no label is given.

## Measured

| on | clips | UF1 | calibration error | given a label | of these right |
|---|---|---|---|---|---|
| real micro-expressions, ready-made maps of 34 subjects (designed on) | {real["clips"]} | {real["uf1"]:.3f} | {real["calibration error"]:.3f} | {real["given"]:.0%} | {real["right of given"]:.0%} |
| portraits of {portraits["people"]} people moved by scanned expressions, read through this flow network | {portraits["clips"]} | {portraits["uf1"]:.3f} | {portraits["calibration error"]:.3f} | {portraits["given"]:.0%} | {portraits["right of given"]:.0%} |

UF1 and calibration are over all clips, `other` dropped and the rest renormalised. Always negative has UF1
.237 on the first row, which these very weights have read: {real["smiles found"]} of {real["smiles"]} smiles
are found. **The recipes and the noise were designed with the labels of those clips in view**, though no
weight was fitted to them: expect less elsewhere. The second row plays the recipes that were fitted, on other
people and through camera, face mesh and flow; it says what the path costs, not what people do. No score on
real videos of micro-expressions is known; docs/results/acted-clips.md has what it says of a few acted ones.

No label is given where the face moves by less than {recipe.least_motion} % of the inter-ocular distance, or
where the likeliest label has less than {recipe.least_confidence}: {portraits["rest without label"]:.0%} of
the portraits at rest that were not used to set this get none, and {portraits["other without label"]:.0%} of
those that speak, chew, blink, look or turn. The portraits' expressions move by {100 * MOVES[0]:g} to
{100 * MOVES[1]:g} % at the farthest point; `mer score` reads that as {moved[0]:g} to {moved[1]:g} % (mean of
the three parts that move most), and says so where a clip moves less or more.

## Limits

- It names the class that a motion between two frames resembles. It does not know what a person feels, and is
  **no lie detector** and no ground for a decision about a person.
- Large expressions, laughter and speech with feeling move more than it was measured on; then its
  probabilities mean little.
- The scans come from ICT Face Model Light (Li et al., CVPR 2020; MIT licence, notice in
  flow/weights/head-reduced.md).

Made by `python -m benchmarks.default_bundle`. MIT, as the project.
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.default_bundle", description="Make the bundle that ships."
    )
    parser.add_argument("head_model", type=Path, help="NPZ of mer flow head-model")
    parser.add_argument("portraits", type=Path, help="folder of frontal portraits")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps fits of the portraits")
    parser.add_argument("--real", type=Path, nargs=2, required=True, metavar=("MAPS", "INDEX"))
    parser.add_argument("--out", type=Path, default=bundle.shipped())
    given = parser.parse_args()
    found = portrait_clips.pairs(given.portraits, given.head_model, given.cache, PEOPLE, SEED, METHOD)
    fitted, on_portraits = make(fit(given.head_model), found)
    on_real = score_real(fitted, *given.real)
    bundle.save(fitted, given.out, replace=True)
    write_text(given.out / bundle.CARD_FILE, card(fitted.recipe, on_portraits, on_real))
    for name, values in (("portraits", on_portraits), ("real maps", on_real)):
        print(name, ", ".join(f"{key} {value:.3f}" for key, value in values.items()))


if __name__ == "__main__":
    main()
