"""Excursions of a curve above a limit, with their ends."""

from typing import NamedTuple

import numpy as np


class Excursion(NamedTuple):
    """Rows of a curve: where it rises, is highest, and has fallen again; all belong to it."""

    first: int
    peak: int
    last: int


def excursions(curve: np.ndarray, limit: float, edge: float, outside: bool = False) -> list[Excursion]:
    """Find every excursion to `limit` or more, out to where the curve has fallen below `edge` of its peak, in
    order.

    outside : include the first row below on either side, because the ends lie between two frames
    A weaker excursion that touches a stronger one is part of it.
    """
    found, free = [], np.ones(len(curve), bool)
    for peak in np.argsort(-curve, kind="stable"):
        if curve[peak] < limit:
            break
        if not free[peak]:
            continue
        low = max(edge * curve[peak], 1e-9)
        first, last = _walk(curve, peak, -1, low), _walk(curve, peak, 1, low)
        whole = bool(free[first : last + 1].all())
        free[first : last + 1] = False
        if whole:
            margin = int(outside)
            found.append(Excursion(max(first - margin, 0), int(peak), min(last + margin, len(curve) - 1)))
    return sorted(found)


def _walk(curve: np.ndarray, at: int, step: int, low: float) -> int:
    """The last row in this direction before the curve falls below `low`."""
    while 0 <= at + step < len(curve) and curve[at + step] >= low:
        at += step
    return int(at)
