"""Blinks and closed eyes, from the distance of the lids against that person's open eyes. Both must close."""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import percentile_filter

from mer.inference.peaks import find_excursions

# Upper and lower lid of each eye, the person's right first; a point is the middle of two landmarks.
LIDS = (((159, 158), (145, 153)), ((386, 385), (374, 380)))
OPEN_PERCENTILE = 80  # of all lid distances of a person: their open eyes
CLOSED, STILL_CLOSED = 0.7, 0.63  # closed by more, eyes are shut (as PERCLOS counts): a gaze down shows less
MAX_BLINK_S = 0.6
HALF_SHUT, MAX_SHALLOW_S = (
    0.5,
    0.4,
)  # eyes that close by less than that for longer are narrowed, as in a smile
# A blink of the lids' whole way takes longer than what landmarks see of it.
MIN_BLINK_S, WHOLE_BLINK_S = 0.05, 0.17
# Closed by that fraction of the open eye; the ends lie at that fraction of the depth.
BLINK_DEPTH, BLINK_EDGE = 0.25, 0.4
# The open eye around a blink, which gaze and expression narrow.
BLINK_WINDOW_S, BLINK_OPEN_PERCENTILE = 2.0, 75
MARGIN_S = 0.1  # before and after a blink, meshes wince too
REOPENED_S = 0.1  # eyes that open for a shorter time have not opened: no landmark is that sure of shut lids


class Closure(NamedTuple):
    """kind : blink or eyes_closed; first, peak, last : rows; depth : per cent closed."""

    kind: str
    first: int
    peak: int
    last: int
    depth: float


def open_eyes(lids: np.ndarray) -> np.ndarray:
    """Lid distances (2,) of the person's open eyes, from those of all frames (n, 2)."""
    return np.maximum(np.nanpercentile(lids, OPEN_PERCENTILE, axis=0), 1e-3)


def closures(time: np.ndarray, lids: np.ndarray, open_lids: np.ndarray) -> list[Closure]:
    """Find blinks and closed eyes in one run of frames.

    time : (n,) s; lids : (n, 2) lid distances, right and left; open_lids : (2,), see `open_eyes`
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
    padded = _continued(lids, width, max(1, round(MARGIN_S / step)))
    before, after = (
        percentile_filter(padded, BLINK_OPEN_PERCENTILE, size=(width, 1), origin=(shift, 0))[width:-width]
        for shift in (width // 2, -(width // 2))
    )
    usual = np.minimum(before, after)  # of eyes that are shut before or afterwards little is left to close
    closing = ((usual - lids) / np.maximum(usual, open_lids)).min(1)
    for first, peak, last in find_excursions(closing, BLINK_DEPTH, BLINK_EDGE, outside=True):
        longest = MAX_BLINK_S if closing[peak] >= HALF_SHUT else MAX_SHALLOW_S
        if not MIN_BLINK_S <= time[last] - time[first] <= longest:
            continue
        if any(closure.first <= last and first <= closure.last for closure in found):
            continue
        first, last = _whole(time, first, last, step)
        found.append(Closure("blink", first, peak, last, 100 * float(closing[peak])))
    return sorted(found, key=lambda closure: closure.first)


def cut_blinks(time: np.ndarray, lids: np.ndarray, open_lids: np.ndarray) -> list[Closure]:
    """Find closures that the ends of a run cut short, so that nobody can tell whether they are blinks.

    Arguments as in `closures`.
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


def _continued(lids: np.ndarray, width: int, ends: int) -> np.ndarray:
    """Lid distances with `width` rows more on either side, as they were over the `ends` rows there."""
    sides = np.median(lids[:ends], axis=0), np.median(lids[-ends:], axis=0)
    first, last = (np.broadcast_to(side, (width, 2)) for side in sides)
    return np.concatenate([first, lids, last])


def _whole(time: np.ndarray, first: int, last: int, step: float) -> tuple[int, int]:
    """Widen what was seen of a blink to the time that a whole one takes."""
    missing = max(0.0, WHOLE_BLINK_S - (time[last] - time[first]))
    rows = round(missing / 2 / step)
    return max(first - rows, 0), min(last + rows, len(time) - 1)


def bridge(values: np.ndarray, found: list[Closure], step: float) -> np.ndarray:
    """Replace `values` (n, ...) in blinks by a straight line: meshes wince at shut eyes, faces need not.

    At an end of the run, where only one side is known, the line is level.
    """
    margin, end = max(2, round(MARGIN_S / step)), len(values) - 1
    out = values.copy()
    for closure in found:
        if closure.kind == "blink":
            before, after = max(closure.first - margin, 0), min(closure.last + margin, end)
            left = values[after if closure.first == 0 else before]
            right = values[before if closure.last == end else after]
            share = np.linspace(0, 1, after - before + 1).reshape(-1, *[1] * (values.ndim - 1))
            out[before : after + 1] = (1 - share) * left + share * right
    return out
