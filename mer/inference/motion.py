"""The motion between two frames of one face, aligned by the first, with the head's motion subtracted."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from data_prep.align import fit_similarity, transform_points, warp_face
from data_prep.landmarks import interocular
from flow.estimate import estimate
from mer.inference import models
from mer.inference.face_tracker import landmarks_near
from mer.inference.far_motion import estimate_far_flow
from mer.inference.head_motion import (
    POINTS,
    DenseHeadMotion,
    head_motion_basis,
    sample,
    subtract_head_motion,
)
from mer.inference.site_motion import PER_CENT, at_sites, strength
from mer.inference.track import Track
from mer.recipe import Recipe
from mer_core.errors import NothingToScore

# A face moves less between spotted than between annotated frames: .83 to .94 times as much on ten rendered
# clips. Without this factor a bundle would refuse the weakest of its own training clips.
SPOTTED_MOTION_RATIO = 1.25
# %: motion of face or head from which flow is less wrong if landmarks begin it (docs/results/far-motion.md).
FAR = 10.0


class FacialMotion(NamedTuple):
    """Motion between two frames without that of the head.

    Attributes
    ----------
    flow : (S, S, 2) float32 px
    points : (468, 2) px
        Motion of the landmarks.
    strength : float
        See `motion_strength`.
    """

    flow: np.ndarray
    points: np.ndarray
    strength: float


class AlignedPair(NamedTuple):
    """Onset and apex, aligned by the onset.

    Attributes
    ----------
    faces : two (S, S, 3) uint8 RGB
    matrix : (2, 3)
        From px of the frame to px of the aligned face.
    landmarks : (478, 2) px
        Of the aligned onset.
    apex_landmarks : (478, 2) px or None
        Of the aligned apex, if the two are far apart.
    """

    faces: list[np.ndarray]
    matrix: np.ndarray
    landmarks: np.ndarray
    apex_landmarks: np.ndarray | None = None


class PairMotion(NamedTuple):
    """What lies between an onset and an apex.

    Attributes
    ----------
    input_flow : (S, S, 2) float32 px
        The flow that the bundle reads.
    facial : FacialMotion
    """

    input_flow: np.ndarray
    facial: FacialMotion


def align_moment(
    images: dict[int, np.ndarray], track: Track, rows: Sequence[int], face_size: int
) -> AlignedPair:
    """Align onset and apex, two rows of a track; `images` holds their frames by number."""
    onset, apex = rows
    pair = [images[int(track.number[row])] for row in rows]
    needs_landmarks = _are_far_apart(track, onset, apex) and track.is_comparable(np.array([onset]), apex)[0]
    apex_box = track.box[apex] if needs_landmarks else None
    return align_pair(pair, track.box[onset], face_size, apex_box)


def _are_far_apart(track: Track, onset: int, apex: int) -> bool:
    face = float(strength(track.sites[apex] - track.sites[onset]))
    return max(face, track.head_motion(onset, apex)) > FAR


def align_pair(
    images: Sequence[np.ndarray], box: np.ndarray, face_size: int, apex_box: np.ndarray | None = None
) -> AlignedPair:
    """Align two frames.

    Parameters
    ----------
    images : two (H, W, 3) uint8 RGB
        Onset and apex.
    box : (4,) px
        The face in the onset: left, top, right, bottom.
    face_size : int
        Side S of the aligned face, px.
    apex_box : (4,) px or None
        The face in the apex, if it is far from the onset.

    Raises
    ------
    NothingToScore
        If no face is found in the box.
    """
    points = landmarks_near(images[0], box)
    if points is None:
        raise NothingToScore("No face is found in the onset. Give another frame.")
    matrix = fit_similarity(points, face_size)
    faces = [warp_face(image, matrix, face_size) for image in images]
    apex_points = None if apex_box is None else landmarks_near(images[1], apex_box)
    return AlignedPair(
        faces,
        matrix,
        transform_points(points, matrix),
        None if apex_points is None else transform_points(apex_points, matrix),
    )


def measure_pair(aligned: AlignedPair, recipe: Recipe) -> PairMotion:
    """Measure the motion between two aligned frames as the bundle of this recipe needs it.

    If they are far apart, the flow that the bundle reads remains that of its training; regions and action
    units are measured on a flow that landmarks begin.
    """
    clip_input = recipe.clip_input
    method = models.get_method(clip_input.method, recipe.method_options)
    onset, apex = aligned.faces
    flow = estimate(method, onset, apex, aligned.landmarks, match_exposure=clip_input.match_exposure)
    facial = subtract_head(flow, aligned.landmarks)
    input_flow = facial.flow if recipe.remove_head_motion else flow
    if aligned.apex_landmarks is not None:
        far_flow = estimate_far_flow(
            method, aligned.faces, aligned.landmarks, aligned.apex_landmarks, clip_input.match_exposure
        )
        facial = subtract_head(far_flow, aligned.landmarks)
    return PairMotion(input_flow, facial)


def subtract_head(flow: np.ndarray, landmarks: np.ndarray) -> FacialMotion:
    """Subtract the head's motion from flow (S, S, 2) px; `landmarks` (478, 2) px are those of the onset."""
    head = DenseHeadMotion(landmarks, flow.shape[:2])
    points = subtract_head_motion(head.basis, sample(flow, head.points))
    return FacialMotion(head.subtract(flow), points, motion_strength(points, landmarks))


def motion_strength(point_motion: np.ndarray, landmarks: np.ndarray) -> float:
    """Return the motion of the sites that move most, per cent of the inter-ocular distance.

    Parameters
    ----------
    point_motion : (468, 2) px
        Motion of the landmarks without the head's.
    landmarks : (478, 2) px
    """
    return float(strength(at_sites(point_motion)) / interocular(landmarks) * PER_CENT)


def strength_range(clips: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """Return the least and the greatest strength of clips, widened by what spotting the frames costs.

    Parameters
    ----------
    clips : pairs of flow (S, S, 2) px and landmarks (478, 2) px

    Returns
    -------
    (float, float)
        Per cent of the inter-ocular distance, rounded outwards to two digits.
    """
    strengths = []
    for flow, landmarks in clips:
        points = landmarks[:POINTS].astype(float)
        point_motion = subtract_head_motion(head_motion_basis(points), sample(flow, points))
        strengths.append(motion_strength(point_motion, landmarks))
    low, high = min(strengths) / SPOTTED_MOTION_RATIO, max(strengths) * SPOTTED_MOTION_RATIO
    return math.floor(low * 100) / 100, math.ceil(high * 100) / 100
