"""How far a score can be trusted: whether a label is shown, and what is said beside it."""

import math
from dataclasses import dataclass
from pathlib import Path

from data_prep.face_model_file import describe_model, is_same_model
from data_prep.face_plausibility import MIN_PLAUSIBILITY
from data_prep.frames import Frames
from data_prep.video import bits_per_pixel
from mer.bundle import Recipe
from mer.inference.onset_apex import Moment
from mer.inference.recorder import ASSUMED_FPS
from mer.inference.spotting import Interval, strongest
from mer.inference.track import Track

SYNTHETIC = (
    "The bundle was fitted on synthetic faces only: its labels describe motion "
    "and say nothing about a person."
)
LONG_S = 2.0  # a face does more than one thing in a longer clip
MODEL_DIFFERENCE = 2.0  # mean of 478 landmarks on 212 portraits, embedded and current model (docs/install.md)
NEARLY = 0.5  # of the strongest interval's strength


@dataclass(frozen=True)
class Conditions:
    """What decides, besides the probabilities, whether one moment of a clip gets a label.

    Attributes
    ----------
    motion, head_motion : per cent of the inter-ocular distance, from onset to apex
    fps : NaN where frames have no times
    eyes_px : inter-ocular distance at the onset, px
    duration_s : of the listed expression in which the apex lies; NaN where none is listed
    turn : yaw or pitch of the head, whichever is larger, degrees
    bits_per_pixel : of a video file; NaN where it is not known
    plausibility : 0..1, of the landmarks
    """

    motion: float
    head_motion: float
    fps: float
    eyes_px: float
    duration_s: float
    turn: float
    bits_per_pixel: float
    plausibility: float

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


# Ranges that every bundle should state; the others count where they are stated.
EXPECTED_RANGES = (
    "frame rate",
    "inter-ocular distance",
    "motion of the face",
    "head motion from onset to apex",
    "compression",
)


def measure_conditions(
    clip: Path, track: Track, moment: Moment, found: list[Interval], motion: float
) -> Conditions:
    """Collect the conditions of one moment.

    Parameters
    ----------
    found : intervals of the track
    motion : from onset to apex, per cent of the inter-ocular distance; NaN where it is not measured yet
    """
    rows = list(moment[:2])
    interval = moment.interval or _expression_at(int(track.number[moment.apex]), found)
    return Conditions(
        motion=motion,
        head_motion=track.head_motion(*rows),
        fps=track.fps if track.timed else math.nan,
        eyes_px=float(track.eyes_px[moment.onset]),
        duration_s=interval.offset_s - interval.onset_s if interval and track.timed else math.nan,
        turn=float(abs(track.turn[rows, :2]).max()),
        bits_per_pixel=math.nan if clip.is_dir() else bits_per_pixel(clip),
        plausibility=float(track.plausibility[rows].min()),
    )


def _expression_at(number: int, found: list[Interval]) -> Interval | None:
    """Return the strongest expression that a frame lies in: a user's frames may lie in a laugh."""
    return strongest([interval for interval in found if interval.onset <= number <= interval.offset])


def find_obstacle(moment: Moment, conditions: Conditions, recipe: Recipe) -> str | None:
    """Return why no label may be given, whatever the probabilities; None where one may."""
    if moment.reason is not None:
        return moment.reason
    if conditions.plausibility < MIN_PLAUSIBILITY:
        return "the landmarks do not look like a face that is seen whole"
    if conditions.motion < recipe.min_motion:
        return (
            f"nothing to see here: the face moves by {conditions.motion:.2f} % of the inter-ocular distance, "
            f"and below {recipe.min_motion:.2f} % motion cannot be told from noise"
        )
    if outside := _outside_of_ranges(conditions, recipe):
        return f"the bundle was not validated on such clips: {'; '.join(outside)}"
    return None


def find_label(
    moment: Moment,
    conditions: Conditions,
    probabilities: dict[str, float],
    opposite: dict[str, float],
    recipe: Recipe,
) -> tuple[str | None, str | None]:
    """Return the label and None, or None and the reason why no label is given.

    Parameters
    ----------
    probabilities : of each label
    opposite : the same for the opposite motion; read only where `moment.is_one_way`
    """
    if obstacle := find_obstacle(moment, conditions, recipe):
        return None, obstacle
    label, reason = _likeliest(probabilities, recipe)
    if label and moment.is_one_way and (backwards := _likeliest(opposite, recipe)[0]):
        return None, (
            f"the film shows the motion one way only: {label} if it begins with a neutral face, "
            f"{backwards} if it ends with one. Say which frame is neutral (--neutral)"
        )
    return label, reason


def _likeliest(probabilities: dict[str, float], recipe: Recipe) -> tuple[str | None, str | None]:
    """Return the label that the probabilities alone give and None, or None and why they give none."""
    label = max(probabilities, key=probabilities.__getitem__)
    if label in recipe.no_emotion_labels:
        return None, "the motion resembles no emotion, but speech, a blink, a glance or a turn of the head"
    if probabilities[label] < recipe.min_confidence:
        return None, (
            f"the likeliest label has a probability of {probabilities[label]:.2f}, "
            f"and below {recipe.min_confidence:.2f} none is given"
        )
    return label, None


def warnings(
    clip: Path,
    frames: Frames,
    track: Track,
    moment: Moment,
    found: list[Interval],
    recipe: Recipe,
    weights: str | None,
) -> list[str]:
    """Return what a reader must know beside the result, a sentence each.

    Parameters
    ----------
    found : intervals of the track
    weights : of the flow network in use
    """
    said = [
        *_unstated_ranges(recipe),
        *track.remarks(),
        *_other_moments(track, moment, found),
        *frames.report.sentences(),
    ]
    if not track.timed:
        said.append(
            f"The folder has no times; {ASSUMED_FPS:g} frames per second were taken to find the motion "
            "(give --fps)."
        )
    if recipe.flow_weights not in (None, weights):
        said.append(
            f"The bundle was fitted on flow of other weights than {recipe.method} has now. "
            "Fit it again (mer train) before you trust its label."
        )
    return said + other_face_model(recipe)


def other_face_model(recipe: Recipe) -> list[str]:
    """Say that the landmarks come from another model than the bundle's; nothing where they do not."""
    used = describe_model()
    if recipe.face_model is None or is_same_model(recipe.face_model, used):
        return []
    return [
        f"Landmarks are found by MediaPipe {used}, those of the bundle by {recipe.face_model}: on portraits "
        f"the models differ by {MODEL_DIFFERENCE} % of the inter-ocular distance."
    ]


def _unstated_ranges(recipe: Recipe) -> list[str]:
    """Which ranges the bundle does not state, so that no label is withheld for them."""
    unstated = [name for name in EXPECTED_RANGES if name not in recipe.validated_ranges]
    return [f"The bundle states no range of its clips for: {', '.join(unstated)}."] if unstated else []


def _outside_of_ranges(conditions: Conditions, recipe: Recipe) -> list[str]:
    """Name what lies outside of the validated ranges; a value that is not known does not."""
    values = conditions.by_name()
    return [
        f"{name} {value:.3g} {unit} (validated: {low:g} to {high:g})"
        for name, (low, high) in recipe.validated_ranges.items()
        for value, unit in [values[name]]
        if not math.isnan(value) and not low <= value <= high
    ]


def _other_moments(track: Track, moment: Moment, found: list[Interval]) -> list[str]:
    """Which listed expressions are nearly as strong as the one that was chosen here; nothing for a user's
    choice.
    """
    if moment.interval is None:
        return []
    least = NEARLY * moment.interval.strength
    others = [i for i in found if i.is_expression and i is not moment.interval and i.strength >= least]
    lasts = float(track.time[-1] - track.time[0])
    if not others or lasts <= LONG_S:
        return []
    return [
        f"This is the strongest of {len(others) + 1} expressions of similar strength in {lasts:.1f} s. "
        "mer spot lists them all."
    ]
