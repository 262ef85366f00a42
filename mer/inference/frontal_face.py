"""The face as a camera in front of it sees it: positions of its parts once the head's pose is removed."""

from collections.abc import Iterable

import numpy as np

from data_prep.face_regions import SITES
from mer.inference import eyes
from mer.inference.head_motion import RIGID, Pose, fit_pose, mean_face
from mer.inference.site_motion import PER_CENT

MOUTH = (61, 291, 13, 14)  # corners (right, left), inner edges of the lips (upper, lower)
LID_POINTS = [point for lids in eyes.LIDS for lid in lids for point in lid]
SITE_POINTS = [point for points, _ in SITES.values() for point in points]
STORED_POINTS = np.unique([*RIGID, *MOUTH, *LID_POINTS, *SITE_POINTS])  # landmarks stored of each frame
RIGID_ROWS = np.searchsorted(STORED_POINTS, RIGID)
CHUNK = 2000  # frames whose poses are fitted together, which bounds the memory


def pose_and_frontal_points(points: np.ndarray) -> tuple[Pose, np.ndarray]:
    """Fit the pose of the head in each frame, and remove it from the landmarks.

    The pose is fitted to the mean face first, then to the person's.

    Parameters
    ----------
    points : (n, k, 2) px
        The `STORED_POINTS` of each frame.

    Returns
    -------
    pose : Pose
    frontal : (n, k, 2) inter-ocular distances
    """
    face = mean_face()[STORED_POINTS].copy()
    for _ in range(2):
        starts = range(0, max(len(points), 1), CHUNK)
        poses = [fit_pose(face[RIGID_ROWS], points[i : i + CHUNK][:, RIGID_ROWS]) for i in starts]
        pose = Pose(*map(np.concatenate, zip(*poses)))
        frontal = pose.frontal(points, face[:, 2])
        if len(points):
            face[:, :2] = np.median(frontal, axis=0)
    return pose, frontal


def _mean_position(frontal: np.ndarray, points: Iterable[int]) -> np.ndarray:
    """Return the mean of some landmarks, (n, 2) per cent of the inter-ocular distance."""
    return frontal[:, np.searchsorted(STORED_POINTS, list(points))].mean(1) * PER_CENT


def site_positions(frontal: np.ndarray) -> np.ndarray:
    """Return the position of each site, (n, 17, 2) per cent of the inter-ocular distance."""
    return np.stack([_mean_position(frontal, points) for points, _ in SITES.values()], axis=1)


def lid_distances(frontal: np.ndarray) -> np.ndarray:
    """Return the distance of the lids of both eyes, (n, 2) per cent of the inter-ocular distance."""
    gaps = [_mean_position(frontal, upper) - _mean_position(frontal, lower) for upper, lower in eyes.LIDS]
    return np.linalg.norm(np.stack(gaps, axis=1), axis=2)


def mouth_shape(frontal: np.ndarray) -> np.ndarray:
    """Return opening, height of the corners, width and tilt of the mouth, (n, 4); see `Track.mouth`."""
    right, left, upper, lower = (_mean_position(frontal, [point]) for point in MOUTH)
    corners = (right + left) / 2 - (upper + lower) / 2
    return np.stack(
        [(lower - upper)[:, 1], corners[:, 1], (left - right)[:, 0], (right - left)[:, 1]], axis=1
    )
