"""The motion between two frames of one face: aligned by the first, estimated as a bundle wants it, the
head's share taken off.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from data_prep.align import fit_similarity, transform_points, warp_face
from data_prep.landmarks import interocular
from flow.estimate import estimate
from mer.bundle import Recipe
from mer.inference import models
from mer.inference.face_tracker import landmarks_near
from mer.inference.head_motion import POINTS, Dense, basis, sample, without_head
from mer.inference.site_motion import PER_CENT, at_sites, strength
from mer_core.errors import NothingToScore


class Measured(NamedTuple):
    """What lies between an onset and an apex.

    faces : two (S, S, 3) uint8 RGB, aligned by `matrix` (2, 3), from frame px
    landmarks : (478, 2) px of the onset; own : (S, S, 2) float32 px, flow without the head's; taken : what
    the bundle reads
    points, motion : (468, 2) px, the landmarks and their own motion
    far : of the sites that move most, per cent of the inter-ocular distance
    """

    faces: list[np.ndarray]
    matrix: np.ndarray
    landmarks: np.ndarray
    own: np.ndarray
    taken: np.ndarray
    points: np.ndarray
    motion: np.ndarray
    far: float


def measure(images: Sequence[np.ndarray], box: np.ndarray, recipe: Recipe) -> Measured:
    """From onset and apex, (H, W, 3) uint8 RGB each, and the face's box in the onset (left, top, right,
    bottom).

    Raises `NothingToScore` if the face is not found there.
    """
    points = landmarks_near(images[0], box)
    if points is None:
        raise NothingToScore("No face is found in the onset. Give another frame.")
    matrix = fit_similarity(points, recipe.face_size)
    faces = [warp_face(image, matrix, recipe.face_size) for image in images]
    landmarks = transform_points(points, matrix)
    method = models.method(recipe.method, recipe.method_options)
    onset, apex = faces
    flow = estimate(method, onset, apex, landmarks, match_exposure=recipe.match_exposure)
    return between(faces, matrix, landmarks, flow, recipe.remove_head_motion)


def between(
    faces: list[np.ndarray],
    matrix: np.ndarray,
    landmarks: np.ndarray,
    flow: np.ndarray,
    remove_head_motion: bool,
) -> Measured:
    """The same, from a flow (S, S, 2) px that is there already."""
    head = Dense(landmarks, flow.shape[:2])
    own = head.own(flow)
    motion = head.without_head(sample(flow, head.points))
    return Measured(
        faces,
        matrix,
        landmarks,
        own,
        own if remove_head_motion else flow,
        head.points,
        motion,
        farthest(motion, landmarks),
    )


def farthest(motion: np.ndarray, landmarks: np.ndarray) -> float:
    """How far the sites that move most do, per cent of the inter-ocular distance, from the own motion (468,
    2) px of landmarks (478, 2) px.
    """
    return float(strength(at_sites(motion)) / interocular(landmarks) * PER_CENT)


def range_of_motion(clips: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """The least and the greatest `Measured.far` of clips, each a flow (S, S, 2) px and landmarks (478, 2)
    px, to two digits outwards.
    """
    found = []
    for flow, landmarks in clips:
        points = landmarks[:POINTS].astype(float)
        found.append(farthest(without_head(basis(points), sample(flow, points)), landmarks))
    return math.floor(min(found) * 100) / 100, math.ceil(max(found) * 100) / 100
