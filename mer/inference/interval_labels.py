"""Labels for the expressions that were spotted in a long video."""

from dataclasses import replace

import numpy as np

from data_prep.frames import Frames
from mer.bundle import Bundle
from mer.errors import NothingToScore
from mer.progress import track
from mer.scoring.measure import measure
from mer.scoring.spot import Interval
from mer.scoring.sureness import reason_not_to_name
from mer.scoring.watch import Course

AT_ONCE = 8  # intervals whose frames are held in memory together


def named(found: list[Interval], frames: Frames, course: Course, fitted: Bundle) -> list[Interval]:
    """The same intervals, expressions with label and confidence; without a label where `mer score` would give none."""
    expressions = [i for i, interval in enumerate(found) if interval.kind in ("micro", "macro")]
    found = list(found)
    for start in track(range(0, len(expressions), AT_ONCE), "Naming"):
        part = expressions[start : start + AT_ONCE]
        images = frames.pick(number for i in part for number in (found[i].onset, found[i].apex))
        for i in part:
            found[i] = _named(found[i], images, course, fitted)
    return found


def _named(interval: Interval, images: dict[int, np.ndarray], course: Course, fitted: Bundle) -> Interval:
    box = course.box[np.flatnonzero(course.number == interval.onset)[0]]
    try:
        shown = measure([images[interval.onset], images[interval.apex]], box, fitted.recipe)
    except NothingToScore:
        return interval
    p = fitted.predict_proba(fitted.extract(shown.taken, shown.landmarks)[None])[0]
    reason = reason_not_to_name(shown.far, float(p.max()), fitted.recipe)
    return replace(
        interval,
        label="" if reason else fitted.recipe.labels[int(p.argmax())],
        confidence=round(float(p.max()), 4),
    )
