"""The results page of label_validation.py."""

import numpy as np

from benchmarks.bundle_card import MOTION
from benchmarks.label_validation import (
    DETECTION_RATE,
    MAX_ERROR_RATE,
    STRENGTH,
    Answer,
    Reading,
    answers,
    detections,
    errors_and_labels,
    limit_interval,
    measured_fraction,
)
from benchmarks.rendered_people import LABELS
from mer.bundle import Bundle

ROWS = (0.3, 0.4, 0.5, 0.6, 0.7)  # thresholds in the table
BINS = (0.15, 0.3, 0.45, 0.7, 1.0, 1.5, 4.0)  # per cent of the inter-ocular distance

PAGE = """# From which motion on, and from which probability on, are labels given?

From **{low:g} %** of the inter-ocular distance, and from a probability of **{least:.2f}**. Two rules, fixed before the films were looked at, give
these: {rate:.0%} of the expressions must be found (detection limit), and at most {errors:.0%} of the labels may be wrong.

| true motion, % of the inter-ocular distance | films of expressions | found | measured motion / true |
|---|---|---|---|
{motion}

The detection limit is {limit:.2f} % (95 % interval {limit_low:.2f} to {limit_high:.2f}, over resampled films); {fraction:.0%} of a motion are measured
there, so the range begins at {low:g} %.

Inside the ranges lie {inside} films, {negatives} of them without an emotion (speech, gaze, blinks, turns of the head, rest). With each least
probability:

| least probability | films given a label (coverage) | wrong (risk) |
|---|---|---|
{risk}

A label on a film without an emotion is wrong, too. Films whose likeliest label is `other` get none at any of them.

**Data**: {films} films of as many rendered people ({speech} of them speak) whom neither a fit nor another benchmark shows, 24 to 60 frames per second, heads
turned by up to 18 degrees, expressions of {shortest:.1f} to {longest:.1f} s, H.264 at CRF 14 to 28, eyes 70 px apart. Motion {strength[0]} to {strength[1]} %,
evenly spread in its logarithm. Bundle weights {weights}, flow weights {flow_weights}. Real faces differ: their limits are not known.
docs/results/label-rates.md measures the result on other people.

```
python -m benchmarks.label_validation --work FOLDER --page docs/results/label-validation.md
```
"""


def page(found: list[Reading], fitted: Bundle) -> str:
    """The results page of a bundle that was `validated` on these films."""
    expressions = [one for one in found if one.shown in LABELS]
    validation, given = fitted.recipe.validation, answers(found, fitted)
    low, high = limit_interval(*detections(expressions))
    return PAGE.format(
        low=fitted.recipe.validated_ranges[MOTION][0],
        least=fitted.recipe.min_confidence,
        rate=DETECTION_RATE,
        errors=MAX_ERROR_RATE,
        motion="\n".join(_motion_row(expressions, *limits) for limits in zip(BINS[:-1], BINS[1:])),
        limit=validation.detection_limit,
        limit_low=low,
        limit_high=high,
        fraction=measured_fraction(expressions, validation.detection_limit),
        inside=len(given),
        negatives=sum(not one.is_emotion for one in given),
        risk="\n".join(
            _risk_row(given, threshold) for threshold in sorted({*ROWS, fitted.recipe.min_confidence})
        ),
        films=len(found),
        speech=sum(one.shown == "speech" for one in found),
        shortest=0.2,
        longest=0.8,
        strength=STRENGTH,
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
    return f"| {threshold:.2f} | {n} ({n / len(given):.0%}) | {wrong} ({wrong / max(n, 1):.0%}) |"
