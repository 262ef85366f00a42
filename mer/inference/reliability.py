"""How far a score can be trusted: when no label is given, and what about the clip lies outside of what was measured."""

import math
from pathlib import Path

import numpy as np

from mer.bundle import Recipe
from mer.inference.onset_apex import head_motion
from mer.inference.track import Course

SYNTHETIC = "The bundle was fitted on synthetic faces only: its labels describe motion, and are no finding about a person."


def reason_not_to_name(motion: float, p: np.ndarray, recipe: Recipe) -> str | None:
    """Why no label is given, or None if one is. motion : per cent of the inter-ocular distance; p : (labels,) probabilities"""
    best, confidence = recipe.labels[int(p.argmax())], float(p.max())
    if motion < recipe.least_motion:
        return (
            f"nothing to see here: the face moves by {motion:.2f} % of the distance of its eyes, "
            f"and below {recipe.least_motion:.2f} % motion cannot be told from noise"
        )
    if best in recipe.no_label:
        return "the motion resembles no emotion, but speech, a blink, a glance or a turn of the head"
    if confidence < recipe.least_confidence:
        return f"the likeliest label has a probability of {confidence:.2f}, and below {recipe.least_confidence:.2f} none is given"
    return None


def warnings(course: Course, onset: int, apex: int, motion: float, clip: Path, recipe: Recipe) -> list[str]:
    """What lies outside the ranges that the bundle was measured on, a sentence each, and which ranges it does not state.

    onset, apex : positions in the course; motion : as in `Score.motion`
    """
    values = {
        "frame rate": (course.fps, "frames per second"),
        "distance of the eyes": (float(course.eyes_px[onset]), "px"),
        "motion of the face": (motion, "% of the distance of the eyes"),
        "head motion from onset to apex": (
            float(head_motion(course, onset, apex)),
            "% of the distance of the eyes",
        ),
        "compression": (bits_per_pixel(clip), "bits per pixel"),
    }
    unstated = [name for name in values if name not in recipe.measured]
    said = [f"The bundle states no range of its clips for: {', '.join(unstated)}."] if unstated else []
    for name, (low, high) in recipe.measured.items():
        value, unit = values[name]
        if not math.isnan(value) and not low <= value <= high:
            said.append(
                f"The {name} is {value:.3g} {unit}; the bundle was measured from {low:g} to {high:g}."
            )
    if course.faces > 1:
        said.append(f"Up to {course.faces} faces are seen at once; one was followed (choose with --face).")
    if course.run[-1] > 0:
        said.append(
            f"The face was out of sight {course.run[-1]} time(s); motion across a gap is not measured."
        )
    return said


def bits_per_pixel(clip: Path) -> float:
    """Size of a video file over the pixels it shows; NaN for a folder of images or where it is not known."""
    import av

    if clip.is_dir():
        return math.nan
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        frames = stream.frames or float((container.duration or 0) / 1e6 * (stream.average_rate or 0))
        pixels = frames * stream.width * stream.height
    return clip.stat().st_size * 8 / pixels if pixels else math.nan
