"""How far a score can be trusted: whether a label is given, and which warnings accompany it."""

import math
from dataclasses import dataclass
from pathlib import Path

from data_prep.face_model_file import describe_model, is_same_model
from data_prep.face_plausibility import MIN_PLAUSIBILITY
from data_prep.videos.video_stream import bits_per_pixel
from mer.inference.appearance import MAX_CHANGED, changed_fraction
from mer.inference.no_label import NoLabel
from mer.inference.onset_apex import Moment
from mer.inference.recorder import ASSUMED_FPS
from mer.inference.spotting import Interval, strongest_expression
from mer.inference.track import Track
from mer.recipe import Recipe
from mer_core.text import format_count

SYNTHETIC = (
    "The bundle was fitted on synthetic faces only: its labels describe motion "
    "and say nothing about a person."
)
LONG_S = 2.0  # a face does more than one thing in a longer clip
MODEL_DIFFERENCE = 2.0  # mean of 478 landmarks on 212 portraits, embedded and current model (docs/install.md)
RESTED_S = 0.5  # before the onset, in which the picture must be intact
SIMILAR_STRENGTH = 0.5  # of the strongest interval's
# In clips this short, 24 of 193 faces at rest have an interval, none of them a stronger one, in % of the
# inter-ocular distance (docs/results/spotting-long.md).
FAINT_S, FAINT_STRENGTH = 1.0, 0.8


@dataclass(frozen=True)
class Conditions:
    """What decides, besides the probabilities, whether a moment of a clip gets a label. NaN: unknown."""

    motion: float  # from onset to apex, per cent of the inter-ocular distance
    head_motion: float  # the same of the head
    fps: float
    eyes_px: float  # inter-ocular distance at the onset, px
    duration_s: float  # of the expression in which the apex lies
    turn: float  # yaw or pitch of the head, whichever is larger, degrees
    bits_per_pixel: float  # of a video file
    plausibility: float  # 0..1, of the landmarks
    jump: int | None = None  # frame shortly before the onset, or up to the apex, at which the picture jumps
    changed: float = 0.0  # fraction of the face that looks different at onset and apex

    def by_name(self) -> dict[str, tuple[float, str]]:
        """Return value and unit of each condition for which a bundle can state a range."""
        return {
            "frame rate": (self.fps, "frames per second"),
            "inter-ocular distance": (self.eyes_px, "px"),
            "motion of the face": (self.motion, "% of the inter-ocular distance"),
            "head motion from onset to apex": (self.head_motion, "% of the inter-ocular distance"),
            "compression": (self.bits_per_pixel, "bits per pixel"),
            "duration": (self.duration_s, "s"),
            "turn of the head": (self.turn, "degrees"),
        }


# Ranges that every bundle should state; others are checked if stated.
EXPECTED_RANGES = (
    "frame rate",
    "inter-ocular distance",
    "motion of the face",
    "head motion from onset to apex",
    "compression",
)


def measure_conditions(
    clip: Path, track: Track, moment: Moment, intervals: list[Interval], motion: float
) -> Conditions:
    """Collect the conditions of one moment.

    Parameters
    ----------
    clip : Path
    track : Track
    moment : Moment
    intervals : list of Interval
        Those of the track.
    motion : float
        From onset to apex, per cent of the inter-ocular distance; NaN if not measured yet.
    """
    rows = list(moment[:2])
    first_s, last_s = sorted(float(track.time[row]) for row in rows)
    interval = moment.interval or _expression_at(int(track.number[moment.apex]), intervals)
    return Conditions(
        motion=motion,
        head_motion=track.head_motion(*rows),
        fps=track.fps if track.timed else math.nan,
        eyes_px=float(track.eyes_px[moment.onset]),
        duration_s=interval.offset_s - interval.onset_s if interval and track.timed else math.nan,
        turn=float(abs(track.turn[rows, :2]).max()),
        bits_per_pixel=bits_per_pixel(clip) if clip.is_file() else math.nan,  # frames have none
        plausibility=0.0 if track.is_implausible else float(track.plausibility[rows].min()),
        jump=track.find_jump(first_s - RESTED_S, last_s),
        changed=float(changed_fraction(track.appearance[rows[0]], track.appearance[rows[1:]])[0]),
    )


def _expression_at(number: int, intervals: list[Interval]) -> Interval | None:
    """Return the strongest expression around a frame: frames that a user chose may lie in a laugh."""
    around = [interval for interval in intervals if interval.onset <= number <= interval.offset]
    return strongest_expression(around)


def find_obstacle(moment: Moment, conditions: Conditions, recipe: Recipe) -> NoLabel | None:
    """Return why no label may be given, whatever the probabilities; None if one may."""
    if conditions.jump is not None:
        return NoLabel(
            "damaged-picture",
            f"the picture jumps or is damaged at frame {conditions.jump}, between rest and apex",
        )
    if conditions.plausibility < MIN_PLAUSIBILITY:
        return NoLabel("implausible-face", "the landmarks do not look like an upright, unobstructed face")
    nothing_found = moment.reason is not None and moment.interval is None
    if conditions.changed > MAX_CHANGED and not nothing_found:
        return NoLabel(
            "not-comparable",
            f"{conditions.changed:.0%} of the face looks different in the two frames: something covers it, "
            "the head turns, or the light changes, which is no motion of the face. Name two other frames "
            "(--onset, --apex) or a neutral one (--neutral)",
        )
    if moment.reason is not None:
        return moment.reason
    if conditions.motion < recipe.min_motion:
        return NoLabel(
            "no-motion",
            f"nothing to see here: the face moves by {conditions.motion:.2f} % of the inter-ocular distance, "
            f"and below {recipe.min_motion:.2f} % motion cannot be told from noise",
        )
    if outside := _outside_ranges(conditions, recipe):
        return NoLabel(
            "outside-validated-range",
            f"the bundle was not validated on such clips: {'; '.join(outside)}",
        )
    return None


def find_label(
    moment: Moment,
    conditions: Conditions,
    probabilities: dict[str, float],
    opposite: dict[str, float],
    recipe: Recipe,
) -> tuple[str | None, NoLabel | None]:
    """Return the label and None, or None and the reason why no label is given.

    Parameters
    ----------
    moment : Moment
    conditions : Conditions
    probabilities : dict
        Probability of each label.
    opposite : dict
        The same for the opposite motion; used only if `moment.is_one_way`.
    recipe : Recipe
        Of the bundle.
    """
    if obstacle := find_obstacle(moment, conditions, recipe):
        return None, obstacle
    label, reason = _likeliest(probabilities, recipe)
    if label and moment.is_one_way and (backwards := _likeliest(opposite, recipe)[0]):
        return None, NoLabel(
            "one-way-motion",
            f"the video shows the motion one way only: {label} if it begins with a neutral face, "
            f"{backwards} if it ends with one. Say which frame is neutral (--neutral)",
        )
    return label, reason


def _likeliest(probabilities: dict[str, float], recipe: Recipe) -> tuple[str | None, NoLabel | None]:
    """Return the label that the probabilities alone give and None, or None and why they give none."""
    label = max(probabilities, key=probabilities.__getitem__)
    if label in recipe.no_emotion_labels:
        return None, NoLabel(
            "no-emotion",
            "the motion resembles no emotion, but speech, a blink, a glance or a turn of the head",
        )
    if probabilities[label] < recipe.min_confidence:
        return None, NoLabel(
            "low-probability",
            f"the likeliest label has a probability of {probabilities[label]:.2f}, "
            f"and below {recipe.min_confidence:.2f} none is given",
        )
    return label, None


def list_notes(track: Track, intervals: list[Interval]) -> list[str]:
    """Return what a reader must know about frames, face and intervals of a clip, a sentence each."""
    notes = [*track.remarks(), *track.frame_notes, *_faint_expressions(track, intervals)]
    if not track.timed:
        notes.append(
            f"The folder has no times; {ASSUMED_FPS:g} frames per second were taken to find the motion "
            "(give --fps)."
        )
    return notes


def list_warnings(
    track: Track,
    moment: Moment,
    intervals: list[Interval],
    recipe: Recipe,
    weights: str | None,
) -> list[str]:
    """Return what a reader must know beside the result, a sentence each.

    Parameters
    ----------
    track : Track
    moment : Moment
        What was explained.
    intervals : list of Interval
        Those of the track.
    recipe : Recipe
        Of the bundle.
    weights : str or None
        Digest of the weights of the flow network in use.
    """
    warnings = [
        *_unstated_ranges(recipe),
        *_similar_expressions(track, moment, intervals),
        *list_notes(track, intervals),
    ]
    if recipe.flow_weights not in (None, weights):
        warnings.append(
            f"The bundle was fitted on flow of other weights than {recipe.method} has now. "
            "Fit it again (mer train) before you trust its label."
        )
    return warnings + other_face_model(recipe)


def _faint_expressions(track: Track, intervals: list[Interval]) -> list[str]:
    """Return a note if a short clip has expressions as weak as the unrest of a face at rest."""
    faint = [one for one in intervals if one.is_expression and one.strength < FAINT_STRENGTH]
    if not faint or track.time[-1] - track.time[0] >= FAINT_S:
        return []
    verb = format_count(len(faint), "expression moves", "expressions move")
    return [
        f"{verb} the face by less than {FAINT_STRENGTH:g} % of the inter-ocular distance: in clips shorter "
        f"than {FAINT_S:g} s, one face at rest in eight shows as much."
    ]


def other_face_model(recipe: Recipe) -> list[str]:
    """Return a warning if the landmarks come from another model than the bundle's; none otherwise."""
    used = describe_model()
    if recipe.face_model is None or is_same_model(recipe.face_model, used):
        return []
    return [
        f"Landmarks are found by MediaPipe {used}, those of the bundle by {recipe.face_model}: on portraits "
        f"the models differ by {MODEL_DIFFERENCE} % of the inter-ocular distance."
    ]


def _unstated_ranges(recipe: Recipe) -> list[str]:
    """Return a warning that names the ranges that the bundle does not state; none if it states all."""
    unstated = [name for name in EXPECTED_RANGES if name not in recipe.validated_ranges]
    return [f"The bundle states no range of its clips for: {', '.join(unstated)}."] if unstated else []


def _outside_ranges(conditions: Conditions, recipe: Recipe) -> list[str]:
    """Describe each condition outside of its validated range; an unknown value is not outside."""
    values = conditions.by_name()
    return [
        f"{name} {value:.3g} {unit} (validated: {low:g} to {high:g})"
        for name, (low, high) in recipe.validated_ranges.items()
        for value, unit in [values[name]]
        if not math.isnan(value) and not low <= value <= high
    ]


def _similar_expressions(track: Track, moment: Moment, intervals: list[Interval]) -> list[str]:
    """Return a warning if other expressions of a long clip are similarly strong; none for a user's frames."""
    if moment.interval is None:
        return []
    min_strength = SIMILAR_STRENGTH * moment.interval.strength
    others = [
        interval
        for interval in intervals
        if interval.is_expression and interval is not moment.interval and interval.strength >= min_strength
    ]
    seconds = float(track.time[-1] - track.time[0])
    if not others or seconds <= LONG_S:
        return []
    return [
        f"This is the strongest of {len(others) + 1} expressions of similar strength in {seconds:.1f} s. "
        "mer spot lists them all."
    ]
