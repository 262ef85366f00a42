"""How far a score can be trusted: the one place that decides whether a label is shown, and what is said
beside it.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from data_prep.face_plausibility import MIN_PLAUSIBILITY
from data_prep.frames import Frames
from data_prep.video import bits_per_pixel
from mer.bundle import Recipe
from mer.inference.onset_apex import Moment
from mer.inference.recorder import ASSUMED_FPS
from mer.inference.spotting import Interval
from mer.inference.track import Track

SYNTHETIC = (
    "The bundle was fitted on synthetic faces only: its labels describe motion, "
    "and are no finding about a person."
)
LONG_S = 2.0  # a face does more than one thing in a longer clip
NEARLY = 0.5  # of the strongest interval's strength


@dataclass(frozen=True)
class Evidence:
    """What a decision may rest on, besides the probabilities.

    no_interval : why no expression is listed here; None where one is, or where the user chose the frames
    motion, head_motion : per cent of the inter-ocular distance, from onset to apex
    turn : degrees that the head is turned from the camera, at most; duration_s : of the interval, NaN without
    one
    bits_per_pixel : of a video file, NaN where it is not known; plausibility : 0..1, of the landmarks
    """

    no_interval: str | None
    motion: float
    head_motion: float
    fps: float
    eyes_px: float
    duration_s: float
    turn: float
    bits_per_pixel: float
    plausibility: float

    def measured(self) -> dict[str, tuple[float, str]]:
        """Value and unit of everything for which a bundle can state the range that it was measured on."""
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


def gather(clip: Path, track: Track, moment: Moment, motion: float) -> Evidence:
    """Collect the evidence about one moment of a track. motion : see `Evidence`."""
    interval, rows = moment.interval, list(moment[:2])
    return Evidence(
        no_interval=moment.reason,
        motion=motion,
        head_motion=track.head_motion(*rows),
        fps=track.fps if track.timed else math.nan,
        eyes_px=float(track.eyes_px[moment.onset]),
        duration_s=interval.offset_s - interval.onset_s if interval else math.nan,
        turn=float(abs(track.turn[rows, :2]).max()),
        bits_per_pixel=math.nan if clip.is_dir() else bits_per_pixel(clip),
        plausibility=float(track.plausibility[rows].min()),
    )


def decide(
    evidence: Evidence, probabilities: dict[str, float], recipe: Recipe
) -> tuple[str | None, str | None]:
    """The label and None, or None and why no label is given."""
    label = max(probabilities, key=probabilities.__getitem__)
    if evidence.no_interval is not None:
        return None, evidence.no_interval
    if evidence.plausibility < MIN_PLAUSIBILITY:
        return None, "the landmarks do not look like a face that is seen whole"
    if evidence.motion < recipe.min_motion:
        return None, (
            f"nothing to see here: the face moves by {evidence.motion:.2f} % of the inter-ocular distance, "
            f"and below {recipe.min_motion:.2f} % motion cannot be told from noise"
        )
    if outside := _outside_of_ranges(evidence, recipe):
        return None, f"the bundle was not measured on such clips: {'; '.join(outside)}"
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
    motion: float,
    recipe: Recipe,
    weights: str | None,
) -> list[str]:
    """What a reader must know beside the result, a sentence each.

    found : the intervals of the track; motion : as in `Evidence`; weights : of the flow network in use
    """
    said = [
        *_unstated_ranges(recipe),
        *track.remarks(),
        *_other_moments(track, moment, found),
        *frames.report.sentences(),
    ]
    if moment.onset > moment.apex:
        said.append(
            "The expression is strongest where the clip begins. What moved is read on its way back: the "
            f"onset (frame {track.number[moment.onset]}) comes after the apex "
            f"(frame {track.number[moment.apex]})."
        )
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
    return said


def _unstated_ranges(recipe: Recipe) -> list[str]:
    """Which ranges the bundle does not state, so that no label is withheld for them."""
    unstated = [name for name in EXPECTED_RANGES if name not in recipe.validated_ranges]
    return [f"The bundle states no range of its clips for: {', '.join(unstated)}."] if unstated else []


def _outside_of_ranges(evidence: Evidence, recipe: Recipe) -> list[str]:
    """What lies outside of the ranges that the bundle was measured on; a value that is not known does not."""
    values = evidence.measured()
    return [
        f"{name} {value:.3g} {unit} (measured: {low:g} to {high:g})"
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
