"""Record people who show the recipes of scanned_maps.py: what the bundle that ships is fitted on.

Real portraits and rendered scans are recorded by cameras like those of the datasets, found by the face mesh,
aligned, and read by the frozen flow network: the path of a real clip, with the errors of its estimate. Half a
second a pair.

The portraits are those that trained the flow network, so that the people of portrait_clips.py, on whom the
bundle is measured, stay unseen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from benchmarks.portrait_clips import SHARE, Pair, read_pairs, scale_motion
from benchmarks.rendered_people import MOVES
from benchmarks.scanned_maps import (
    FREQUENCY,
    LABELS,
    draw_actions,
    draw_company,
    draw_head_reach,
    personal_weights,
)
from data_prep.landmarks import interocular
from flow.estimate import Method
from flow.sampling import log_uniform
from flow.splatting.actor import Actor
from flow.splatting.camera import HeadPose
from flow.splatting.head import FaceState
from flow.splatting.head_model import HeadModel
from flow.splatting.identity import scanned_face
from flow.splatting.portrait_motion import (
    MARGIN_PX,
    FittedPortrait,
    dense_motion,
    frame_portrait,
    portrait_texture,
    warp_texture,
)
from flow.splatting.scanned_motion import random_turn
from flow.splatting.scanned_units import expression_weights
from flow.splatting.sensor import Sensor, record_clip

CLIPS_PER_PERSON = 6
# Inter-ocular distances, motion of the farthest point: micro-expressions, and in a fifth of the clips
# larger ones. No motion is larger than that of the scans.
MICRO, MACRO, MACRO_FRACTION = MOVES, (MOVES[1], 0.2), 0.2
RISE_S = (0.08, 0.3)  # from onset to apex
PORTRAIT_PX, ACTOR_PX = 320, 288  # sides of a frame; inter-ocular distances of 80 to 128 px, and of 90
ACTOR_FACE = 0.8  # of the frame's height from hairline to chin
# The engine's numbers of the first rendered scan, and of the first person with muscles made by hand.
FIRST_ACTOR, FIRST_STRANGER = 11_000_000, 12_000_000
EMOTIONS = tuple(label for label in LABELS if label != "other")
HEAD_RADIUS_CM = 8.0
TURNED = (5.0, 4.0, 2.0)  # degrees, standard deviations of a rendered head's pose at the onset

# Levels of the expression, 0 to 1 -> pictures (H, W, 3) float 0..1.
Performance = Callable[[Sequence[float]], list[np.ndarray]]


class Camera(NamedTuple):
    fps: int
    sensor: Sensor


@dataclass(frozen=True)
class Script:
    """What one clip shows.

    Attributes
    ----------
    kind : label, or one of `scanned_maps.OTHERS`
    parts : actions, and the motion of the point that they move farthest, inter-ocular distances
    head : inter-ocular distances, motion of the head
    """

    label: str
    kind: str
    parts: list[tuple[dict[str, float], float]]
    head: float


def portrait_pairs(model: HeadModel, face: FittedPortrait, person: int, method: Method) -> list[Pair]:
    """Record clips of a moved portrait and read them; `Pair.label` is the kind of motion."""
    rng = np.random.default_rng([0, person])
    return _read_clips(lambda script: perform_portrait(model, face, script, rng), rng, method)


def actor_pairs(model: HeadModel, person: int, method: Method) -> list[Pair]:
    """Record clips of a rendered head of the scans and read them; `Pair.label` is the kind of motion."""
    rng, seed = np.random.default_rng([1, person]), FIRST_ACTOR + person
    actor = Actor(seed, ACTOR_PX, face=ACTOR_FACE, identity=scanned_face(seed, model, split=None))
    return _read_clips(lambda script: perform_actor(actor, script, rng), rng, method)


def stranger_pairs(person: int, method: Method) -> list[Pair]:
    """Record emotions of a head of the engine's own and read them.

    Its muscles are made by hand, so that it moves unlike all that is fitted on, as real people do.
    """
    rng, seed = np.random.default_rng([2, person]), FIRST_STRANGER + person
    actor = Actor(seed, ACTOR_PX, face=ACTOR_FACE)
    return _read_clips(lambda script: perform_actor(actor, script, rng), rng, method, EMOTIONS)


def _read_clips(
    perform: Callable[[Script], Performance],
    rng: np.random.Generator,
    method: Method,
    labels: Sequence[str] = LABELS,
) -> list[Pair]:
    recorded = []
    for _ in range(CLIPS_PER_PERSON):
        script, camera = draw_script(rng, labels), draw_camera(rng)
        recorded.append((script.kind, record(camera, perform(script), rng)))
    return read_pairs(recorded, method)


def draw_script(rng: np.random.Generator, labels: Sequence[str] = LABELS) -> Script:
    """Draw what one clip shows, one of `labels` at their frequencies."""
    frequencies = np.array([FREQUENCY[label] for label in labels])
    label = str(rng.choice(labels, p=frequencies / frequencies.sum()))
    kind, actions = draw_actions(label, rng)
    reach = log_uniform(rng, *(MACRO if rng.uniform() < MACRO_FRACTION else MICRO))
    company = [(others, share * reach) for others, share in draw_company(kind, rng)]
    return Script(label, kind, [(actions, reach), *company], draw_head_reach(kind, rng) * reach)


def draw_camera(rng: np.random.Generator) -> Camera:
    """Draw a camera: grey at 200 fps (SAMM), colour at 100 (SMIC), or compressed video at 30."""
    faults = Sensor(
        blur=log_uniform(rng, 0.3, 0.9) * (rng.uniform() < 0.5),
        shot=log_uniform(rng, 1e-5, 4e-4),
        read=log_uniform(rng, 0.001, 0.01),
        drift=log_uniform(rng, 0.001, 0.02),
        slope=log_uniform(rng, 0.002, 0.02) * (rng.uniform() < 0.3),
    )
    quality, crf = int(rng.integers(80, 98)), int(rng.integers(16, 29))
    return [
        Camera(200, replace(faults, gray=True, jpeg=quality)),
        Camera(100, replace(faults, jpeg=quality)),
        Camera(30, replace(faults, h264=crf)),
    ][rng.integers(3)]


def record(camera: Camera, perform: Performance, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return onset and apex (H, W, 3) uint8; a video coder sees the frames around and between them, too."""
    steps = max(1, round(camera.fps * rng.uniform(*RISE_S)))
    if not camera.sensor.h264:
        onset, apex = record_clip(perform([0.0, 1.0]), camera.sensor, rng, [0, steps])
        return onset, apex
    rise = (1 - np.cos(np.pi * np.arange(steps + 1) / steps)) / 2
    frames = record_clip(perform([0.0, *rise, 1.0]), camera.sensor, rng)
    return frames[1], frames[-2]


def perform_portrait(
    model: HeadModel, face: FittedPortrait, script: Script, rng: np.random.Generator
) -> Performance:
    """Return the performance of a portrait."""
    view = frame_portrait(
        face, PORTRAIT_PX, rng.uniform(*SHARE), rng.normal(0, 0.05), rng.uniform(-0.03, 0.03, 2)
    )
    weights = [expression_weights(model, actions) for actions, _ in script.parts]
    if script.label != "other":
        weights[0] = personal_weights(weights[0], rng)
    shapes = np.tensordot(np.array(weights, np.float32), model.skin_expression, 1)
    motions = [*(face.fit.project(shape) for shape in shapes), random_turn(rng, face.fit)]
    field, _ = dense_motion(model, face, view, np.concatenate(motions, axis=1))
    *parts, head = np.split(field, len(motions), axis=2)
    flow = scale_motion(head, view.unit * script.head)
    for part, (_, reach) in zip(parts, script.parts):
        flow = flow + scale_motion(part, view.unit * reach, as_scanned=True)
    texture = portrait_texture(face, view, MARGIN_PX)

    def pictures(levels: Sequence[float]) -> list[np.ndarray]:
        warped = {level: warp_texture(texture, MARGIN_PX, level * flow)[1] / 255 for level in set(levels)}
        return [warped[level] for level in levels]

    return pictures


def perform_actor(actor: Actor, script: Script, rng: np.random.Generator) -> Performance:
    """Return the performance of a rendered person."""
    unit = interocular(actor.landmarks())
    shown: dict[str, float] = {}
    for actions, reach in script.parts:
        factor = np.sign(reach) * min(1.0, actor.intensity(actions, abs(reach) * unit))
        shown |= {name: shown.get(name, 0.0) + factor * value for name, value in actions.items()}
    begin = HeadPose(*rng.normal(0, TURNED))
    cm = script.head * unit * actor.scene.camera.distance / actor.scene.camera.focal
    turn, shift = np.degrees(cm / HEAD_RADIUS_CM) * rng.normal(0, 0.5, 3), cm * rng.normal(0, 0.5, 3)

    def picture(level: float) -> np.ndarray:
        yaw, pitch, roll = np.array([begin.yaw, begin.pitch, begin.roll]) + level * turn
        x, y, z = level * shift
        pose = HeadPose(yaw, pitch, roll, (x, y, z))
        return actor.scene.view(FaceState({k: level * v for k, v in shown.items()}, pose=pose)).picture

    def pictures(levels: Sequence[float]) -> list[np.ndarray]:
        drawn = {level: picture(level) for level in set(levels)}
        return [drawn[level] for level in levels]

    return pictures
