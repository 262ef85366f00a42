"""Makes the bundle that ships: the classifier of `mer.pretrain`, measured on people who do not exist.

    python -m benchmarks.default_bundle --out mer/bundles/synthetic

The classifier has learned from motion maps that were computed. Here it reads rendered films through the flow network, as in
`mer score`: half of the people give the limit of motion, the others the scores on the card.

Its probabilities stay as they are. Rendered people would sharpen them, because their motion is easier to name than real
motion; on ready-made maps of 238 real clips the sister network's mean probability was .67 where .66 of its labels were right.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np

import mer_core
from benchmarks import pretrain
from benchmarks.rendered_people import FACE, MOVES, POSE, REST, TURN, Pair, pairs
from mer import bundle
from mer.bundle import Bundle, Recipe
from mer.evaluation import metrics
from mer.features import flow_image
from mer.inference.motion import between
from mer_core.io import write_text

PEOPLE, FIRST = 40, 20_000
METHOD, OPTIONS, SETTINGS = "srflownet", {"network": "compact"}, {"size": 28}
CONFIDENT = 0.5  # least probability of a label that is given
REST_SHARE = 0.95  # of the faces at rest lie below the least motion
# Compression in bits per pixel: with fewer, coding artefacts compete with motion; the engine's H.264 at rate factor 30 has about this.
MEASURED = {
    "frame rate": (23, 500),
    "distance of the eyes": (50, 2000),
    "head motion from onset to apex": (0, 4.0),
    "compression": (0.02, 1e9),
}


def make(found: Iterable[Pair]) -> tuple[Bundle, dict]:
    """The bundle, and what was measured on the people that nothing was chosen on."""
    classifier, labels = pretrain.load("aligned"), list(pretrain.LABELS)
    rows = [(pair.person, pair.label, *_read(pair)) for pair in found]
    people, shown, far = (np.array([row[i] for row in rows]) for i in (0, 1, 2))
    X = np.stack([row[3] for row in rows])
    named, chosen = shown != REST, np.isin(people, np.unique(people)[::2])
    y = np.array([labels.index(label) if label != REST else -1 for label in shown])

    rest = ~chosen
    least = float(np.quantile(far[chosen & ~named], REST_SHARE))
    moved = (
        round(float(far[rest & named].min()), 2),
        round(float(far[rest & named].max()), 2),
    )  # as read, not as rendered: flow reads less
    recipe = Recipe(
        mer=mer_core.__version__,
        face_size=FACE,
        method=METHOD,
        method_options=OPTIONS,
        match_exposure=True,
        feature="flow_image",
        feature_settings=SETTINGS,
        classifier="mer_net",
        classifier_settings=[classifier.state()[1]],
        labels=labels,
        protocol="composite-3",
        clips={label: pretrain.MAPS // len(labels) for label in labels},
        subjects=pretrain.MAPS // 20,
        datasets=["splat engine"],
        synthetic=True,
        own_motion=True,
        least_motion=round(least, 3),
        least_confidence=CONFIDENT,
        measured=MEASURED | {"motion of the face": moved},
    )
    fitted = Bundle(recipe, [classifier])
    scores = measure_scores(fitted, X[rest & named], y[rest & named], far[rest & named])
    return fitted, scores | {
        "people": len(np.unique(people[rest])),
        "rest without label": float((far[rest & ~named] < recipe.least_motion).mean()),
    }


def _read(pair: Pair) -> tuple[float, np.ndarray]:
    """Motion as in `Score.motion`, and the feature."""
    shown = between([], np.zeros((2, 3)), pair.landmarks, pair.flow, own_motion=True)
    return shown.far, flow_image.extract(shown.taken, pair.landmarks, **SETTINGS)


def _loss(p: np.ndarray, y: np.ndarray) -> float:
    return float(-np.log(np.clip((p / p.sum(1, keepdims=True))[np.arange(len(y)), y], 1e-12, None)).mean())


def measure_scores(fitted: Bundle, X: np.ndarray, y: np.ndarray, far: np.ndarray) -> dict:
    """UF1 over all clips and over those that got a label, how often a label is given, and how far sureness is from being right."""
    p, labels = fitted.predict_proba(X), fitted.recipe.labels
    best, sure = p.argmax(1), p.max(1)
    given = (far >= fitted.recipe.least_motion) & (sure >= fitted.recipe.least_confidence)

    def uf1(which: np.ndarray) -> float:
        return float(
            metrics.scores(
                metrics.confusion(np.array(labels)[y[which]], np.array(labels)[best[which]], labels)
            )["uf1"]
        )

    tenths = np.minimum((sure * 10).astype(int), 9)
    gap = sum(
        abs((best == y)[tenths == t].mean() - sure[tenths == t].mean()) * (tenths == t).mean()
        for t in np.unique(tenths)
    )
    return {
        "clips": len(y),
        "uf1": uf1(np.ones(len(y), bool)),
        "uf1 of given": uf1(given),
        "given": float(given.mean()),
        "right of given": float((best == y)[given].mean()),
        "calibration error": float(gap),
        "loss": _loss(p, y),
    }


def card(recipe: Recipe, scores: dict) -> str:
    """README of the bundle."""
    moved = recipe.measured["motion of the face"]
    return f"""# Bundle: synthetic

The bundle that comes with mer. `mer score CLIP` uses it where no other is named.

- **Fitted on** {sum(recipe.clips.values()):,} computed motion maps of {recipe.subjects} people who do not exist (`python -m benchmarks.pretrain --crop aligned`, mer/classifiers/mer_net/weights/synthetic-aligned.md). No picture of a real person, and nothing licensed, was used for the classifier.
- **In**: onset and apex, aligned to {recipe.face_size} px; flow by `{recipe.method}` {recipe.method_options}; the head's motion taken off; feature `{recipe.feature}`.
- **Out**: probabilities of {", ".join(recipe.labels)} (happiness is positive; anger, contempt, disgust, fear, sadness and repression are negative).

## Measured

| on | clips | UF1 | note |
|---|---|---|---|
| rendered people, read through this flow network | {scores["clips"]} of {scores["people"]} people | {scores["uf1"]:.3f} | {scores["given"]:.0%} of them get a label, of which {scores["right of given"]:.0%} are right |
| real micro-expressions, ready-made maps of 34 subjects | 238 | .597 | zero-shot, by the sister network for maps cut along the face's box; always negative has .237 |

The second row is the only one that says something about people, and it was not measured on this very bundle: the real maps are rescaled per clip and cut differently, so they cannot be given to it. No score on real videos is known.

Probabilities are as the network gives them. On those real maps the sister network's highest probability was .67 on the mean and .66 of its labels were right (the best temperature would be .98). Rendered people are easier: there the calibration error is {scores["calibration error"]:.3f}, from too little sureness.

No label is given where the face moves by less than {recipe.least_motion} % of the distance of its eyes ({scores["rest without label"]:.0%} of the resting faces that were not used to set this), or where the likeliest label has less than {recipe.least_confidence}.

Rendered people: {PEOPLE}, facing within about {POSE:g} degrees, moving by {100 * MOVES[0]:g} to {100 * MOVES[1]:g} % of the distance of the eyes at the farthest point, the head turning by about {TURN:g} degrees in between, random cameras. `mer score` reads their motion as {moved[0]:g} to {moved[1]:g} % (mean of the three parts that move most), and says so where a clip moves less or more.

## Limits

- It names the class that a motion between two frames resembles. It does not know what a person feels, and is **no lie detector** and no ground for a decision about a person.
- Its faces have no wrinkles that deepen, no beards, no hands; its expressions follow recipes from the literature.
- Speech, laughter and large expressions move more than it was measured on; then its sureness means little.

Made by `python -m benchmarks.default_bundle`. MIT, as the project.
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.default_bundle", description="Make the bundle that ships."
    )
    parser.add_argument("--out", type=Path, default=bundle.shipped())
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    fitted, scores = make(pairs(range(FIRST, FIRST + given.people), METHOD, given.jobs))
    bundle.save(fitted, given.out, replace=True)
    write_text(given.out / bundle.CARD_FILE, card(fitted.recipe, scores))
    print(
        "\n".join(
            f"{name}: {value:.3f}" if isinstance(value, float) else f"{name}: {value}"
            for name, value in scores.items()
        )
    )


if __name__ == "__main__":
    main()
