"""Make the shipped bundle: `mer_net` fitted on maps of scanned expressions, measured on portraits and real maps.

    python -m benchmarks.default_bundle HEAD_MODEL.npz PORTRAITS --cache FITS --work FOLDER --real MAPS INDEX

Moved portraits (portrait_clips.py) are read through the flow network, as in `mer score`: half of the people
give the least motion, the others the scores on the card. Ready-made maps of real clips are cut as the
bundle cuts its own, so that the very weights that ship are scored on them; nothing is fitted to them.

FOLDER keeps the fitted maps, and what each portrait gave under the hash of the flow weights, so that the
command goes on where it was stopped and new flow weights are measured anew.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import mer_core
from benchmarks import bundle_card, portrait_clips, scanned_maps
from benchmarks.bundle_card import MOTION
from benchmarks.portrait_clips import Pair
from benchmarks.rendered_people import FACE, REST
from data_prep.face_model_file import describe_model
from flow.estimate import file_digest, load_method
from flow.splatting.head_model import load_head_model
from flow.srflownet.data.animated_portraits import fit_portraits, load_fitted_portrait
from mer import bundle
from mer.bundle import Bundle
from mer.classifiers.mer_net import Classifier
from mer.evaluation import calibration, metrics
from mer.evaluation.flow_maps import read_maps
from mer.features import flow_image
from mer.inference.motion import subtract_head
from mer.recipe import Evidence, Recipe
from mer_core.io import read_npz, write_npz, write_text
from mer_core.progress import track

MAPS, SEED = 6000, 0
# Numbers of the people who give the limits of motion, and of those whose scores are on the card.
SETTING, SCORED = range(0, 24, 2), range(1, 24, 2)
CLASSIFIER: dict[str, Any] = {
    "centres": 300,
    "ridge": 10.0,
    "balanced": False,
}  # maps come at the frequencies that are meant
METHOD, OPTIONS = "srflownet", {"network": "compact"}
FEATURE: dict[str, Any] = {"size": 28, "crop": "box"}
CONFIDENT = 0.5  # least probability of a label that is given
REST_SHARE = 0.95  # of the faces at rest lie below the least motion
LARGE_SEEDS = (1, 2)  # a round of large motion each
# Labels end where the small motion ends. What the classifier would say of larger motion, up to here, is
# measured too (per cent of the inter-ocular distance): laughs and crying faces would be named, as surely as
# smiles.
MAX_SHOWN = 6.0
# Compression in bits per pixel: with fewer, coding artefacts compete with motion. Duration in s: the
# datasets' clips last half a second at most, and the measured ends of an interval may be as much too wide.
# Turn of the head in degrees: portraits and rendered people are turned by 15 at most, and measured poses are
# off by up to 10.
MEASURED = {
    "frame rate": (23, 500),
    "inter-ocular distance": (50, 2000),
    "head motion from onset to apex": (0, 4.0),
    "compression": (0.02, 1e9),
    "duration": (0.04, 1.0),
    "turn of the head": (0, 25.0),
}
LABELS, EMOTIONS = list(scanned_maps.LABELS), [label for label in scanned_maps.LABELS if label != "other"]
# Shown -> the label that is not wrong, beside none.
RIGHT = {label: label for label in EMOTIONS} | {"laugh": "positive", "crying": "negative"}


class Clips(NamedTuple):
    """Moved portraits as the bundle reads them."""

    people: np.ndarray  # (N,) int
    shown: np.ndarray  # (N,) str, label or what else was shown
    moved: np.ndarray  # (N,) float, `FacialMotion.strength`
    X: np.ndarray  # (N, 3, H, W) float32, feature

    def where(self, mask: np.ndarray) -> "Clips":
        """Return the maps for which `mask` (N,) bool holds."""
        return Clips(*(values[mask] for values in self))


def fit(head_model: Path, work: Path) -> Classifier:
    """Return the classifier of the bundle; its classes are positions in `LABELS`."""
    path = work / f"maps-{MAPS}-{SEED}-{file_digest(head_model)}.npz"
    if not path.is_file():
        X, names = scanned_maps.make_maps(load_head_model(head_model), MAPS, SEED)
        write_npz(path, X=X, y=np.array([LABELS.index(name) for name in names]))
    stored = read_npz(path)
    return Classifier(random_state=SEED, **CLASSIFIER).fit(stored["X"], stored["y"])


@dataclass(frozen=True)
class Portraits:
    """Portraits to move, with the folders that keep their fits and what was read of them."""

    portraits: Path
    head_model: Path
    fits: Path
    work: Path

    def read(self, people: Iterable[int], seed: int, moves: tuple[float, float]) -> Clips:
        """Measure people as `mer score` does; `moves` is a constant of portrait_clips.py."""
        model, method = load_head_model(self.head_model), load_method(METHOD, **OPTIONS)
        size = "large" if moves == portrait_clips.LARGE else "small"
        parts = []
        names = fit_portraits(self.portraits, model, self.fits, "held_out")
        for person in track(list(people), f"People, {size} motion, seed {seed}"):
            path = self.work / f"{size}-{seed}-{Path(names[person]).stem}-{method.weights}.npz"
            if not path.is_file():
                face = load_fitted_portrait(self.portraits, names[person], self.fits)
                pairs = portrait_clips.pairs_of_person(model, face, person, seed, method, moves)
                write_npz(path, **_measured(person, pairs)._asdict())
            parts.append(Clips(**read_npz(path)))
        return concatenated(parts)


def _measured(person: int, pairs: list[Pair]) -> Clips:
    values = [_measure_pair(pair) for pair in pairs]
    empty = np.zeros((0, 3, FEATURE["size"], FEATURE["size"]), np.float32)
    return Clips(
        people=np.full(len(pairs), person),
        shown=np.array([pair.label for pair in pairs], str),
        moved=np.array([moved for moved, _ in values], float),
        X=np.stack([feature for _, feature in values]) if values else empty,
    )


def _measure_pair(pair: Pair) -> tuple[float, np.ndarray]:
    """Return how far the face moved, per cent of the inter-ocular distance, and the feature."""
    shown = subtract_head(pair.flow, pair.landmarks)
    return shown.strength, flow_image.extract(shown.flow, pair.landmarks, **FEATURE)


def concatenated(parts: Sequence[Clips]) -> Clips:
    return Clips(*(np.concatenate(values) for values in zip(*parts)))


def make(
    classifier: Classifier, setting: Clips, small: Clips, large: Clips
) -> tuple[Bundle, dict[str, float], dict[str, float]]:
    """Return the bundle and its scores on small and on large motion.

    Faces at rest of `setting` give the least motion, emotions of `small` the range that is validated.
    """
    least = round(float(np.quantile(setting.moved[setting.shown == REST], REST_SHARE)), 3)
    moved = small.moved[np.isin(small.shown, EMOTIONS)]
    low, high = float(np.floor(moved.min() * 100) / 100), float(np.ceil(moved.max() * 100) / 100)
    fitted = Bundle(_recipe(classifier, least, (low, high)), [classifier])
    open_ended = Bundle(_recipe(classifier, least, (low, MAX_SHOWN)), [classifier])
    beyond = (large.moved > high) & (large.moved <= MAX_SHOWN)
    return fitted, on_portraits(fitted, small), on_portraits(open_ended, large.where(beyond))


def on_portraits(fitted: Bundle, clips: Clips) -> dict[str, float]:
    """Return scores on clips that show an emotion, and how often the others get no label or no wrong one."""
    p = fitted.predict_proba(clips.X)
    low, high = fitted.recipe.validated_ranges[MOTION]
    inside = (clips.moved >= max(low, fitted.recipe.min_motion)) & (clips.moved <= high)
    given, right = inside & gives_label(p, fitted.recipe), is_right(p, clips.shown)
    emotion = np.isin(clips.shown, EMOTIONS)
    y = np.array([LABELS.index(label) for label in clips.shown[emotion]])
    found = {
        "people": len(np.unique(clips.people)),
        "least motion": float(clips.moved[emotion].min()),
        "most motion": float(clips.moved[emotion].max()),
        **scores(three_classes(p)[emotion], y),
        "given": float(given[emotion].mean()),
        "right of given": float(right[emotion & given].mean()),
    }
    for shown in np.unique(clips.shown[~emotion]):
        found[f"{shown} clips"] = int((clips.shown == shown).sum())
        found[f"{shown} without label"] = float(1 - given[clips.shown == shown].mean())
        found[f"{shown} wrong"] = float((given & ~right)[clips.shown == shown].mean())
    return found


def is_right(p: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Return (N,) bool: the likeliest label is the one that the clip should have."""
    return np.array(LABELS)[p.argmax(1)] == np.array([RIGHT.get(label, "") for label in shown])


def _recipe(classifier: Classifier, least: float, moved: tuple[float, float]) -> Recipe:
    """Return the bundle's recipe; `least` and `moved` are in per cent of the inter-ocular distance."""
    return Recipe(
        mer=mer_core.__version__,
        face_size=FACE,
        method=METHOD,
        method_options=OPTIONS,
        match_exposure=True,
        face_model=describe_model(),
        feature="flow_image",
        feature_settings=FEATURE,
        classifier="mer_net",
        classifier_settings=[classifier.state()[1]],
        labels=LABELS,
        no_emotion_labels=["other"],
        protocol="composite-3",
        clips_per_label={label: round(MAPS * fraction) for label, fraction in scanned_maps.FREQUENCY.items()},
        n_subjects=MAPS // scanned_maps.CLIPS_PER_PERSON,
        datasets=["scanned expressions"],
        synthetic=True,
        remove_head_motion=True,
        min_motion=least,
        min_confidence=CONFIDENT,
        validated_ranges=MEASURED | {MOTION: moved},
    )


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
        "people": table["subject"].nunique(),
        "smiles": int(smiles.sum()),
        "smiles found": int((q.argmax(1) == y)[smiles].sum()),
        "given": float(given.mean()),
        "right of given": float((p.argmax(1) == y)[given].mean()),
    }


def with_evidence(fitted: Bundle, real: dict[str, float], weights: Path) -> Bundle:
    """Return the bundle with its score on real maps, for the weights file that was scored."""
    evidence = Evidence(
        data="real micro-expressions",
        n_clips=real["clips"],
        n_subjects=real["people"],
        uf1=round(real["uf1"], 3),
        calibration_error=round(real["calibration error"], 3),
        weights=file_digest(weights)[:8],
        remark="ready-made motion maps, in view while the bundle was designed: expect less elsewhere",
    )
    return replace(fitted, recipe=fitted.recipe.model_copy(update={"evidence": evidence}))


def three_classes(p: np.ndarray) -> np.ndarray:
    """Return (N, 3) probabilities of the emotions from (N, 4), whose last class, `other`, is dropped."""
    q = p[:, [LABELS.index(label) for label in EMOTIONS]]
    return q / q.sum(1, keepdims=True)


def gives_label(p: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Return (N,) bool: the likeliest label counts as a label and is likely enough."""
    silent = np.isin(np.array(recipe.labels)[p.argmax(1)], recipe.no_emotion_labels)
    return (p.max(1) >= recipe.min_confidence) & ~silent


def scores(q: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Return number of clips, UF1 and calibration error of q (N, 3) for y (N,) int."""
    truth, best = (np.array(EMOTIONS)[positions] for positions in (y, q.argmax(1)))
    uf1 = metrics.compute_scores(metrics.confusion_matrix(truth, best, EMOTIONS))["uf1"]
    return {
        "clips": len(y),
        "uf1": float(uf1),
        "calibration error": calibration.calibration_error(q, truth == best),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.default_bundle", description="Make the bundle that ships."
    )
    parser.add_argument("head_model", type=Path, help="NPZ of mer flow head-model")
    parser.add_argument("portraits", type=Path, help="folder of frontal portraits")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps fits of the portraits")
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps maps and measurements")
    parser.add_argument("--real", type=Path, nargs=2, required=True, metavar=("MAPS", "INDEX"))
    parser.add_argument("--out", type=Path, default=bundle.default_path())
    given = parser.parse_args()
    people = Portraits(given.portraits, given.head_model, given.cache, given.work)
    setting, scored = (people.read(part, SEED, portrait_clips.SMALL) for part in (SETTING, SCORED))
    large = concatenated([people.read(SCORED, seed, portrait_clips.LARGE) for seed in LARGE_SEEDS])
    fitted, on_small, on_large = make(fit(given.head_model, given.work), setting, scored, large)
    on_real = score_real(fitted, *given.real)
    bundle.save(fitted, given.out, replace=True)
    fitted = with_evidence(fitted, on_real, given.out / bundle.WEIGHTS_FILE)
    bundle.save(fitted, given.out, replace=True)
    weights = load_method(METHOD, **OPTIONS).weights
    assert weights is not None
    card = bundle_card.card(fitted.recipe, weights[:8], on_small, on_large, on_real)
    write_text(given.out / bundle.CARD_FILE, card)
    for name, values in (("small motion", on_small), ("large motion", on_large), ("real maps", on_real)):
        print(name, ", ".join(f"{key} {value:.3f}" for key, value in values.items()))


if __name__ == "__main__":
    main()
