"""Validate a bundle through camera, codec, tracker, spotter and flow.

    python -m benchmarks.label_validation --work FOLDER --page docs/results/label-validation.md

default_bundle.py validates the bundle that ships; this command writes the page. Films of rendered people
whom nothing is fitted on go the whole way of `mer score` (validation_films.py); the people of
label_rates.py are others. Two rules turn the outcome into settings of the bundle:
- motion: labels are given from the *limit of detection* on, the motion from which `DETECTION_RATE` of the
  expressions are found, by logistic regression of "found" on the logarithm of the motion. The range is
  stated as motion is measured: as `DETECTION_RATE` of these films are measured at the limit;
- probability: the least one is that of the lowest cost, if a wrong label costs 1 and an expression without a
  label `ABSTENTION_COST`. A label on a film that shows no emotion is wrong, too.

FOLDER keeps the films, and the pairs of faces that tracker and spotter choose in them: delete the .npz
files after a change of these.

References
----------
- CLSI EP17-A2, Evaluation of detection capability, 2012 (probit approach to the limit of detection);
- Chow, On optimum recognition error and reject tradeoff, IEEE Trans. Information Theory 16(1), 1970;
- Geifman, El-Yaniv, Selective classification for deep neural networks, NeurIPS 2017 (risk, coverage).
"""

import argparse
import math
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.bundle_card import MOTION
from benchmarks.film_readings import Reading, ask
from benchmarks.rendered_people import LABELS
from benchmarks.validation_films import ODD_FROM, STRENGTH, readings
from mer import bundle
from mer.bundle import Bundle
from mer.inference import reliability
from mer.recipe import Validation
from mer_core.io import write_text

COMPRESSION = "compression"  # name of its range in a recipe
DETECTION_RATE, ABSTENTION_COST = 0.9, 0.5
THRESHOLDS = np.round(np.arange(0.25, 0.801, 0.01), 2)
ROWS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)  # thresholds in the table
BINS = (0.15, 0.3, 0.45, 0.7, 1.0, 1.5, 4.0)  # per cent of the inter-ocular distance, rows of the table


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
    would_be_right: bool  # the likeliest emotion, if no film were `other`


def answers(found: list[Reading], fitted: Bundle) -> list[Answer]:
    """Return what the bundle would answer to each film inside its ranges, without a least probability."""
    recipe = fitted.recipe.model_copy(update={"min_confidence": 0.0})
    given = []
    for one in found:
        if reliability.find_obstacle(one.moment, one.conditions, recipe) is not None:
            continue
        label, _, p = ask(one, replace(fitted, recipe=recipe))
        emotion = max(LABELS, key=p.__getitem__)
        given.append(
            Answer(p[label] if label else 0.0, label == one.shown, one.shown in LABELS, emotion == one.shown)
        )
    return given


def errors_and_labels(given: list[Answer], threshold: float) -> tuple[int, int]:
    """Return the numbers of wrong labels and of labels at a least probability."""
    labelled = [one for one in given if one.probability >= max(threshold, 1e-9)]
    return sum(not one.is_right for one in labelled), len(labelled)


def cost(given: list[Answer], threshold: float) -> float:
    """Return what errors and expressions without a label cost at a least probability."""
    silent = sum(one.is_emotion and one.probability < threshold for one in given)
    return errors_and_labels(given, threshold)[0] + ABSTENTION_COST * silent


def least_probability(given: list[Answer]) -> float:
    """Return the threshold of the lowest cost; of several, the highest."""
    return float(min(THRESHOLDS[::-1], key=lambda threshold: cost(given, threshold)))


def validated(found: list[Reading], fitted: Bundle, weights: str, flow_weights: str) -> Bundle:
    """Return the bundle with the ranges and the least probability that the films support."""
    expressions = [one for one in found if one.shown in LABELS]
    limit = detection_limit(*detections(expressions))
    low, high = fitted.recipe.validated_ranges[MOTION]
    low = math.ceil(100 * max(fitted.recipe.min_motion, limit * measured_fraction(expressions, limit))) / 100
    fewest_bits = math.floor(1000 * min(one.conditions.bits_per_pixel for one in expressions)) / 1000
    most_bits = fitted.recipe.validated_ranges[COMPRESSION][1]
    ranges = fitted.recipe.validated_ranges | {MOTION: (low, high), COMPRESSION: (fewest_bits, most_bits)}
    ranged = replace(fitted, recipe=fitted.recipe.model_copy(update={"validated_ranges": ranges}))
    given = answers(found, ranged)
    least = least_probability(given)
    n_wrong, n_labelled = errors_and_labels(given, least)
    validation = Validation(
        n_films=len(found),
        detection_rate=DETECTION_RATE,
        detection_limit=round(limit, 3),
        abstention_cost=ABSTENTION_COST,
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
    """Return the least fraction of the true motion that is measured in `DETECTION_RATE` of the films.

    Of those that are found and move by `limit` or more.
    """
    seen = [
        one.conditions.motion / one.strength for one in expressions if one.is_found and one.strength >= limit
    ]
    return float(np.quantile(seen, 1 - DETECTION_RATE))


PAGE = """# From which motion on, and from which probability on, are labels given?

From **{low:g} %** of the inter-ocular distance, and from a probability of **{least:.2f}**, by two rules:
{rate:.0%} of the expressions must be found (detection limit), and the cost must be the lowest, where a
wrong label costs 1 and an expression without a label {abstention:g}.

| true motion, % of the inter-ocular distance | films of expressions | found | measured motion / true |
|---|---|---|---|
{motion}

The detection limit is {limit:.2f} % (95 % interval {limit_low:.2f} to {limit_high:.2f}, over resampled
films). {rate:.0%} of the films that move more are measured to move by {fraction:.0%} of that or more, so
the range begins at {low:g} %. It includes the strongest compression of the films, {bits:g} bits per pixel.

Inside the ranges lie {inside} films, {negatives} of them without an emotion (speech, gaze, blinks, turns of
the head, rest). With each least probability:

| least probability | films given a label (coverage) | wrong (risk) | cost |
|---|---|---|---|
{risk}

A label on a film without an emotion is wrong, too. Films whose likeliest label is `other` get none at any
of them: {others} of the films of expressions, whose likeliest emotion would be right in {rescued}. The
labels that are given have a probability of {sureness:.2f} in the mean, and {right:.0%} of them are right.

- **Errors are of two kinds**: fear, whose brows rise as in surprise, is called surprise, and contempt with a
  raised lip corner a smile. Of the labels from .80 on {sure_wrong} of {sure} are wrong. (Before hand-made
  muscles were fitted, errors were as sure as right labels.)
- Lips that part are `other` rather than surprise, as they are in speech. Forced to an emotion, the films of
  expressions that are `other` would save {abstention:g} each where that is right and cost as much where it
  is wrong, and speech would cost 1 each.

**Data**: {films} films of as many rendered people ({speech} of them speak) whom neither a fit nor another
benchmark shows, 24 to 60 frames per second, heads turned by up to 18 degrees, expressions of {shortest:.1f}
to {longest:.1f} s, H.264 at CRF 14 to 28, eyes 70 px apart. Motion {strength[0]} to {strength[1]} %, evenly
spread in its logarithm, twice as densely from {dense} %. Bundle weights {weights}, flow weights
{flow_weights}. Real faces differ: their limits are not known. docs/results/label-rates.md measures the
result on other people.

```
python -m benchmarks.label_validation --work FOLDER --page docs/results/label-validation.md
```
"""


def page(found: list[Reading], fitted: Bundle) -> str:
    """Return the results page of a bundle that was `validated` on these films."""
    expressions = [one for one in found if one.shown in LABELS]
    validation, given = fitted.recipe.validation, answers(found, fitted)
    assert validation, "run label_validation first"
    low, high = limit_interval(*detections(expressions))
    return PAGE.format(
        low=fitted.recipe.validated_ranges[MOTION][0],
        least=fitted.recipe.min_confidence,
        rate=DETECTION_RATE,
        abstention=ABSTENTION_COST,
        sure_wrong=errors_and_labels(given, 0.8)[0],
        sure=errors_and_labels(given, 0.8)[1],
        motion="\n".join(_motion_row(expressions, *limits) for limits in zip(BINS[:-1], BINS[1:])),
        limit=validation.detection_limit,
        limit_low=low,
        limit_high=high,
        fraction=measured_fraction(expressions, validation.detection_limit),
        bits=fitted.recipe.validated_ranges[COMPRESSION][0],
        inside=len(given),
        negatives=sum(not one.is_emotion for one in given),
        risk="\n".join(
            _risk_row(given, threshold) for threshold in sorted({*ROWS, fitted.recipe.min_confidence})
        ),
        others=sum(one.is_emotion and not one.probability for one in given),
        rescued=sum(one.would_be_right and not one.probability for one in given),
        sureness=np.mean(
            [one.probability for one in given if one.probability >= fitted.recipe.min_confidence]
        ),
        right=1 - validation.n_wrong / validation.n_labelled,
        films=len(found),
        speech=sum(one.shown == "speech" for one in found),
        shortest=0.2,
        longest=0.8,
        strength=STRENGTH,
        dense=ODD_FROM,
        weights=validation.weights,
        flow_weights=validation.flow_weights,
    )


def _motion_row(expressions: list[Reading], low: float, high: float) -> str:
    part = [one for one in expressions if low <= one.strength < high]
    seen = [one.conditions.motion / one.strength for one in part if one.is_found]
    ratio = f"{np.median(seen):.2f}" if seen else ""
    return f"| {low:g} to {high:g} | {len(part)} | {len(seen)} | {ratio} |"


def _risk_row(given: list[Answer], threshold: float) -> str:
    wrong, n = errors_and_labels(given, threshold)
    coverage, risk = f"{n} ({n / len(given):.0%})", f"{wrong} ({wrong / max(n, 1):.0%})"
    return f"| {threshold:.2f} | {coverage} | {risk} | {cost(given, threshold):g} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.label_validation", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps films and measurements")
    parser.add_argument("--page", type=Path, required=True, help="Markdown page to write")
    given = parser.parse_args()
    fitted = bundle.load()
    write_text(given.page, page(list(readings(given.work, fitted.recipe)), fitted))


if __name__ == "__main__":
    main()
