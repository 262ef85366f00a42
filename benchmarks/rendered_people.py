"""Onset and apex of people who do not exist, seen as `mer score` sees a clip: what the bundle that ships is
calibrated and measured on.

Each pair is rendered, found by the face mesh, aligned by its onset, and measured by the flow method; nothing
of the truth is used but the label. Emotions are drawn as sets of action units (flow/splatting/recipes.py).
"""

import functools
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from flow.sampling import log_uniform
from mer_core import parallel

LABELS = {
    "negative": ("disgust", "anger", "sadness", "fear", "contempt", "repression"),
    "positive": ("happiness",),
    "surprise": ("surprise",),
}
REST = "rest"  # nothing but noise, head motion and a blink: what must not be named
FRAME, FACE = 300, 224  # px
MOVES = (0.006, 0.06)  # inter-ocular distances, motion of the farthest point, evenly spread in its logarithm
TURN = 0.4  # degrees, deviation of the head's turn from onset to apex, in each direction
POSE = 6.0  # degrees, deviation of the pose at the onset
TIMES_PER_LABEL = 2


class Pair(NamedTuple):
    """One pair: who (seed), what label, flow (FACE, FACE, 2) float32 px from onset to apex, landmarks (478,
    2) of the onset.
    """

    person: int
    label: str
    flow: np.ndarray
    landmarks: np.ndarray


def pairs(people: range, method: str = "srflownet", jobs: int = 1) -> Iterator[Pair]:
    """Every person shows each label `TIMES_PER_LABEL` times and is at rest as often. The same people give the
    same pairs.
    """
    work = functools.partial(of_person, method=method)
    for found in parallel.map_items(work, people, "People", jobs=jobs, ordered=True):
        yield from found


def of_person(person: int, method: str = "srflownet") -> list[Pair]:
    """The pairs of one person; none if the face mesh does not find the face."""
    from data_prep.align import fit_similarity, transform_points, warp_face
    from data_prep.landmarks import EYE_CORNERS
    from flow.estimate import estimate_batch
    from flow.splatting.actor import Actor
    from flow.splatting.camera import Pose
    from flow.splatting.recipes import draw
    from flow.splatting.sensor import random_sensor

    rng = np.random.default_rng([person, 70])
    actor, sensor = Actor(person, FRAME, face=rng.uniform(0.6, 0.85)), random_sensor(rng)
    facing = rng.normal(0, [POSE, POSE / 2, POSE / 2])
    onset = actor.frame(head=Pose(*facing), sensor=sensor, rng=rng)
    points = _mesh().landmarks(onset)
    if points is None:
        return []
    matrix = fit_similarity(points, FACE)
    eyes = actor.landmarks()
    unit = np.linalg.norm(eyes[list(EYE_CORNERS[0])].mean(0) - eyes[list(EYE_CORNERS[1])].mean(0))
    labels = [label for label in (*LABELS, REST) for _ in range(TIMES_PER_LABEL)]
    apexes = []
    for number, label in enumerate(labels, start=1):
        actions = draw(str(rng.choice(LABELS[label])), rng) if label != REST else {}
        strength = actor.intensity(actions, unit * log_uniform(rng, *MOVES)) if actions else 0.0
        turn = facing + rng.normal(0, TURN, 3)
        blink = rng.uniform(0.1, 1.0) if rng.uniform() < 0.15 else 0.0
        shown = {unit: strength * share for unit, share in actions.items()}
        frame = actor.frame(
            shown,
            head=Pose(*turn),
            blink=blink,
            gaze=tuple(rng.normal(0, 1.5, 2)),
            sensor=sensor,
            number=number,
            rng=rng,
        )
        apexes.append(warp_face(frame, matrix, FACE))
    flows = estimate_batch(
        _method(method), np.stack([warp_face(onset, matrix, FACE)] * len(apexes)), np.stack(apexes)
    )
    landmarks = transform_points(points, matrix)
    return [Pair(person, label, flow, landmarks) for label, flow in zip(labels, flows)]


@lru_cache
def _mesh():
    """The face mesh of this process: loading it takes longer than a person."""
    from data_prep.landmarks import FaceMesh

    return FaceMesh()


@lru_cache
def _method(name: str):
    from flow.estimate import load_method

    return load_method(name)
