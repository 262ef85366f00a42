"""Choose the two frames of a track to compare: of the strongest expression, or those the user names."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from mer.inference import spotting
from mer.inference.no_label import NoLabel
from mer.inference.site_motion import EXPRESSIVE
from mer.inference.spotting import Interval
from mer.inference.track import Track
from mer_core.errors import BadInput, NothingToScore
from mer_core.text import format_count

MAX_REST_ACTIVITY = 0.5  # fraction of the peak; a face farther from its neutral state is not at rest
RESTING = 0.1  # fraction of the motion to the apex
MAX_RISE_S = 0.15  # up to that long before an interval, motion that does not yet stand out from noise begins
# An interval begins where 15 % of its peak are reached, a quarter of a smooth rise after the motion begins; a
# rise takes up to a quarter of a second.
LEAD_S = 0.06
CERTAIN_REST_S = 1.0  # no micro-expression is held so long, so a face at rest for longer is neutral
SEARCH_S = 5.0  # how far from an expression a frame at rest is sought: light and head change with time
AT_REST = 0.5  # of `Track.at_rest`; a face closer to its neutral state is at rest
REST_COVERED = NoLabel(
    "neutral-not-seen",
    "before the expression, no frame shows the face at rest and otherwise as at the apex: something covers "
    "it, the head turns, or the light changes. Say which frame is neutral (--neutral)",
)


class Moment(NamedTuple):
    """Two rows of a track that are compared.

    Attributes
    ----------
    onset, apex : int
        Rows of the track.
    interval : Interval or None
        The expression that they belong to, whose onset may come later than the row at rest; None if the user
        chose the rows, or no expression was found.
    reason : NoLabel or None
        Why no label may be given; None if one may.
    is_one_way : bool
        The face leaves one state for another and does not return, and too little is seen of either to say
        which is neutral.
    """

    onset: int
    apex: int
    interval: Interval | None = None
    reason: NoLabel | None = None
    is_one_way: bool = False


class BadMoment(BadInput):
    """Onset and apex that cannot be compared."""

    code = "bad-moment"


def choose_moment(track: Track, intervals: list[Interval], clip: str) -> Moment:
    """Return the moment of the strongest expression; without one, the largest motion and the reason.

    Parameters
    ----------
    track : Track
    intervals : list of Interval
        Those of the track.
    clip : str
        Its name, for messages.

    Raises
    ------
    NothingToScore
        If fewer than two frames show the face.
    """
    if max((len(rows) for rows in track.runs()), default=0) < 2:
        raise NothingToScore(
            f"{clip}: {track.n_seen} of {format_count(track.frames, 'frame shows', 'frames show')} the face; "
            "motion needs two."
        )
    interval = spotting.strongest_expression(intervals)
    if interval is None:
        onset, apex, strength, limit = spotting.find_largest_motion(track)
        compared = (
            f"in this clip {limit:.2f} % is the least that can be told from noise and unrest"
            if strength < limit
            else f"it exceeds the noise and unrest of this clip ({limit:.2f} %), but does not rise and fall "
            "apart from the head's motion, as an expression does"
        )
        return Moment(
            onset,
            apex,
            reason=NoLabel(
                "no-expression",
                "nothing to see here: no expression was found. The largest motion is "
                f"{strength:.2f} % of the inter-ocular distance; {compared}",
            ),
        )
    numbers = (interval.onset, interval.apex, interval.offset)
    onset, apex, offset = (int(np.searchsorted(track.number, number)) for number in numbers)
    if not _is_onset_seen(track, onset, apex):
        return _without_onset(track, interval, (onset, apex, offset), _begins_within(track, onset, apex))
    rest = _find_rest(track, onset, apex)
    if rest is None:
        return _without_onset(track, interval, (onset, apex, offset), REST_COVERED)
    return Moment(rest, apex, interval, is_one_way=_is_one_way(track, apex, offset))


def _find_rest(track: Track, onset: int, apex: int) -> int | None:
    """Return the last row before an onset where less than `RESTING` of the motion to the apex is done.

    It lies in the run of the onset, `LEAD_S` to `MAX_RISE_S` before it; the face is at rest in most of these
    rows. If there are none, it is the onset. A row that does not compare with the apex does not count; the
    last row at rest within `SEARCH_S` takes its place. None if there is none, either.
    """
    before = track.time[onset] - track.time
    is_before = (track.run == track.run[onset]) & (before >= LEAD_S) & (before <= SEARCH_S)
    rows = np.flatnonzero(is_before & (before <= MAX_RISE_S))
    if len(rows):
        progress = _progress(track, rows, apex)
        rows = rows[progress - np.median(progress) < RESTING]
    else:
        rows = np.array([onset])
    earlier = np.flatnonzero(is_before & (before > MAX_RISE_S) & (track.at_rest > AT_REST))
    candidates = np.concatenate([earlier, rows])
    comparable = candidates[track.is_comparable(candidates, apex)]
    return int(comparable[-1]) if len(comparable) else None


def _progress(track: Track, rows: np.ndarray, apex: int) -> np.ndarray:
    """Return the fraction of the motion from the neutral face to the apex that is done in each row.

    Noise of the sites points elsewhere and cancels; in the distance from the neutral face it would add up.
    """
    motion = track.displacement[:, EXPRESSIVE]
    return np.tensordot(motion[rows], motion[apex], 2) / max(float((motion[apex] ** 2).sum()), 1e-9)


def _is_onset_seen(track: Track, onset: int, apex: int) -> bool:
    """Return whether the face was near its neutral state when the expression began."""
    is_first = onset == 0 or track.run[onset - 1] != track.run[onset]
    return apex > onset and not (
        is_first and track.activity[onset] > MAX_REST_ACTIVITY * track.activity[apex]
    )


def _begins_within(track: Track, onset: int, apex: int) -> NoLabel:
    begin, most = track.activity[[onset, apex]]
    return NoLabel(
        "neutral-not-seen",
        f"the expression begins with {begin:.1f} of its {most:.1f} % of motion: "
        "the video begins within it, or coarse compression hides the neutral face before it. "
        "Say which frame is neutral (--neutral)",
    )


def _without_onset(track: Track, interval: Interval, rows: tuple[int, int, int], reason: NoLabel) -> Moment:
    """Return the moment of an expression before which the neutral face is not seen.

    The apex is compared with the neutral frame that the user named, or else with the first row at rest after
    the expression, within `SEARCH_S`, or with the row of the expression that is nearest to its neutral state,
    or with its end. If none compares with it, the end is returned, to be shown.
    """
    onset, apex, offset = rows
    neutral = track.row(track.neutral_frame) if track.is_neutral_given else None
    if neutral is not None and neutral != apex:
        return Moment(neutral, apex, interval)
    after = track.time - track.time[offset]
    is_later = (track.run == track.run[apex]) & (after > 0) & (after <= SEARCH_S)
    later = np.flatnonzero(is_later & (track.at_rest > AT_REST))
    within = np.arange(onset, offset + 1)
    nearest_first = within[np.argsort(track.activity[within])]
    near = nearest_first[track.activity[nearest_first] < MAX_REST_ACTIVITY * track.activity[apex]]
    end = offset if offset > apex else onset
    candidates = np.concatenate([later, near, [end]])
    comparable = candidates[track.is_comparable(candidates, apex)]
    return Moment(int(comparable[0]) if len(comparable) else end, apex, interval, reason)


def _is_one_way(track: Track, apex: int, offset: int) -> bool:
    """Return whether the face does not return, and its neutral state is seen too briefly to be certain.

    A face that changes once in a short video may leave its neutral state or return to it.
    """
    is_last = offset == len(track.run) - 1 or track.run[offset + 1] != track.run[offset]
    if (
        track.is_neutral_given
        or not is_last
        or track.activity[offset] < MAX_REST_ACTIVITY * track.activity[apex]
    ):
        return False
    rows = np.flatnonzero(track.run == track.run[apex])
    return float((track.at_rest[rows] > AT_REST).sum()) * track.step(rows) < CERTAIN_REST_S


def moment_between(track: Track, onset: int, apex: int, clip: str | Path) -> Moment:
    """Return the moment between two frame numbers; raise `BadMoment` if they cannot be compared."""
    check_order(onset, apex)
    first, last = _row(track, onset, "onset", clip), _row(track, apex, "apex", clip)
    if track.run[first] != track.run[last]:
        raise BadMoment(
            f"{clip}: the face is out of sight between frames {onset} and {apex}. Choose both on one side "
            "of the gap."
        )
    return Moment(first, last)


def check_order(onset: int | None, apex: int | None) -> None:
    """Raise `BadMoment` if only one frame is given, or the apex is not after the onset."""
    if onset is None and apex is None:
        return
    if onset is None or apex is None:
        raise BadMoment("Give both --onset and --apex, or neither.")
    if apex <= onset:
        raise BadMoment(f"The apex (frame {apex}) must come after the onset (frame {onset}).")


def _row(track: Track, number: int, name: str, clip: str | Path) -> int:
    """Return the row of a frame that shows the face; raise otherwise. `name` is "onset" or "apex"."""
    row = track.row(number)
    if row is not None and track.run[row] >= 0:
        return row
    if not track.seen.any():
        raise NothingToScore(f"{clip}: no face was found.")
    first, last = track.number[0], track.number[-1]
    if not first <= number <= last:
        wrong = f"is outside of the clip, which has frames {first} to {last}"
    elif row is None:
        wrong = f"was not measured; the nearest is {track.number[abs(track.number - number).argmin()]}"
    else:
        wrong = "shows no face that can be measured"
    raise BadMoment(
        f"{clip}: frame {number}, given as the {name}, {wrong}. The face is seen in {track.n_seen} of "
        f"{len(track.number)} frames, from {track.number[track.seen][0]} to {track.number[track.seen][-1]}."
    )
