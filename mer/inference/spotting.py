"""A track -> the intervals in which the face does something: expressions, small and large, blinks, moves of
the head.

Expressions are sought twice. Against the person's neutral face, whatever is far from it is one, however long
it is held. Against the last second, a quick small motion is one, wherever the face happens to rest. All
limits follow from how still this face is in this film; lids are left out, so that a blink is no expression.
"""

from dataclasses import asdict, dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from mer.inference import eyes, neutral
from mer.inference.peaks import RESOLVED, find_excursions
from mer.inference.site_motion import PER_CENT, running_median, strength
from mer.inference.track import Track

KINDS = {
    "micro": "micro-expressions",
    "macro": "other expressions",
    "blink": "blinks",
    "eyes_closed": "times of closed eyes",
    "head": "moves of the head",
}
EXPRESSIONS = ("micro", "macro")
MICRO_S, MIN_MICRO_S = 0.5, 0.04  # a micro-expression is shorter, and no muscle moves and relaxes faster
REST_S, QUICK_SMOOTH_S = 1.0, 0.03  # the rest of a quick motion is the median over that long
# Limits, per cent of the inter-ocular distance: at least, per stillness (`neutral.stillness`), at most.
MIN_QUICK, FAR_LIMITS, FAR_PER_STILLNESS = 0.3, (1.0, 2.0), 4.0
SPREADS, NOISES = (
    5.0,
    6.0,
)  # above the median of frames at rest, in median absolute deviations; in measuring noise
AT_END = 2.0  # times its limit: what an expression that the film cuts off must reach
RISEN = 0.9  # of the peak: the apex is the first frame that has come so far, as rise times are read
EDGE = 0.15  # of its peak: where an interval begins and ends
SAME_PEAK = (
    0.7  # a quick motion that is less of the distance from the neutral face is part of a longer expression
)
TOUCH_S = 0.1  # a quick motion that near to a longer expression is where that begins or ends
HEAD_SHARE = 0.15  # of a quick turn of the head may show up as quick motion of the face
TURN_SPEED, TURN_SIZE, TURN_SMOOTH_S, TURN_EDGE = 6.0, 3.0, 0.15, 0.3  # degrees per s, degrees, s
TURN_GAP_S = 0.25  # turns less apart are one: there and back
WITH_HEAD = (
    3.0  # per cent of the inter-ocular distance: weaker motion during a move of the head may be its remainder
)

WITH_BLINK = 1.0  # the same for a blink


@dataclass(frozen=True)
class Interval:
    """One interval. Frame numbers are the file's own, times seconds from its first frame.

    kind : micro, macro, blink, eyes_closed or head
    strength : expressions per cent of the inter-ocular distance, blink and eyes_closed per cent closed, head
    degrees
    label, probability : what an expression resembles, where a bundle was asked and may answer
    """

    kind: str
    onset: int
    apex: int
    offset: int
    onset_s: float
    apex_s: float
    offset_s: float
    strength: float
    label: str = ""
    probability: float = float("nan")

    def to_dict(self) -> dict:
        """All fields, ready for JSON: no NaN."""
        return {
            **asdict(self),
            "probability": None if self.probability != self.probability else self.probability,
        }

    @property
    def is_expression(self) -> bool:
        """Whether it is a micro- or a macro-expression."""
        return self.kind in EXPRESSIONS


@dataclass(frozen=True)
class _Span:
    """An interval by its rows in a run."""

    kind: str
    first: int
    peak: int
    last: int
    strength: float

    def overlaps(self, other: "_Span", margin: int = 0) -> bool:
        return self.first <= other.last + margin and other.first <= self.last + margin


def intervals(track: Track) -> list[Interval]:
    """Find the intervals of a track, by onset; every run of frames in which the face is seen is read by
    itself.
    """
    found = []
    for rows in track.runs():
        if len(rows) > 2:
            spans = _Run(track, rows).spans()
            found += [_interval(track, rows, span) for span in spans]
    return sorted(found, key=lambda interval: interval.onset_s)


def strongest(found: list[Interval]) -> Interval | None:
    """The strongest expression among intervals; None where there is none."""
    return max((i for i in found if i.is_expression), key=lambda i: i.strength, default=None)


def largest_motion(track: Track) -> tuple[int, int, float, float]:
    """Where nothing was found: the rows between which the face moved most, how far, and the limit it stayed
    below.
    """
    best = None
    for rows in track.runs():
        if len(rows) < 2:
            continue
        run = _Run(track, rows)
        curve, limit = run.far()
        first, peak, _ = max(find_excursions(curve, 0.0, EDGE), key=lambda e: curve[e.peak])
        first = first if first < peak else max(peak - 1, 0)
        apex = max(_apex(curve, first, peak), first + 1)
        if best is None or curve[peak] > best[2]:
            best = int(rows[first]), int(rows[apex]), float(curve[peak]), limit
    return best if best is not None else (0, 0, 0.0, 0.0)


class _Run:
    """One run of frames, with the limits that follow from it."""

    def __init__(self, track: Track, rows: np.ndarray):
        self.time, self.step = track.time[rows], track.step(rows)
        self.is_short = self.time[-1] - self.time[0] < neutral.SHORT_S
        self.sites, self.neutral, self.rest = (
            track.sites[rows],
            track.neutral[rows],
            track.at_rest[rows] > 0.5,
        )
        self.turn, self.lids, self.open_lids = track.turn[rows], track.lids[rows], track.open_lids
        self.noise = neutral.measuring_noise(self.sites, self.step, QUICK_SMOOTH_S)
        self.still = neutral.stillness(self.sites, self.step)

    def spans(self) -> list[_Span]:
        """Everything that happens in it."""
        moves = self.head_moves()
        closures = [_Span(*closure) for closure in eyes.closures(self.time, self.lids, self.open_lids)]
        found = [s for s in self.expressions() if not _is_remainder(s, moves) and not _is_wince(s, closures)]
        return found + closures + moves

    def expressions(self) -> list[_Span]:
        """Excursions from the neutral face, and quick ones from the last second's rest."""
        curve, limit = self.far()
        base = self._base(curve)
        found = []
        for first, peak, last in find_excursions(np.maximum(curve - base, 0), limit - base, EDGE):
            if self._lasts(first, last) < MIN_MICRO_S or self._is_drift(first, last, curve[peak], limit):
                continue
            is_quick = self._lasts(first, last) < MICRO_S and not self._is_cut_off(first, last, curve, peak)
            kind = "micro" if is_quick else "macro"
            found.append(_Span(kind, first, _apex(curve, first, peak), last, float(curve[peak])))
        if self.is_short:
            return found
        curve = self.quick()
        for first, peak, last in find_excursions(curve, self._limit(curve, MIN_QUICK), EDGE):
            span = _Span("micro", first, _apex(curve, first, peak), last, float(curve[peak]))
            touched = [other for other in found if other.overlaps(span, round(TOUCH_S / self.step))]
            is_part = len(touched) > 1 or any(span.strength < SAME_PEAK * other.strength for other in touched)
            if MIN_MICRO_S <= self._lasts(first, last) < MICRO_S and not is_part:
                found = [other for other in found if other not in touched] + [span]
        return found

    def _is_drift(self, first: int, last: int, height: float, limit: float) -> bool:
        """Whether a weak excursion at an end of the run may be drift of the neutral face."""
        is_at_end = first == 0 or last == len(self.time) - 1
        return is_at_end and not self.is_short and height < AT_END * limit

    def _is_cut_off(self, first: int, last: int, curve: np.ndarray, peak: int) -> bool:
        """Whether the run begins or ends high in an excursion, so that nobody knows how long it lasts."""
        ends = [row for row, end in ((first, 0), (last, len(curve) - 1)) if row == end]
        return not self.is_short and any(curve[row] > RESOLVED * curve[peak] for row in ends)

    def far(self) -> tuple[np.ndarray, float]:
        """Distance from the neutral face, (n,) per cent of the inter-ocular distance, and the limit of an
        expression.
        """
        curve = strength(neutral.smoothed(self.time, self.sites, self.step) - self.neutral)
        least = MIN_QUICK if self.is_short else float(np.clip(FAR_PER_STILLNESS * self.still, *FAR_LIMITS))
        return curve, self._limit(curve, least)

    def quick(self) -> np.ndarray:
        """Distance from the last second's rest, less what may be the head's, (n,) per cent."""
        face = self._smooth(self.sites, QUICK_SMOOTH_S) - running_median(self.sites, REST_S, self.step)
        head = self._smooth(self.turn, QUICK_SMOOTH_S) - running_median(self.turn, REST_S, self.step)
        turned = np.radians(np.linalg.norm(head, axis=1)) * PER_CENT
        return np.maximum(strength(face) - HEAD_SHARE * turned, 0)

    def head_moves(self) -> list[_Span]:
        """Turns, nods and tilts of the head that are quick enough to be one gesture."""
        if len(self.time) < 5:
            return []
        speed = np.linalg.norm(np.gradient(self._smooth(self.turn, TURN_SMOOTH_S), self.step, axis=0), axis=1)
        merged: list[tuple[int, int, int]] = []
        for first, peak, last in find_excursions(speed, TURN_SPEED, TURN_EDGE, outside=True):
            if merged and self.time[first] - self.time[merged[-1][2]] < TURN_GAP_S:
                first, before, _ = merged.pop()
                peak = max(before, peak, key=speed.__getitem__)
            merged.append((first, peak, last))
        sizes = [np.linalg.norm(self.turn[a : c + 1] - self.turn[a], axis=1).max() for a, _, c in merged]
        return [_Span("head", *move, float(size)) for move, size in zip(merged, sizes) if size >= TURN_SIZE]

    def _smooth(self, values: np.ndarray, seconds: float) -> np.ndarray:
        return gaussian_filter1d(values, seconds / self.step, axis=0, mode="nearest")

    def _lasts(self, first: int, last: int) -> float:
        return float(self.time[last] - self.time[first])

    def _has_rest(self) -> bool:
        return self.rest.sum() * self.step > MICRO_S

    def _base(self, curve: np.ndarray) -> float:
        """What the curve shows while the face is at rest."""
        return float(np.median(curve[self.rest])) if self._has_rest() else 0.0

    def _limit(self, curve: np.ndarray, least: float) -> float:
        """What an excursion must reach: the least that counts, above this film's own unrest and noise."""
        base = self._base(curve)
        spread = float(np.median(np.abs(curve[self.rest] - base))) if self._has_rest() else 0.0
        return max(least, base + SPREADS * spread, NOISES * self.noise)


def _apex(curve: np.ndarray, first: int, peak: int) -> int:
    """The first row that has come near the peak: a held expression has its apex where it arrives."""
    return first + int(np.argmax(curve[first : peak + 1] >= RISEN * curve[peak]))


def _is_remainder(span: _Span, moves: list[_Span]) -> bool:
    """Whether a weak motion lies within a move of the head, mostly."""
    inside = sum(max(0, min(span.last, move.last) - max(span.first, move.first)) for move in moves)
    return inside > 0.5 * (span.last - span.first) and span.strength < WITH_HEAD


def _is_wince(span: _Span, closures: list[_Span]) -> bool:
    """Whether a weak quick motion is what a mesh does when eyes shut."""
    blinks = [closure for closure in closures if closure.kind == "blink"]
    return (
        span.kind == "micro" and span.strength < WITH_BLINK and any(span.overlaps(blink) for blink in blinks)
    )


def _interval(track: Track, rows: np.ndarray, span: _Span) -> Interval:
    at = [int(rows[row]) for row in (span.first, span.peak, span.last)]
    onset, apex, offset = (int(track.number[row]) for row in at)
    onset_s, apex_s, offset_s = (round(float(track.time[row]), 4) for row in at)
    return Interval(span.kind, onset, apex, offset, onset_s, apex_s, offset_s, round(span.strength, 3))


def to_text(found: list[Interval]) -> str:
    """A line per interval for a person, and how many of each kind."""
    lines = [
        f"{i.kind:<12}{i.onset_s:9.2f} s to {i.offset_s:8.2f} s  frames {i.onset} to {i.offset}, apex "
        f"{i.apex}" + (f"  {i.label} {i.probability:.2f}" if i.label else "")
        for i in found
    ]
    counts = [f"{sum(i.kind == kind for i in found)} {words}" for kind, words in KINDS.items()]
    return "\n".join([*lines, ", ".join(counts)])
