"""The onset and the apex of the strongest quick motion in a course, and how much each frame shows.

Strength is what three parts of the face that move most have moved by, eyes left out, because a blink moves more than any
micro-expression. Parts that something came in front of do not count, and what the head does is taken off (`watch`).
Among moments the one counts most that leaves the face's rest, rather than returning to it, while the head is still.
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import median_filter

from mer.inference.track import NAMES, Course
from mer_core.errors import NothingToScore

LONGEST_S = 0.5  # from onset to apex
SITES_COUNTED = 3
SEEN = np.array(["lid" not in name for name in NAMES])  # sites that count
HEAD_STILL = (
    4.0  # per cent of the inter-ocular distance: head motion at which a moment counts 0.7 of what it would
)
FASTEST = 150.0  # per cent of the inter-ocular distance per second: faster than muscles move skin, so it was a hand or a cut
COVERED_S = 0.2  # for so long before and after something came in front of the face nothing is measured
RETURN = 0.6  # what a moment counts that ends nearer to the face's rest than it began
REST_S = 2.0  # to either side: rest is the median over that long, taken ten times a second
RISEN = (
    0.96  # of the strongest: the onset is the last frame, the apex the first, between which this much moves
)


class Moment(NamedTuple):
    """Positions in the course of onset and apex, and the strength between them, per cent of the inter-ocular distance."""

    onset: int
    apex: int
    strength: float


def strength(course: Course, first: np.ndarray | int, last: np.ndarray | int) -> np.ndarray:
    """How far the face has moved between positions `first` and `last` of the course, (...) per cent of the inter-ocular distance."""
    moved = np.linalg.norm(course.sites[last] - course.sites[first], axis=-1)[..., SEEN]
    return np.sort(moved, axis=-1)[..., -SITES_COUNTED:].mean(-1)


def covered(course: Course) -> np.ndarray:
    """(n,) bool: positions about which something was in front of the face, or moved as no face does."""
    speed = np.linalg.norm(
        np.diff(course.sites[:, SEEN], axis=0, prepend=course.sites[:1, SEEN]), axis=-1
    ).max(-1)
    passed = np.diff(course.time, prepend=course.time[:1] - 1)
    at = np.flatnonzero(
        ((course.hidden[:, SEEN].sum(1) >= 2) | (speed > FASTEST * passed))
        & (course.run == np.roll(course.run, 1))
    )
    low, high = (np.searchsorted(course.time, course.time[at] + shift) for shift in (-COVERED_S, COVERED_S))
    edges = np.zeros(len(course.number) + 1, int)
    np.add.at(edges, low, 1), np.add.at(edges, high, -1)
    return edges.cumsum()[:-1] > 0


def head_motion(course: Course, first: np.ndarray | int, last: np.ndarray | int) -> np.ndarray:
    """How far a point of the face has moved with the head at most, about, per cent of the inter-ocular distance."""
    change = np.abs(course.head[last] - course.head[first])
    turned = (
        np.linalg.norm(change[..., 2:5], axis=-1) * np.pi / 180 * 100
    )  # a point one inter-ocular distance away
    return np.hypot(np.linalg.norm(change[..., :2], axis=-1), turned) + change[..., 5]


def rest(course: Course) -> np.ndarray:
    """Where the sites are when the face rests, at each position: (n, 17, 2), a running median within each run."""
    at_rest = np.empty_like(course.sites)
    for run in np.unique(course.run):
        own = np.flatnonzero(course.run == run)
        ticks = np.arange(course.time[own[0]], course.time[own[-1]] + 0.1, 0.1)
        nearest = own[np.clip(np.searchsorted(course.time[own], ticks), 0, len(own) - 1)]
        medians = median_filter(course.sites[nearest], size=(2 * int(REST_S * 10) + 1, 1, 1), mode="nearest")
        at_rest[own] = medians[np.clip(np.searchsorted(ticks, course.time[own]), 0, len(ticks) - 1)]
    return at_rest


def activity(course: Course) -> tuple[np.ndarray, np.ndarray]:
    """For each position as an apex: how much it counts since its best onset, and that onset's position, both (n,)."""
    count = len(course.number)
    best, since = np.zeros(count), np.arange(count)
    here = np.arange(count)
    before = np.cumsum(covered(course))
    away = np.linalg.norm((course.sites - rest(course))[:, SEEN], axis=-1).mean(-1)
    for lag in range(1, count):
        last = here[lag:]
        first = last - lag
        fits = (course.time[last] - course.time[first] <= LONGEST_S + 1e-6) & (
            course.run[last] == course.run[first]
        )
        if not fits.any():
            break
        first, last = first[fits], last[fits]
        counts = strength(course, first, last) / np.hypot(1, head_motion(course, first, last) / HEAD_STILL)
        counts *= np.where(away[last] < away[first], RETURN, 1) * (before[last] == before[first])
        better = counts > best[last]
        best[last[better]], since[last[better]] = counts[better], first[better]
    return best, since


def strongest(course: Course, clip: str) -> Moment:
    """Raises `NothingToScore` where there are not two frames to compare."""
    if len(course.number) < 2:
        raise NothingToScore(
            f"{clip}: {len(course.number)} of {course.frames} frame(s) shows the face; motion needs two."
        )
    best, since = activity(course)
    apex = int(np.argmax(best))
    onset = int(since[apex])
    between = np.arange(onset, apex + 1)
    onset = (
        int(between[np.flatnonzero(strength(course, between, apex) >= RISEN * best[apex])[-1]])
        if best[apex]
        else onset
    )
    rise = strength(course, onset, between)
    enough = between[(rise >= RISEN * best[apex]) & (between > onset)]
    apex = int(enough[0]) if len(enough) else apex
    if apex == onset:
        onset, apex = max(apex - 1, 0), max(apex, 1)
    return Moment(onset, apex, float(strength(course, onset, apex)))
