"""One clip -> what moved, when, where, which label that resembles, and how sure that is."""

import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

import mer_core
from data_prep.frames import Frames, open_frames
from mer import bundle as bundles
from mer.inference import action_units as units
from mer.inference import attribution, models, onset_apex, regions, reliability
from mer.inference.face_tracker import Follower
from mer.inference.motion import measure
from mer.inference.track import Course, watch
from mer_core.errors import BadInput, NothingToScore
from mer_core.io import printable
from mer_core.progress import track

FPS = 30.0  # taken for a folder of images that comes without a rate; said in the warnings
LONG_S = 2.0  # a face does more than one thing in a longer clip


@dataclass(frozen=True)
class Score:
    """What one clip shows. Frame numbers are the file's own (a video starts at 0), times are seconds from its first frame."""

    clip: str
    label: str | None  # None where none is given
    reason: str | None  # why none is given
    probabilities: dict[str, float]  # calibrated as far as the bundle is
    onset: int
    apex: int
    onset_s: float | None  # None where the frames have no times
    apex_s: float | None
    motion: float  # of the parts that move most, head motion taken out, per cent of the distance of the eyes
    regions: list[regions.Region]  # the one that moves most first
    units: list[units.Unit]  # action units, the one with most evidence first
    warnings: list[str]
    frames: int
    fps: float | None
    eyes_px: float  # distance of the eyes in the clip, px
    bundle: str
    made_with: str  # classifier, feature, flow and the start of its weights' SHA-256, version of mer
    synthetic: bool  # the bundle has seen no real face
    course: Course = field(repr=False)
    activity: np.ndarray = field(repr=False)  # (n,) strength of each frame of the course as an apex, per cent
    matrix: np.ndarray = field(repr=False)  # (2, 3) from frame px to px of the aligned face
    landmarks: np.ndarray = field(repr=False)  # (478, 2) px of the aligned onset
    onset_face: np.ndarray = field(repr=False)  # (S, S, 3) uint8 RGB, aligned
    apex_face: np.ndarray = field(repr=False)
    own: np.ndarray = field(repr=False)  # (S, S, 2) float32 px, flow without the head's motion

    @property
    def confidence(self) -> float:
        """Probability of the likeliest label."""
        return max(self.probabilities.values())

    def to_dict(self) -> dict:
        """Everything but pictures and curves, ready for JSON."""
        plain = {
            key: value for key, value in self.__dict__.items() if not isinstance(value, (np.ndarray, Course))
        }
        return {
            **plain,
            "regions": [region.to_dict() for region in self.regions],
            "units": [unit.to_dict() for unit in self.units],
        }

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=2)

    def to_text(self) -> str:
        """A few lines for a person."""
        ranked = sorted(self.probabilities.items(), key=lambda item: -item[1])
        odds = ", ".join(f"{label} {p:.2f}" for label, p in ranked)
        lines = [
            f"{self.clip}: {self.label} ({odds})"
            if self.label
            else f"{self.clip}: no label, {self.reason} ({odds})"
        ]
        where = self.regions[0]
        lines.append(
            f"onset frame {self.onset}{_at(self.onset_s)}, apex frame {self.apex}{_at(self.apex_s)}; most motion: "
            f"{where.name}, {where.motion:.1f} % of the distance of the eyes"
        )
        if self.units:
            lines.append(
                "looks like " + ", ".join(f"{unit.words} {unit.evidence:.0%}" for unit in self.units[:3])
            )
        lines += [f"note: {warning}" for warning in self.warnings]
        if self.synthetic:
            lines.append(reliability.SYNTHETIC)
        return "\n".join(lines)


def score(
    clip: str | Path,
    bundle: str | Path | bundles.Bundle | None = None,
    *,
    onset: int | None = None,
    apex: int | None = None,
    fps: float | None = None,
    face: int = 1,
) -> Score:
    """Score a video file or a folder of frames. Models are kept loaded, so that a second clip costs no start.

    clip   : path; frames of a folder are numbered by their names
    bundle : a bundle, the path of one, or None for the one that comes with mer
    onset, apex : frame numbers, both or neither; the strongest quick motion where not given
    fps    : frames per second of a folder, which has no times of its own
    face   : which face to follow, 1 the largest

    Raises `BadInput` for what cannot be read, `NothingToScore` for no face or a single frame of one.
    """
    if (onset is None) != (apex is None) or (onset is not None and onset == apex):
        raise BadInput("Give both the onset and the apex, two different frames, or neither.")
    clip, name = Path(clip), str(bundle or "synthetic, the one that comes with mer")
    if isinstance(bundle, bundles.Bundle):
        fitted, name = bundle, "one in memory"
    else:
        fitted = models.bundle(str(bundle or bundles.shipped()))
    follower = Follower(face)
    frames = open_frames(clip, fps)
    course = watch(track(frames, "Watching"), follower, fps or FPS)
    follower.require(str(clip))
    picked = onset_apex.strongest(course, str(clip)) if onset is None else given(course, onset, apex, clip)
    return explain(clip, frames, course, picked, fitted, name, timed=fps is not None or not clip.is_dir())


def given(course: Course, onset: int, apex: int, clip: Path) -> onset_apex.Moment:
    """The moment between two frame numbers; raises `BadInput` if one is not there or shows no face."""
    first, last = (_position(course, number, clip) for number in (onset, apex))
    if course.run[first] != course.run[last]:
        raise BadInput(
            f"{clip}: the face is out of sight between frames {onset} and {apex}. Choose both on one side of the gap."
        )
    return onset_apex.Moment(first, last, float(onset_apex.strength(course, *sorted((first, last)))))


def explain(
    clip: Path,
    frames: Frames,
    course: Course,
    picked: onset_apex.Moment,
    fitted: bundles.Bundle,
    name: str,
    timed: bool = True,
) -> Score:
    """The score of the moment `picked` in a clip that has been watched. name : of the bundle; timed : the frames have times."""
    recipe = fitted.recipe
    numbers = [int(course.number[position]) for position in (picked.onset, picked.apex)]
    images = frames.pick(numbers)
    shown = measure([images[number] for number in numbers], course.box[picked.onset], recipe)
    p = fitted.predict_proba(fitted.extract(shown.taken, shown.landmarks)[None])[0]
    best = int(p.argmax())
    share = attribution.shares(fitted, shown.taken, shown.landmarks)
    parts = [
        replace(region, share=share[region.name]) for region in regions.measure(shown.own, shown.landmarks)
    ]
    reason = reliability.reason_not_to_name(shown.far, p, recipe)
    said = reliability.warnings(course, picked.onset, picked.apex, shown.far, clip, recipe)
    lasts = float(course.time[-1] - course.time[0])
    if timed and lasts > LONG_S:
        said.append(
            f"This is one moment of {lasts:.1f} s; others may be nearly as strong. mer spot lists them all."
        )
    if not timed:
        said.append(
            f"The folder has no times; {FPS:g} frames per second were taken to find the motion (give --fps)."
        )
    weights = models.method(recipe.method, recipe.method_options).weights
    if recipe.flow_weights not in (None, weights):
        said.append(
            f"The bundle was fitted on flow of other weights than {recipe.method} has now. Fit it again (mer train) before you trust its label."
        )
    seconds = [float(course.time[position]) if timed else None for position in (picked.onset, picked.apex)]
    return Score(
        clip=printable(clip),
        label=None if reason else recipe.labels[best],
        reason=reason,
        probabilities=dict(zip(recipe.labels, map(float, p))),
        onset=numbers[0],
        apex=numbers[1],
        onset_s=seconds[0],
        apex_s=seconds[1],
        motion=shown.far,
        regions=sorted(parts, key=lambda region: -region.motion),
        units=units.nearest(shown.points, shown.motion),
        warnings=said,
        frames=course.frames,
        fps=None if not timed or math.isnan(course.fps) else round(course.fps, 3),
        eyes_px=round(float(course.eyes_px[picked.onset]), 1),
        bundle=name,
        made_with=_made_with(recipe, weights),
        synthetic=recipe.synthetic,
        course=course,
        activity=onset_apex.activity(course)[0],
        matrix=shown.matrix,
        landmarks=shown.landmarks,
        onset_face=shown.faces[0],
        apex_face=shown.faces[1],
        own=shown.own,
    )


def _position(course: Course, number: int, clip: Path) -> int:
    """Where frame `number` stands in the course; raises `BadInput` if it is not there or shows no face."""
    found = np.flatnonzero(course.number == number)
    if len(found):
        return int(found[0])
    if not len(course.number):
        raise NothingToScore(f"{clip}: no face was found.")
    raise BadInput(
        f"{clip}: frame {number} is not there, or shows no face; the face is seen in {len(course.number)} of {course.frames} "
        f"frames, from {course.number[0]} to {course.number[-1]}."
    )


def _made_with(recipe: bundles.Recipe, weights: str) -> str:
    flow = f"{recipe.method} flow (weights {weights})" if weights else f"{recipe.method} flow"
    return f"{recipe.classifier} on {recipe.feature} of {flow}, mer {mer_core.__version__}"


def _at(seconds: float | None) -> str:
    return "" if seconds is None else f" ({seconds:.3f} s)"
