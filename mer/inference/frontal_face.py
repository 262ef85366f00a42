"""The face turned to the front: where its parts are once the pose of the head is taken out."""

from collections.abc import Iterable

import numpy as np

from data_prep.face_regions import SITES
from mer.inference import eyes
from mer.inference.head_motion import RIGID, Pose, fit_pose, mean_face
from mer.inference.site_motion import PER_CENT

MOUTH = (61, 291, 13, 14)  # corners (right, left), inner edges of the lips (upper, lower)
LID_POINTS = [point for lids in eyes.LIDS for lid in lids for point in lid]
SITE_POINTS = [point for points, _ in SITES.values() for point in points]
KEPT = np.unique([*RIGID, *MOUTH, *LID_POINTS, *SITE_POINTS])  # landmarks that are kept of each frame
RIGID_ROWS = np.searchsorted(KEPT, RIGID)
CHUNK = 2000  # frames whose pose is fitted at once


def pose_and_frontal_points(points: np.ndarray) -> tuple[Pose, np.ndarray]:
    """Pose of the head, and the points (n, k, 2) of each frame on the face turned to the front, inter-ocular
    distances.

    The first fit takes the mean face, the second the person's own.
    """
    face = mean_face()[KEPT].copy()
    for _ in range(2):
        starts = range(0, max(len(points), 1), CHUNK)
        poses = [fit_pose(face[RIGID_ROWS], points[i : i + CHUNK][:, RIGID_ROWS]) for i in starts]
        pose = Pose(*map(np.concatenate, zip(*poses)))
        frontal = pose.frontal(points, face[:, 2])
        if len(points):
            face[:, :2] = np.median(frontal, axis=0)
    return pose, frontal


def _at(frontal: np.ndarray, points: Iterable[int]) -> np.ndarray:
    """Mean of some landmarks, (n, 2) per cent of the inter-ocular distance."""
    return frontal[:, np.searchsorted(KEPT, list(points))].mean(1) * PER_CENT


def site_positions(frontal: np.ndarray) -> np.ndarray:
    """Position of each site, (n, 17, 2) per cent of the inter-ocular distance."""
    return np.stack([_at(frontal, points) for points, _ in SITES.values()], axis=1)


def lid_distances(frontal: np.ndarray) -> np.ndarray:
    """Distance of the lids of both eyes, (n, 2) per cent of the inter-ocular distance."""
    return np.stack(
        [np.linalg.norm(_at(frontal, upper) - _at(frontal, lower), axis=1) for upper, lower in eyes.LIDS],
        axis=1,
    )


def mouth_shape(frontal: np.ndarray) -> np.ndarray:
    """Opening, height of the corners under the middle of the lips, width, tilt: (n, 4), see `Track`."""
    right, left, upper, lower = (_at(frontal, [point]) for point in MOUTH)
    corners = (right + left) / 2 - (upper + lower) / 2
    return np.stack(
        [(lower - upper)[:, 1], corners[:, 1], (left - right)[:, 0], (right - left)[:, 1]], axis=1
    )
