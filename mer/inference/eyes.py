"""Blinks and closed eyes, from the distance of the lids relative to the person's open eyes.

Both eyes must close; one alone does not count.
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import percentile_filter

from mer.inference.peaks import find_excursions

# Upper and lower lid of each eye, the person's right first; a point is the middle of two landmarks.
LIDS = (((159, 158), (145, 153)), ((386, 385), (374, 380)))
OPEN_PERCENTILE = 80  # of all lid distances of a person: their open eyes
# Eyes closed by more than this fraction are shut, as in PERCLOS; a downward gaze closes them less.
CLOSED, STILL_CLOSED = 0.7, 0.63
REOPENED_S = 0.1  # shorter openings are noise: landmarks of shut lids are uncertain
MAX_BLINK_S = 0.6
# Eyes that close by less than half and for longer are narrowed, as in a smile.
HALF_SHUT, MAX_SHALLOW_S = 0.5, 0.4
# Landmarks see only part of a blink: the lids' whole movement takes longer.
MIN_BLINK_S, WHOLE_BLINK_S = 0.05, 0.17
BLINK_DEPTH = 0.25  # minimum depth of a blink, as a fraction of the open eye
BLINK_EDGE = 0.4  # fraction of its depth at which a blink begins and ends
# The open eye is measured around each blink, because gaze and expression narrow it.
BLINK_WINDOW_S, BLINK_OPEN_PERCENTILE = 2.0, 75
MARGIN_S = 0.1  # before and after a blink, the landmarks of the whole face are disturbed


class Closure(NamedTuple):
    """A time in which both eyes are closed, by rows of its run of frames."""

    kind: str  # blink or eyes_closed
    first: int
    peak: int
    last: int
    depth: float  # per cent closed


def open_lid_distances(lids: np.ndarray) -> np.ndarray:
    """Return the lid distances (2,) of the person's open eyes, from those of all frames (n, 2)."""
    return np.maximum(np.nanpercentile(lids, OPEN_PERCENTILE, axis=0), 1e-3)


def find_closures(time: np.ndarray, lids: np.ndarray, open_lids: np.ndarray) -> list[Closure]:
    """Find blinks and closed eyes in one run of frames.

    Parameters
    ----------
    time : (n,) s
    lids : (n, 2) per cent of the inter-ocular distance
        Lid distances of the right and the left eye.
    open_lids : (2,) per cent of the inter-ocular distance
        As `open_lid_distances` returns them.
    """
    step = float(np.median(np.diff(time))) if len(time) > 1 else 1.0
    shut = 1 - (lids / open_lids).max(1)
    found: list[Closure] = []
    for first, _, last in find_excursions(np.minimum(shut, CLOSED), CLOSED, STILL_CLOSED / CLOSED):
        if found and time[first] - time[found[-1].last] < REOPENED_S:
            first = found.pop().first
        peak = first + int(shut[first : last + 1].argmax())
        found.append(Closure("eyes_closed", first, peak, last, 100 * float(shut[peak])))
    found = [closure for closure in found if time[closure.last] - time[closure.first] > MAX_BLINK_S]
    # An eye that closes was open before and is open afterwards; one that narrows is not.
    width = int(BLINK_WINDOW_S / step) | 1
    padded = _extend_ends(lids, width, max(1, round(MARGIN_S / step)))
    before, after = (
        percentile_filter(padded, BLINK_OPEN_PERCENTILE, size=(width, 1), origin=(shift, 0))[width:-width]
        for shift in (width // 2, -(width // 2))
    )
    usual = np.minimum(before, after)  # eyes that are shut before or afterwards can hardly close
    closing = ((usual - lids) / np.maximum(usual, open_lids)).min(1)
    for first, peak, last in find_excursions(closing, BLINK_DEPTH, BLINK_EDGE, outside=True):
        max_s = MAX_BLINK_S if closing[peak] >= HALF_SHUT else MAX_SHALLOW_S
        if not MIN_BLINK_S <= time[last] - time[first] <= max_s:
            continue
        if any(closure.first <= last and first <= closure.last for closure in found):
            continue
        first, last = _widen_blink(time, first, last, step)
        found.append(Closure("blink", first, peak, last, 100 * float(closing[peak])))
    return sorted(found, key=lambda closure: closure.first)


def find_cut_blinks(time: np.ndarray, lids: np.ndarray, open_lids: np.ndarray) -> list[Closure]:
    """Find short closures at the ends of a run, which are cut off and may be blinks.

    Parameters as in `find_closures`.
    """
    shut = 1 - (lids / open_lids).max(1)
    found = []
    for rows in (np.arange(len(time)), np.arange(len(time))[::-1]):
        opened = np.flatnonzero(shut[rows] < BLINK_DEPTH)
        closed = rows[: opened[0]] if len(opened) else rows[:0]
        if len(closed) and shut[closed].max() >= HALF_SHUT and np.ptp(time[closed]) <= MAX_BLINK_S:
            peak = closed[shut[closed].argmax()]
            found.append(
                Closure("blink", int(closed.min()), int(peak), int(closed.max()), 100 * float(shut[peak]))
            )
    return found


def _extend_ends(lids: np.ndarray, width: int, n_end: int) -> np.ndarray:
    """Add `width` rows at each end, the median of the `n_end` rows there."""
    ends = np.median(lids[:n_end], axis=0), np.median(lids[-n_end:], axis=0)
    first, last = (np.broadcast_to(end, (width, 2)) for end in ends)
    return np.concatenate([first, lids, last])


def _widen_blink(time: np.ndarray, first: int, last: int, step: float) -> tuple[int, int]:
    """Widen the visible part of a blink to the duration of a whole one."""
    missing = max(0.0, WHOLE_BLINK_S - (time[last] - time[first]))
    rows = round(missing / 2 / step)
    return max(first - rows, 0), min(last + rows, len(time) - 1)


def bridge_blinks(values: np.ndarray, closures: list[Closure], step: float) -> np.ndarray:
    """Replace `values` (n, ...) in blinks by a straight line, because shut eyes disturb all landmarks.

    At an end of the run, where only one side is known, the line is level.
    """
    margin, end = max(2, round(MARGIN_S / step)), len(values) - 1
    out = values.copy()
    for closure in closures:
        if closure.kind == "blink":
            before, after = max(closure.first - margin, 0), min(closure.last + margin, end)
            left = values[after if closure.first == 0 else before]
            right = values[before if closure.last == end else after]
            weight = np.linspace(0, 1, after - before + 1).reshape(-1, *[1] * (values.ndim - 1))
            out[before : after + 1] = (1 - weight) * left + weight * right
    return out
