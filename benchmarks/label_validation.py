"""Validate the bundle that ships through camera, codec, tracker, spotter and flow, and store what that shows in it.

    python -m benchmarks.label_validation --work FOLDER --page docs/results/label-validation.md

Films of rendered people whom nothing is fitted on go the whole way of `mer score`; label_rates.py shows others. Two
rules turn the outcome into settings of the bundle:

- motion: labels are given from the *limit of detection* on, the true motion from which `FOUND` of the expressions are
  found, by logistic regression of "found" on the logarithm of the motion;
- probability: the least one for which at most `MAX_ERRORS` of the labels given are wrong, so that no more clips than
  needed go without a label. A label on a film that shows no emotion is wrong, too.

FOLDER keeps the films, and the pairs of faces that tracker and spotter choose in them: delete the .npz files after
a change of these.

References
----------
- CLSI EP17-A2, Evaluation of detection capability, 2012 (probit approach to the limit of detection);
- Geifman, El-Yaniv, Selective classification for deep neural networks, NeurIPS 2017 (risk, coverage).
"""

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.bundle_card import MOTION
from benchmarks.label_films import Shot, render, write_film
from benchmarks.rendered_people import LABELS
from flow.estimate import file_digest, load_method
from flow.sampling import log_uniform
from mer import bundle
from mer.bundle import Bundle
from mer.inference import onset_apex, reliability, spotting
from mer.inference.motion import AlignedPair, align_pair, measure_pair
from mer.inference.onset_apex import Moment
from mer.inference.recorder import track_clip
from mer.inference.reliability import Conditions
from mer.recipe import Recipe, Validation
from mer_core.io import read_npz, write_json, write_npz, write_text
from mer_core.progress import track as show_progress

FIRST_PERSON = 5000  # seed of the first person; no other benchmark or fit uses these
N_EMOTIONS = 160  # films of emotions
# What should get no label -> number of films: a quarter, as when the bundle is fitted.
OTHERS = {"speech": 24, "gaze": 8, "blink": 10, "head": 8, "rest": 8}
EVERY = 2  # of these films every second is shown; the others are left for later
DETECTION_RATE, MAX_ERROR_RATE = 0.9, 0.1
THRESHOLDS = np.round(np.arange(0.25, 0.801, 0.01), 2)
STRENGTH = (0.15, 4.0)  # of expressions and speech, per cent of the inter-ocular distance


class Reading(NamedTuple):
    """What `mer score` measures in a film before the bundle comes in."""

    shown: str  # an emotion's label or one of `OTHERS`
    strength: float  # true, per cent of the inter-ocular distance
    is_found: bool
    moment: Moment
    conditions: Conditions
    flow: np.ndarray  # (S, S, 2) float32 px, as the bundle reads it
    landmarks: np.ndarray  # (478, 2) px


def draw_shot(number: int, shown: str) -> Shot:
    """Draw the conditions of film `number`."""
    rng = np.random.default_rng([number, 5013])
    return Shot(
        strength=log_uniform(rng, *STRENGTH) if shown in LABELS or shown == "speech" else 0.0,
        fps=float(rng.choice([24, 25, 30, 50, 60])),
        rise_s=rng.uniform(0.08, 0.3),
        hold_s=rng.uniform(0, 0.2),
        fall_s=rng.uniform(0.1, 0.3),
        yaw=rng.uniform(-18, 18),
        nod=rng.uniform(0.3, 3) if shown == "head" else 0.0,
        crf=int(rng.integers(14, 29)),
    )


def shown_in_films() -> list[str]:
    """What each film shows; the labels take turns."""
    emotions = [list(LABELS)[i % len(LABELS)] for i in range(N_EMOTIONS)]
    return emotions + [kind for kind, count in OTHERS.items() for _ in range(count)]


def readings(work: Path, recipe: Recipe) -> Iterator[Reading]:
    """Yield what is measured in each film, which is rendered first where `work` does not hold it."""
    for number, shown in show_progress(list(enumerate(shown_in_films()))[::EVERY], "Films"):
        film, shot = work / f"{number:03d}.mp4", draw_shot(number, shown)
        if not film.is_file():
            write_film(
                film, shot, render(FIRST_PERSON + number, shown, shot, np.random.default_rng([number, 5014]))
            )
        measured = film.with_suffix(".npz")
        if not measured.is_file():
            write_npz(measured, **measure(film, recipe))
        yield _read(read_npz(measured), recipe, shown, shot)


def measure(film: Path, recipe: Recipe) -> dict[str, np.ndarray]:
    """Measure a film as `mer score` does, up to the pair of faces."""
    frames, track = track_clip(film)
    intervals = spotting.find_intervals(track)
    moment = onset_apex.choose_moment(track, intervals, str(film))
    images = frames.pick([int(track.number[row]) for row in moment[:2]])
    onset_and_apex = [images[int(track.number[row])] for row in moment[:2]]
    aligned = align_pair(onset_and_apex, track.box[moment.onset], recipe.face_size)
    known = {
        "apex_s": moment.interval.apex_s if moment.interval else math.nan,
        "reason": moment.reason,
        "is_one_way": moment.is_one_way,
        "conditions": asdict(reliability.measure_conditions(film, track, moment, intervals, math.nan)),
    }
    return {"known": np.array(json.dumps(known)), **aligned._asdict()}


def _read(values: dict[str, np.ndarray], recipe: Recipe, shown: str, shot: Shot) -> Reading:
    """Measure the motion of a stored pair of faces."""
    known = json.loads(str(values.pop("known")))
    pair = measure_pair(AlignedPair(**values), recipe)
    return Reading(
        shown=shown,
        strength=shot.strength,
        is_found=shot.shows(known["apex_s"]),
        moment=Moment(0, 0, None, known["reason"], known["is_one_way"]),
        conditions=Conditions(**known["conditions"] | {"motion": pair.facial.strength}),
        flow=pair.input_flow,
        landmarks=values["landmarks"],
    )


def detection_limit(strength: np.ndarray, is_found: np.ndarray, rate: float = DETECTION_RATE) -> float:
    """Return the strength from which on `rate` of the expressions are found, by logistic regression."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e6).fit(np.log(strength)[:, None], is_found)
    return float(np.exp((math.log(rate / (1 - rate)) - fitted.intercept_[0]) / fitted.coef_[0, 0]))


def limit_interval(strength: np.ndarray, is_found: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of `detection_limit`, over resampled films."""
    rng, limits = np.random.default_rng(0), []
    for _ in range(500):
        drawn = rng.integers(len(strength), size=len(strength))
        if 0 < is_found[drawn].sum() < len(drawn):
            limits.append(detection_limit(strength[drawn], is_found[drawn]))
    low, high = np.quantile(limits, [0.025, 0.975])
    return float(low), float(high)


class Answer(NamedTuple):
    """What the bundle says of a film inside the ranges, and whether that would be right as a label."""

    probability: float  # of the likeliest label; 0 if that is none of an emotion
    is_right: bool
    is_emotion: bool  # what the film shows


def answers(found: list[Reading], fitted: Bundle) -> list[Answer]:
    """Ask the bundle about the films inside the ranges, whatever its least probability."""
    recipe = fitted.recipe.model_copy(update={"min_confidence": 0.0})
    given = []
    for one in found:
        if reliability.find_obstacle(one.moment, one.conditions, recipe) is not None:
            continue
        both = [fitted.extract(flow, one.landmarks) for flow in (one.flow, -one.flow)]
        p, opposite = (dict(zip(recipe.labels, row)) for row in fitted.predict_proba(np.stack(both)))
        label, _ = reliability.find_label(one.moment, one.conditions, p, opposite, recipe)
        given.append(Answer(p[label] if label else 0.0, label == one.shown, one.shown in LABELS))
    return given


def errors_and_labels(given: list[Answer], threshold: float) -> tuple[int, int]:
    """Return the numbers of wrong labels and of labels at a least probability."""
    labelled = [one for one in given if one.probability >= max(threshold, 1e-9)]
    return sum(not one.is_right for one in labelled), len(labelled)


def least_probability(given: list[Answer]) -> float:
    """Return the lowest threshold at which at most `MAX_ERROR_RATE` of the labels are wrong."""
    counts = [errors_and_labels(given, threshold) for threshold in THRESHOLDS]
    fine = [t for t, (wrong, n) in zip(THRESHOLDS, counts) if n and wrong <= MAX_ERROR_RATE * n]
    return float(fine[0] if fine else THRESHOLDS[-1])


def validated(found: list[Reading], fitted: Bundle, weights: str, flow_weights: str) -> Bundle:
    """Return the bundle with the range of motion and the least probability that the films support."""
    expressions = [one for one in found if one.shown in LABELS]
    limit = detection_limit(*detections(expressions))
    low, high = fitted.recipe.validated_ranges[MOTION]
    low = math.ceil(100 * max(fitted.recipe.min_motion, limit * measured_fraction(expressions, limit))) / 100
    ranges = fitted.recipe.validated_ranges | {MOTION: (low, high)}
    ranged = replace(fitted, recipe=fitted.recipe.model_copy(update={"validated_ranges": ranges}))
    given = answers(found, ranged)
    least = least_probability(given)
    n_wrong, n_labelled = errors_and_labels(given, least)
    validation = Validation(
        n_films=len(found),
        detection_rate=DETECTION_RATE,
        detection_limit=round(limit, 3),
        max_error_rate=MAX_ERROR_RATE,
        n_inside=len(given),
        n_labelled=n_labelled,
        n_wrong=n_wrong,
        weights=weights,
        flow_weights=flow_weights,
    )
    update = {"min_confidence": least, "validation": validation}
    return replace(ranged, recipe=ranged.recipe.model_copy(update=update))


def detections(expressions: list[Reading]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([one.strength for one in expressions]), np.array([one.is_found for one in expressions])


def measured_fraction(expressions: list[Reading], limit: float) -> float:
    """Return the median of measured by true motion, of expressions that are found at `limit` or above."""
    return float(
        np.median(
            [
                one.conditions.motion / one.strength
                for one in expressions
                if one.is_found and one.strength >= limit
            ]
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.label_validation", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps films and measurements")
    parser.add_argument("--bundle", type=Path, default=bundle.default_path())
    parser.add_argument("--page", type=Path, help="Markdown page to write")
    given = parser.parse_args()
    fitted = bundle.load(given.bundle)
    recipe = fitted.recipe
    found = list(readings(given.work, recipe))
    flow_weights = load_method(recipe.method, **recipe.method_options).weights or "none"
    weights = file_digest(given.bundle / bundle.WEIGHTS_FILE)
    fitted = validated(found, fitted, weights[:8], flow_weights[:8])
    write_json(given.bundle / bundle.JSON_FILE, fitted.recipe.model_dump())
    print(fitted.recipe.validation)
    if given.page:
        from benchmarks.label_validation_page import page

        write_text(given.page, page(found, fitted))


if __name__ == "__main__":
    main()
