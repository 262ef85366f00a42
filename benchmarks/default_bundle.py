r"""Make the shipped bundle: `mer_net` fitted on recorded people, measured on other portraits and real maps.

    python -m benchmarks.default_bundle HEAD_MODEL.npz PORTRAITS --cache FITS --work FOLDER \
        --real MAPS INDEX --films FILMS

All recorded people are read through the flow network, as in `mer score`. Of the portraits it is measured
on, half give the least motion, the others scores on the card. So do strangers, rendered people whose
muscles are made by hand as those of some who are fitted on, and ready-made maps of real clips, which are cut
as the bundle cuts its own, so that the very weights that ship are scored on them. Nothing is fitted to
either. Films give the lower end of the bundle's range of motion, and its least probability
(label_validation.py).

FOLDER keeps what each person gave (measured_clips.py), so that the command goes on where it was stopped, and
new flow weights or recipes are measured anew.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import mer_core
from benchmarks import bundle_card, portrait_clips, scanned_maps
from benchmarks.bundle_card import MOTION
from benchmarks.label_validation import validated
from benchmarks.measured_clips import FEATURE, METHOD, OPTIONS, Clips, People, concatenated, joined
from benchmarks.rendered_people import FACE, REST
from benchmarks.validation_films import readings
from data_prep.face_model_file import describe_model
from flow.estimate import file_digest
from mer import bundle
from mer.bundle import Bundle
from mer.classifiers.mer_net import Classifier
from mer.evaluation import calibration, metrics
from mer.evaluation.flow_maps import read_maps
from mer.recipe import Evidence, Recipe
from mer_core.io import write_text

SEED = 0
N_PORTRAITS, N_ACTORS = 90, 16  # people
# Numbers of the strangers who are fitted on, and of those whose scores are on the card.
STRANGERS, SCORED_STRANGERS = range(12), range(12, 20)
# Modelled maps keep the bundle from depending on one network's errors, and those of muscles from depending on
# one source of expressions. Recorded pairs count REPEATS times, so that both weigh about alike.
N_MODELLED, N_MUSCLES, REPEATS = 6000, 3000, 10
MUSCLES_SEED = 7
# Numbers of the people who give the limits of motion, and of those whose scores are on the card.
SETTING, SCORED = range(0, 24, 2), range(1, 24, 2)
CLASSIFIER: dict[str, Any] = {
    "centres": 300,
    "ridge": 10.0,
    "balanced": False,
}  # maps come at the frequencies that are meant
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


class Recorded(NamedTuple):
    """What the bundle is made from, and measured on."""

    fitted_on: Clips
    modelled: Clips  # fitted on, too
    setting: Clips  # at rest, give the least motion
    small: Clips  # give the upper end of the range, and scores
    large: Clips  # give scores beyond it
    strangers: Clips  # give scores


def record(people: People) -> Recorded:
    """Record everybody, or read what was recorded before."""
    large = [people.to_measure(SCORED, seed, portrait_clips.LARGE) for seed in LARGE_SEEDS]
    return Recorded(
        fitted_on=joined(people.to_fit_on(N_PORTRAITS, N_ACTORS), people.strangers(STRANGERS)),
        modelled=joined(people.modelled(N_MODELLED, SEED), people.modelled_muscles(N_MUSCLES, MUSCLES_SEED)),
        setting=people.to_measure(SETTING, SEED, portrait_clips.SMALL),
        small=people.to_measure(SCORED, SEED, portrait_clips.SMALL),
        large=concatenated(large),
        strangers=people.strangers(SCORED_STRANGERS),
    )


def unvalidated(classifier: Classifier, recorded: Recorded) -> Bundle:
    """Return the bundle before films are read with it; its range is the motion of `recorded.small`."""
    setting, small = recorded.setting, recorded.small
    least = round(float(np.quantile(setting.moved[setting.shown == REST], REST_SHARE)), 3)
    moved = small.moved[np.isin(small.shown, EMOTIONS)]
    low, high = float(np.floor(moved.min() * 100) / 100), float(np.ceil(moved.max() * 100) / 100)
    return Bundle(_recipe(classifier, recorded, least, (low, high)), [classifier])


def score_recorded(fitted: Bundle, recorded: Recorded) -> dict[str, dict[str, float]]:
    """Return the bundle's scores on small motion, on large motion, and on strangers in its range."""
    low, high = fitted.recipe.validated_ranges[MOTION]
    ranges = fitted.recipe.validated_ranges | {MOTION: (low, MAX_SHOWN)}
    open_ended = replace(fitted, recipe=fitted.recipe.model_copy(update={"validated_ranges": ranges}))
    large, strangers = recorded.large, recorded.strangers
    return {
        "small": on_recorded(fitted, recorded.small),
        "large": on_recorded(open_ended, large.where((large.moved > high) & (large.moved <= MAX_SHOWN))),
        "strangers": on_recorded(
            fitted, strangers.where((strangers.moved >= low) & (strangers.moved <= high))
        ),
    }


def fit(fitted_on: Clips, modelled: Clips) -> Classifier:
    """Return the classifier of the bundle; its classes are positions in `LABELS`."""
    clips = concatenated([fitted_on] * REPEATS + [modelled])
    return Classifier(random_state=SEED, **CLASSIFIER).fit(clips.X, positions(clips.shown))


def positions(shown: np.ndarray) -> np.ndarray:
    """Return positions (N,) int in `LABELS`."""
    return np.array([LABELS.index(label) for label in shown])


def on_recorded(fitted: Bundle, clips: Clips) -> dict[str, float]:
    """Return scores on clips that show an emotion, and how often the others get no label or no wrong one."""
    p = fitted.predict_proba(clips.X)
    low, high = fitted.recipe.validated_ranges[MOTION]
    inside = (clips.moved >= max(low, fitted.recipe.min_motion)) & (clips.moved <= high)
    given, right = inside & gives_label(p, fitted.recipe), is_right(p, clips.shown)
    emotion = np.isin(clips.shown, EMOTIONS)
    y = positions(clips.shown[emotion])
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


def _recipe(classifier: Classifier, recorded: Recorded, least: float, moved: tuple[float, float]) -> Recipe:
    """Return the bundle's recipe; `least` and `moved` are in per cent of the inter-ocular distance."""
    shown = np.concatenate([recorded.fitted_on.shown, recorded.modelled.shown])
    n_people = [len(np.unique(clips.people)) for clips in (recorded.fitted_on, recorded.modelled)]
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
        clips_per_label={label: int((shown == label).sum()) for label in LABELS},
        n_subjects=sum(n_people),
        datasets=["scanned expressions"],
        synthetic=True,
        remove_head_motion=True,
        min_motion=least,
        validated_ranges=MEASURED | {MOTION: moved},
    )


def score_real(fitted: Bundle, maps: Path, index: Path) -> dict[str, float]:
    """Return scores on ready-made maps of real clips."""
    table, X = read_maps(maps, index)
    y = positions(table["label"])
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
    truth, best = (np.array(EMOTIONS)[which] for which in (y, q.argmax(1)))
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
    parser.add_argument("--films", type=Path, required=True, help="folder that keeps films to validate with")
    parser.add_argument("--out", type=Path, default=bundle.default_path())
    given = parser.parse_args()
    people = People(given.portraits, given.head_model, given.cache, given.work)
    recorded = record(people)
    fitted = unvalidated(fit(recorded.fitted_on, recorded.modelled), recorded)
    bundle.save(fitted, given.out, replace=True)
    weights = given.out / bundle.WEIGHTS_FILE
    films = list(readings(given.films, fitted.recipe))
    flow_weights = people.network.partition("-")[0]
    fitted = validated(films, fitted, file_digest(weights)[:8], flow_weights)
    found = score_recorded(fitted, recorded) | {"real": score_real(fitted, *given.real)}
    fitted = with_evidence(fitted, found["real"], weights)
    bundle.save(fitted, given.out, replace=True)
    card = bundle_card.card(fitted.recipe, people.network, len(recorded.fitted_on.X), found)
    write_text(given.out / bundle.CARD_FILE, card)
    for name, values in found.items():
        print(name, ", ".join(f"{key} {value:.3f}" for key, value in values.items()))


if __name__ == "__main__":
    main()
