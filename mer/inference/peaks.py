"""Excursions of a curve above a limit, with their ends."""

from typing import NamedTuple

import numpy as np

RESOLVED = 0.5  # two peaks are two excursions where the curve falls below this fraction of the lower one


class Excursion(NamedTuple):
    """Rows of a curve: where it rises, is highest, and has fallen again; all belong to it."""

    first: int
    peak: int
    last: int


def find_excursions(curve: np.ndarray, limit: float, edge: float, outside: bool = False) -> list[Excursion]:
    """Find every excursion to `limit` or more, in order.

    Parameters
    ----------
    curve : (n,) float
    limit : float
        What the peak must reach.
    edge : float
        Fraction of its peak below which the curve must fall at the ends.
    outside : bool
        Include the first row below on either side, because the ends lie between two frames.

    Notes
    -----
    Peaks between which the curve falls neither below `RESOLVED` nor below `edge` of the lower one are one
    excursion; others are parted at the lowest row between them.
    """
    peaks = _resolved_peaks(curve, limit, max(RESOLVED, edge))
    valleys = [a + int(np.argmin(curve[a : b + 1])) for a, b in zip(peaks[:-1], peaks[1:])]
    margin, end = int(outside), len(curve) - 1
    found = []
    for peak, low, high in zip(peaks, [0, *valleys], [*valleys, end]):
        least = max(edge * curve[peak], 1e-9)
        first, last = _walk(curve, peak, -1, least, low), _walk(curve, peak, 1, least, high)
        found.append(Excursion(max(first - margin, low), peak, min(last + margin, high)))
    return found


def _resolved_peaks(curve: np.ndarray, limit: float, resolved: float) -> list[int]:
    """Return the rows of peaks of at least `limit`, the highest of those that are not resolved."""
    peaks: list[int] = []
    for row in np.flatnonzero(curve >= limit).tolist():
        while peaks:
            valley = curve[peaks[-1] : row + 1].min()
            if valley < resolved * min(curve[peaks[-1]], curve[row]):
                break
            if curve[row] <= curve[peaks[-1]]:
                row = peaks[-1]
            peaks.pop()
        peaks.append(row)
    return peaks


def _walk(curve: np.ndarray, at: int, step: int, least: float, bound: int) -> int:
    """Return the last row in this direction before the curve falls below `least`, at most `bound`."""
    while at != bound and curve[at + step] >= least:
        at += step
    return at
