"""A synthetic composite on which no flow method is perfect, with the motion of every clip known exactly.

Rendered people show weak expressions while the head drifts, the light changes, and a camera of their own adds
noise, exposure drift and compression. Frames are drawn as aligned faces are, so that nothing is resampled and
the ground truth stays exact. It compares flow methods with each other, and says nothing about people.

The people are the engine's own, or, where a head model is given, heads and expressions from scans. Nothing
else differs: clips, emotions, light, cameras and drift of the head are drawn alike.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from flow.sampling import log_uniform
from flow.splatting import recipes
from flow.splatting.actor import Actor, face_state
from flow.splatting.camera import HeadPose
from flow.splatting.head import FaceState
from flow.splatting.head_model import HeadModel, load_head_model
from flow.splatting.identity import scanned_face
from flow.splatting.sensor import Sensor
from mer_core.io import atomic_replace
from mer_core.progress import track

SUBJECTS = 60
SIZE = 224  # px of a frame, most of which the face fills
FACE = 0.9
PEAK_PX = (0.2, 1.5)  # of the landmark that moves farthest, evenly spread in its logarithm
# What each subject shows, once each: the emotions of the MEGC 2019 composite at about its label frequencies.
SHOWN = {
    "negative": (("disgust", "repression"), ("anger", "sadness", "contempt", "fear")),
    "positive": (("happiness",),),
    "surprise": (("surprise",),),
}
TURNED = (5.0, 4.0)  # degrees, standard deviations of the head's yaw and pitch at the onset
# Standard deviations of the head's drift from onset to apex: right and down; yaw, pitch and roll.
HEAD_PX, HEAD_DEGREES = 0.5, 0.1
FIRST_PERSON = 7_000_000  # the engine's number of subject 0


@dataclass(frozen=True)
class Clip:
    """One clip of the composite; everything about it follows from `subject` and `index`."""

    subject: int
    index: int
    emotion: str
    label: str

    @property
    def name(self) -> str:
        return f"s{self.subject:02d}-c{self.index}"


@dataclass(frozen=True)
class Frames:
    """What is known of a clip."""

    onset: np.ndarray  # (H, W, 3) uint8 RGB
    apex: np.ndarray  # (H, W, 3) uint8 RGB
    flow: np.ndarray  # (H, W, 2) float32 px, ground truth
    mask: np.ndarray  # (H, W) bool, where errors count
    landmarks: np.ndarray  # (468, 2) float32 px of the onset


def clips() -> list[Clip]:
    """Return the clips of all subjects."""
    found = []
    for subject in range(SUBJECTS):
        rng = np.random.default_rng([subject, 0])
        shown = [(label, str(rng.choice(emotions))) for label, slots in SHOWN.items() for emotions in slots]
        found += [Clip(subject, index, emotion, label) for index, (label, emotion) in enumerate(shown)]
    return found


def write(out: Path, wanted: list[Clip], head_model: Path | None = None) -> None:
    """Draw those of the `wanted` clips that are not yet in `out`; it can be stopped at any time."""
    for clip in track(wanted, "drawing clips"):
        path = out / f"{clip.name}.npz"
        if not path.is_file():
            frames = draw(clip, head_model)
            with atomic_replace(path) as temporary:
                np.savez_compressed(temporary, **vars(frames))


def read(out: Path, clip: Clip) -> Frames:
    """Read a clip that `write` has drawn."""
    with np.load(out / f"{clip.name}.npz") as stored:
        return Frames(**{name: stored[name] for name in stored.files})


def draw(clip: Clip, head_model: Path | None = None) -> Frames:
    """Draw onset and apex of a clip and the motion between them; the moved face is shaded again.

    `head_model` is the .npz of `mer flow head-model`, whose scans the people are made of; None: the
    engine's own.
    """
    rng = np.random.default_rng([clip.subject, clip.index, 1])
    actor = _actor(clip.subject, head_model)
    onset, apex = _play(actor, clip, rng)
    start = int(rng.integers(0, 100))
    numbers = (start, start + int(rng.integers(10, 40)))
    pair = actor.pair(onset, apex, relight=True, sensor=camera(clip.subject), rng=rng, frames=numbers)
    return Frames(
        pair.frame1, pair.frame2, pair.flow, pair.face & pair.valid, actor.landmarks(onset).astype(np.float32)
    )


def _play(actor: Actor, clip: Clip, rng: np.random.Generator) -> tuple[FaceState, FaceState]:
    """Return the face at onset and apex."""
    actions = recipes.draw_actions(clip.emotion, rng)
    strength = actor.intensity(actions, log_uniform(rng, *PEAK_PX))
    begin = HeadPose(*rng.normal(0, TURNED))
    shown = {unit: strength * value for unit, value in actions.items()}
    return face_state({}, begin), face_state(shown, _drifted(begin, actor, rng))


def _drifted(pose: HeadPose, actor: Actor, rng: np.random.Generator) -> HeadPose:
    """Return the head's pose a little later."""
    cm = HEAD_PX * actor.scene.camera.distance / actor.scene.camera.focal
    turn, shift = rng.normal(0, HEAD_DEGREES, 3), rng.normal(0, cm, 2)
    return HeadPose(
        pose.yaw + turn[0],
        pose.pitch + turn[1],
        pose.roll + turn[2],
        tuple(pose.shift + np.array([*shift, 0.0])),
    )


def camera(subject: int) -> Sensor:
    """Return the camera of a subject: every fault, in a strength of its own.

    Every third one records grey.
    """
    rng = np.random.default_rng([subject, 2])

    def some(low: float, high: float) -> float:
        return log_uniform(rng, low, high)

    return Sensor(
        blur=some(0.3, 0.8),
        shot=some(2e-5, 4e-4),
        read=some(0.002, 0.01),
        drift=some(0.005, 0.03),
        slope=some(0.005, 0.02),
        jpeg=int(rng.integers(75, 96)),
        gray=subject % 3 == 0,
    )


@lru_cache(maxsize=1)
def _actor(subject: int, head_model: Path | None) -> Actor:
    """Return the person of a clip, cached: drawing a person takes as long as three frames."""
    seed = FIRST_PERSON + subject
    person = scanned_face(seed, _scans(head_model), split=None) if head_model else None
    return Actor(seed, SIZE, face=FACE, identity=person)


@lru_cache(maxsize=1)
def _scans(head_model: Path) -> HeadModel:
    return load_head_model(head_model)
