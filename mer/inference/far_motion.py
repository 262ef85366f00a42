"""Flow between two faces that are far apart: the landmarks bring them together before flow refines.

A network for micro-expressions finds motion of a few pixels; a laugh or a moving head goes beyond. Landmarks
are known to about a pixel wherever they lie.
"""

import cv2
import numpy as np

from data_prep.align import fit_similarity, transform_points
from flow.estimate import Method, estimate
from flow.warp import pixel_grid, warp
from mer.inference.head_motion import POINTS

SMOOTH_PX = 2.0  # standard deviation of the blur that rounds the creases between triangles of the mesh
N_EDGE, MARGIN = 5, 0.5  # points along each side around the face, and how far outside, sides of the face


def estimate_far_flow(
    method: Method,
    faces: list[np.ndarray],
    landmarks: np.ndarray,
    apex_landmarks: np.ndarray,
    match_exposure: bool,
) -> np.ndarray:
    """Estimate the flow from onset to apex, (S, S, 2) float32 px.

    Parameters
    ----------
    method : Method
    faces : two (S, S, 3) uint8 RGB
        Onset and apex, aligned alike.
    landmarks, apex_landmarks : (478, 2) px
        Of onset and apex.
    match_exposure : bool
    """
    coarse = interpolate_motion(landmarks, apex_landmarks, faces[0].shape[:2])
    fine = estimate(method, faces[0], warp(faces[1], coarse), landmarks, match_exposure=match_exposure)
    places = pixel_grid(fine.shape, np.float32) + fine
    return fine + cv2.remap(coarse, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def interpolate_motion(onset: np.ndarray, apex: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Interpolate the motion of landmarks (478, 2) px, (H, W, 2) float32 px; around the face, the head's."""
    from scipy.interpolate import LinearNDInterpolator

    size = max(shape)
    edge = np.linspace(-MARGIN * size, (1 + MARGIN) * size, N_EDGE)
    square = np.array([(x, y) for x in edge for y in edge])
    around = square[(np.abs(square - size / 2).max(1) > size / 2)]
    to_head, from_head = fit_similarity(onset, size), cv2.invertAffineTransform(fit_similarity(apex, size))
    moved = transform_points(transform_points(around, to_head), from_head)
    places = np.concatenate([onset[:POINTS], around])
    motion = np.concatenate([(apex - onset)[:POINTS], moved - around])
    coarse = LinearNDInterpolator(places, motion)(pixel_grid(shape)).astype(np.float32)
    return cv2.GaussianBlur(coarse, (0, 0), SMOOTH_PX)
