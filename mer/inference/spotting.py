"""Find the intervals of a track in which the face does something: expressions, blinks, moves of the head.

Expressions are sought twice. Whatever is far from the person's neutral face is one, however long it is held.
A quick small motion against the last second is one too, whatever state the face is in. All limits depend on
how still this face is in this video. Lids are left out, so that a blink is no expression.
"""

from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter1d

from mer.inference import eyes, neutral
from mer.inference.peaks import RESOLVED, find_excursions
from mer.inference.site_motion import PER_CENT, running_median, strength
from mer.inference.track import Track
from mer_core.text import format_count

KINDS = {  # kind -> its name
    "micro": "micro-expression",
    "macro": "macro-expression",
    "blink": "blink",
    "eyes_closed": "long eye closure",
    "head": "head movement",
}
EXPRESSIONS = ("micro", "macro")
# "%" below is per cent of the inter-ocular distance.
MICRO_S, MIN_MICRO_S = 0.5, 0.04  # a micro-expression is shorter, and no muscle moves and relaxes faster
MIN_REST_S = 0.25  # a run that is longer than a micro-expression and this shows the face at rest, too
REST_S, QUICK_SMOOTH_S = 1.0, 0.03  # a quick motion is measured against the median over the last second
# Limits in %: minimum, bounds, and factor per stillness (`neutral.stillness`).
MIN_QUICK, FAR_LIMITS, FAR_PER_STILLNESS = 0.3, (1.0, 2.0), 4.0
# An excursion must reach so many median absolute deviations above the rest, and so many times the noise.
N_SPREADS, N_NOISES, N_NOISES_CUT = 5.0, 6.0, 5.0  # a cut clip has fewer frames that might be noisy
# In a short run: minimum in %, and multiple of the quiet frames' distance from their straight course.
MIN_SHORT, N_QUIET = 0.15, 3.0
CUT_OFF_FACTOR = 2.0  # what an expression that the video cuts off must reach, times its limit
RISEN = 0.9  # of the peak: the apex is the first frame that reaches it, as rise times are read
EDGE = 0.15  # of its peak: where an interval begins and ends
SAME_PEAK = 0.7  # a quick motion weaker than this fraction of a longer expression is part of it
TOUCH_S = 0.1  # a quick motion this close to a longer expression, or a jump this close to any, is part of it
HEAD_LEAK = 0.15  # fraction of a turn of the head that may look like motion of the face
TURN_SPEED, TURN_SIZE, TURN_SMOOTH_S, TURN_EDGE = 6.0, 3.0, 0.15, 0.3  # degrees per s, degrees, s
TURN_GAP_S = 0.25  # turns with a shorter gap are one: there and back
# %: weaker motion during a move of the head, or a blink, may be a remainder of it.
MAX_HEAD_REMAINDER, MAX_BLINK_REMAINDER = 3.0, 1.0


@dataclass(frozen=True)
class Interval:
    """A stretch of a video in which the face does something."""

    kind: str  # one of `KINDS`
    onset: int  # frame numbers of the file
    apex: int
    offset: int
    onset_s: float  # seconds from the first frame
    apex_s: float
    offset_s: float
    strength: float  # expressions: % of the inter-ocular distance; eyes: % closed; head: degrees
    label: str = ""  # what an expression resembles; empty if a bundle gives no label
    probability: float = float("nan")

    def to_dict(self) -> dict:
        """Return all fields, ready for JSON: no NaN."""
        return {
            **asdict(self),
            "probability": None if self.probability != self.probability else self.probability,
        }

    @property
    def is_expression(self) -> bool:
        """Whether this is a micro-expression or a longer expression."""
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


def find_intervals(track: Track) -> list[Interval]:
    """Find the intervals of a track, by onset; none across a gap or jump, no expression if implausible."""
    runs = [rows for rows in track.runs() if len(rows) > 2]
    found = [_to_interval(track, rows, span) for rows in runs for span in _Run(track, rows).spans()]
    if track.is_implausible:
        found = [one for one in found if not one.is_expression]
    whole = [one for one in found if track.find_jump(one.onset_s - TOUCH_S, one.offset_s + TOUCH_S) is None]
    return sorted(whole, key=lambda interval: interval.onset_s)


def strongest_expression(intervals: list[Interval]) -> Interval | None:
    """Return the strongest expression among intervals; None if there is none."""
    return max((i for i in intervals if i.is_expression), key=lambda i: i.strength, default=None)


class LargestMotion(NamedTuple):
    """The largest motion of a track without expressions."""

    onset: int  # rows
    apex: int
    strength: float  # %
    limit: float  # %: what an expression would have had to reach


def find_largest_motion(track: Track) -> LargestMotion:
    """Find the largest motion of a track in which no expression was found."""
    best = LargestMotion(0, 0, 0.0, 0.0)
    for rows in track.runs():
        if len(rows) < 2:
            continue
        curve, limit = _Run(track, rows).distance_from_neutral()
        first, peak, _ = max(find_excursions(curve, 0.0, EDGE), key=lambda e: curve[e.peak])
        first = first if first < peak else max(peak - 1, 0)
        apex = max(_find_apex(curve, first, peak), first + 1)
        if best.apex == best.onset or curve[peak] > best.strength:
            best = LargestMotion(int(rows[first]), int(rows[apex]), float(curve[peak]), limit)
    return best


class _Run:
    """One run of frames, with the limits that follow from it."""

    def __init__(self, track: Track, rows: np.ndarray):
        self.time, self.step = track.time[rows], track.step(rows)
        self.is_short = self.time[-1] - self.time[0] < neutral.SHORT_S
        self.is_cut = self.time[-1] - self.time[0] < MICRO_S + MIN_REST_S
        self.sites, self.neutral = track.sites[rows], track.neutral[rows]
        self.is_rest = track.at_rest[rows] > 0.5
        self.turn, self.lids, self.open_lids = track.turn[rows], track.lids[rows], track.open_lids
        n_noises = N_NOISES_CUT if self.is_cut else N_NOISES
        self.noise = n_noises * neutral.estimate_noise(self.sites, self.step, QUICK_SMOOTH_S)
        self.still = neutral.stillness(self.sites, self.step)

    def spans(self) -> list[_Span]:
        """Find everything that happens in the run."""
        moves = self.head_moves()
        closures = [_Span(*closure) for closure in eyes.find_closures(self.time, self.lids, self.open_lids)]
        expressions = [span for span in self.expressions() if not _is_remainder(span, moves)]
        return [s for s in expressions if not _is_blink_artefact(s, closures)] + closures + moves

    def expressions(self) -> list[_Span]:
        """Find excursions from the neutral face, and quick ones from the course of the face."""
        curve, base, limit = self.quick_motion()
        found = self._excursions_from_neutral()
        if self.is_cut:
            return found
        if self.is_short:  # a head that sways moves evenly for as long as such a run
            peaks = [curve[span.first : span.last + 1].max() for span in found]
            found = [s for s, peak in zip(found, peaks) if peak >= limit or s.strength >= FAR_LIMITS[1]]
        for first, peak, last in find_excursions(np.maximum(curve - base, 0), limit - base, EDGE):
            span = _Span("micro", first, _find_apex(curve, first, peak), last, float(curve[peak]))
            touched = [other for other in found if other.overlaps(span, round(TOUCH_S / self.step))]
            is_quick = MIN_MICRO_S <= self._duration(first, last) < MICRO_S
            if is_quick and not self._is_part(span, touched) and not self._is_drift(span, limit):
                found = [other for other in found if other not in touched] + [span]
        return found

    def _excursions_from_neutral(self) -> list[_Span]:
        curve, limit = self.distance_from_neutral()
        base = self._base(curve)
        found = []
        for first, peak, last in find_excursions(np.maximum(curve - base, 0), limit - base, EDGE):
            duration, is_cut_off = self._duration(first, last), self._is_cut_off(first, last, curve, peak)
            kind = "micro" if duration < MICRO_S and not is_cut_off else "macro"
            span = _Span(kind, first, _find_apex(curve, first, peak), last, float(curve[peak]))
            if duration >= MIN_MICRO_S and not self._is_drift(span, limit):
                found.append(span)
        return [span for span in found if not self._is_one_way(span)] if self.is_cut else found

    def _is_one_way(self, span: _Span) -> bool:
        """Return whether a weak excursion of a cut clip is a way from its first frame to its last."""
        sites, ends = neutral.smooth_sites(self.time, self.sites, self.step), np.zeros(len(self.time))
        ends[[0, -1]] = 1
        away = strength(sites - neutral.fit_line(self.time, sites, ends))[span.first : span.last + 1].max()
        return span.strength < FAR_LIMITS[1] and away < SAME_PEAK * span.strength

    def _is_part(self, span: _Span, touched: list[_Span]) -> bool:
        """Return whether a quick motion is part of longer expressions, which it touches."""
        if self.is_short:  # a straight line follows what is longer
            return any(other.strength >= FAR_LIMITS[1] for other in touched)
        return len(touched) > 1 or any(span.strength < SAME_PEAK * other.strength for other in touched)

    def _is_drift(self, span: _Span, limit: float) -> bool:
        """Return whether a weak excursion at an end of the run may be drift of the neutral face."""
        is_at_end = span.first == 0 or span.last == len(self.time) - 1
        return is_at_end and not self.is_cut and span.strength < CUT_OFF_FACTOR * limit

    def _is_cut_off(self, first: int, last: int, curve: np.ndarray, peak: int) -> bool:
        """Return whether the run begins or ends high in an excursion, so that its duration is unknown."""
        ends = [row for row, end in ((first, 0), (last, len(curve) - 1)) if row == end]
        return not self.is_short and any(curve[row] > RESOLVED * curve[peak] for row in ends)

    def distance_from_neutral(self) -> tuple[np.ndarray, float]:
        """Return the distance from the neutral face, (n,) %, and the limit of an expression."""
        curve = strength(neutral.smooth_sites(self.time, self.sites, self.step) - self.neutral)
        minimum = MIN_QUICK if self.is_short else float(np.clip(FAR_PER_STILLNESS * self.still, *FAR_LIMITS))
        return curve, self._limit(curve, minimum)

    def quick_motion(self) -> tuple[np.ndarray, float, float]:
        """Return the distance from the course of the face, minus what may be the head's, (n,) %.

        Also its value at rest, and what an expression must reach. The course is the median of a second, or in
        a short run a straight line.
        """
        face, head = (self._smooth(values, QUICK_SMOOTH_S) for values in (self.sites, self.turn))
        if self.is_short:
            course, weights = neutral.straight_course(self.time, face)
            face, head = face - course, head - neutral.fit_line(self.time, head, weights)
        else:
            face = face - running_median(self.sites, REST_S, self.step)
            head = head - running_median(self.turn, REST_S, self.step)
        turned = np.radians(np.linalg.norm(head, axis=1)) * PER_CENT
        curve = np.maximum(strength(face) - HEAD_LEAK * turned, 0)
        quiet = float(np.quantile(curve, neutral.QUIET))
        if self.is_short:
            return curve, quiet, max(MIN_SHORT, N_QUIET * quiet)
        return curve, self._base(curve), max(self._limit(curve, MIN_QUICK), N_QUIET * quiet)

    def head_moves(self) -> list[_Span]:
        """Find turns, nods and tilts of the head that are quick enough to be one gesture."""
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

    def _duration(self, first: int, last: int) -> float:
        return float(self.time[last] - self.time[first])

    def _has_rest(self) -> bool:
        return self.is_rest.sum() * self.step > MICRO_S

    def _base(self, curve: np.ndarray) -> float:
        """Return the value of the curve while the face is at rest."""
        return float(np.median(curve[self.is_rest])) if self._has_rest() else 0.0

    def _limit(self, curve: np.ndarray, minimum: float) -> float:
        """Return what an excursion must reach to stand out from this video's unrest and noise."""
        base = self._base(curve)
        spread = float(np.median(np.abs(curve[self.is_rest] - base))) if self._has_rest() else 0.0
        return max(minimum, base + N_SPREADS * spread, self.noise)


def _find_apex(curve: np.ndarray, first: int, peak: int) -> int:
    """Return the first row close to the peak: a held expression has its apex where it is reached."""
    return first + int(np.argmax(curve[first : peak + 1] >= RISEN * curve[peak]))


def _is_remainder(span: _Span, moves: list[_Span]) -> bool:
    """Return whether a motion that is weak for moves of the head lies mostly within them."""
    around = [move for move in moves if span.overlaps(move)]
    inside = sum(min(span.last, move.last) - max(span.first, move.first) for move in around)
    leak = HEAD_LEAK * np.radians(max((move.strength for move in around), default=0.0)) * PER_CENT
    return inside > 0.5 * (span.last - span.first) and span.strength < max(MAX_HEAD_REMAINDER, leak)


def _is_blink_artefact(span: _Span, closures: list[_Span]) -> bool:
    """Return whether a weak quick motion is the disturbance of the landmarks by a blink."""
    if span.kind != "micro" or span.strength >= MAX_BLINK_REMAINDER:
        return False
    return any(span.overlaps(closure) for closure in closures if closure.kind == "blink")


def _to_interval(track: Track, rows: np.ndarray, span: _Span) -> Interval:
    bounds = [int(rows[row]) for row in (span.first, span.peak, span.last)]
    onset, apex, offset = (int(track.number[row]) for row in bounds)
    onset_s, apex_s, offset_s = (round(float(track.time[row]), 4) for row in bounds)
    return Interval(span.kind, onset, apex, offset, onset_s, apex_s, offset_s, round(span.strength, 3))


def format_intervals(intervals: list[Interval]) -> str:
    """Return a line per interval, and the number of each kind."""
    lines = [
        f"{i.kind:<12}{i.onset_s:9.2f} s to {i.offset_s:8.2f} s  frames {i.onset} to {i.offset}, apex "
        f"{i.apex}" + (f"  {i.label} {i.probability:.2f}" if i.label else "")
        for i in intervals
    ]
    counts = {kind: sum(i.kind == kind for i in intervals) for kind in KINDS}
    total = ", ".join(format_count(n, KINDS[kind]) for kind, n in counts.items())
    return "\n".join([*lines, total])
