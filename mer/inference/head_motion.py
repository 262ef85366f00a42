"""The head's rigid motion, from parts of the face that lie on bone.

These are nose bridge, temples, cheekbones and eye corners. Jaw, lips, cheeks and brows never count.
`fit_pose` fits the pose in each frame to landmarks; `fit_head_motion` fits the six small motions between two
frames to their flow. How far a turn of the head moves a point depends on its depth, which comes from the
engine's mean face.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from data_prep.landmarks import interocular
from flow.splatting.template import template

POINTS = 468  # the mesh without the irises, which follow the gaze
# Nose bridge and flanks; eye corners; temples; cheekbones in front of the ears.
RIGID = (
    *(168, 6, 197, 195, 5, 4, 8, 9, 193, 417, 122, 351, 196, 419, 3, 248),
    *(236, 456, 174, 399, 188, 412, 114, 343),
    *(33, 133, 362, 263, 35, 265),
    *(127, 356, 162, 389, 21, 251, 71, 301, 139, 368, 34, 264, 143, 372),
    *(234, 454, 227, 447, 116, 345),
)  # fmt: skip
RIGID_ROWS = np.array(RIGID)
N_ROUNDS = 6  # of the robust fits
MIN_SCALE = 0.002  # inter-ocular distances; smaller residuals are never outliers
DEPTH_STEP = 4  # px between the points at which the depth of a dense map is computed
FULL_WEIGHT_PX = 3.0  # distance within which a landmark counts in full for that depth
EDGE = 0.08  # inter-ocular distances over which the motion fades out around the face


@lru_cache(maxsize=1)
def mean_face() -> np.ndarray:
    """Return the mean face (468, 3) in inter-ocular distances, x right, y down, z away from the viewer."""
    points = template().mean
    return points[:POINTS] / interocular(points[:, :2])


def fit_camera(points: np.ndarray) -> np.ndarray:
    """Fit the affine camera (2, 3), px per inter-ocular distance, that maps the mean face to points."""
    face = mean_face() - mean_face().mean(0)
    return np.linalg.lstsq(face, points - points.mean(0), rcond=None)[0].T


def head_motion_basis(points: np.ndarray) -> np.ndarray:
    """Return the motion of each point under each of the head's six small motions.

    The mean face is fitted to the points first, so depths are right for a turned head too.

    Parameters
    ----------
    points : (468, 2) px

    Returns
    -------
    (468, 2, 6) px per unit
        Units: shift right and down in px; yaw, pitch and roll in radians; growth as a fraction.
    """
    across, down = fit_camera(points)
    scale = np.sqrt(np.linalg.norm(across) * np.linalg.norm(down))
    z = (mean_face() - mean_face().mean(0)) @ np.cross(across, down) / scale
    x, y = (points - points.mean(0)).T
    one, zero = np.ones_like(x), np.zeros_like(x)
    return np.stack(
        [np.stack([one, zero, z, zero, -y, x], -1), np.stack([zero, one, zero, -z, x, y], -1)], axis=1
    )


def fit_head_motion(basis: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Fit the head's six motions to the motion of the rigid points.

    Least squares, reweighted with Cauchy weights around the median residual.

    Parameters
    ----------
    basis : (468, 2, 6)
        As `head_motion_basis` returns it.
    motion : (468, 2) px

    Returns
    -------
    (6,) in the units of the basis
    """
    columns, target = basis[RIGID_ROWS].reshape(-1, 6), motion[RIGID_ROWS].reshape(-1)
    weights = np.ones(len(RIGID))
    for _ in range(N_ROUNDS):
        weighted = columns * np.repeat(weights, 2)[:, None]
        head = np.linalg.solve(weighted.T @ columns, weighted.T @ target)
        residual = np.linalg.norm((target - columns @ head).reshape(-1, 2), axis=1)
        weights = 1 / (1 + (residual / max(1.5 * np.median(residual), 1e-6)) ** 2)
    return head


def subtract_head_motion(basis: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Return the motion (468, 2) px of the points without that of the head."""
    return motion - basis @ fit_head_motion(basis, motion)


class Pose(NamedTuple):
    """Pose of the head in n frames, under scaled orthographic projection.

    A point of the face lies at `scale * (rotation @ point)[:2] + shift` in the picture.

    Attributes
    ----------
    rotation : (n, 3, 3)
    scale : (n,) px per inter-ocular distance
    shift : (n, 2) px
    """

    rotation: np.ndarray
    scale: np.ndarray
    shift: np.ndarray

    def angles(self) -> np.ndarray:
        """Return yaw, pitch and roll, (n, 3) degrees."""
        from scipy.spatial.transform import Rotation

        return Rotation.from_matrix(self.rotation).as_euler("yxz", degrees=True)

    def frontal(self, points: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Return points (n, k, 2) px as a camera in front of the face would see them.

        Parameters
        ----------
        points : (n, k, 2) px
        depth : (k,) inter-ocular distances
            The z of each point on the face.

        Returns
        -------
        (n, k, 2) inter-ocular distances
        """
        centred = (points - self.shift[:, None]) / self.scale[:, None, None]
        centred -= depth[None, :, None] * self.rotation[:, None, :2, 2]
        return np.einsum("nij,nkj->nki", np.linalg.inv(self.rotation[:, :2, :2]), centred)


def fit_pose(face: np.ndarray, points: np.ndarray) -> Pose:
    """Fit the pose of each frame to its rigid points, robustly.

    Parameters
    ----------
    face : (k, 3) inter-ocular distances
        Rigid points of the person's face.
    points : (n, k, 2) px
    """
    weights = np.ones(points.shape[:2])
    for _ in range(N_ROUNDS):
        pose = _weighted_pose(face, points, weights)
        projected = pose.scale[:, None, None] * (face @ pose.rotation[:, :2].transpose(0, 2, 1))
        residual = np.linalg.norm(points - projected - pose.shift[:, None], axis=2) / pose.scale[:, None]
        spread = np.maximum(1.5 * np.median(residual, axis=1, keepdims=True), 2 * MIN_SCALE)
        weights = 1 / (1 + (residual / spread) ** 2)
    return pose


def _weighted_pose(face: np.ndarray, points: np.ndarray, weights: np.ndarray) -> Pose:
    """Return the affine camera of each frame by least squares, and the rotation nearest to it."""
    weights = weights / weights.sum(1, keepdims=True)
    face_mean = weights @ face
    points_mean = np.einsum("nk,nkd->nd", weights, points)
    a, b = face[None] - face_mean[:, None], points - points_mean[:, None]
    gram = np.einsum("nk,nki,nkj->nij", weights, a, a)
    affine = np.linalg.solve(gram, np.einsum("nk,nki,nkj->nij", weights, a, b)).transpose(0, 2, 1)
    u, s, vt = np.linalg.svd(affine, full_matrices=False)
    rows, scale = u @ vt, s.mean(1)
    rotation = np.concatenate([rows, np.cross(rows[:, 0], rows[:, 1])[:, None]], axis=1)
    return Pose(rotation, scale, points_mean - scale[:, None] * np.einsum("nij,nj->ni", rows, face_mean))


def sample(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Interpolate `picture` (H, W[, C]) float32 at points (N, 2) px: (N[, C]); the border is repeated."""
    import cv2

    x, y = np.ascontiguousarray(points.T, np.float32)
    values = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return values.reshape(len(points), *picture.shape[2:])  # OpenCV 4 returns a column, OpenCV 5 a row


def _mean_depth(points: np.ndarray, depth: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the mean depth of points (N, 2) px, weighted by nearness, every `DEPTH_STEP` px of a shape."""
    rows, columns = (np.arange(0, side, DEPTH_STEP, dtype=np.float32) for side in shape)
    squared_x = (columns[:, None] - points[:, 0]) ** 2
    means = []
    for row in rows:  # one by one: all at once take 50 MB
        nearness = 1 / (squared_x + (row - points[:, 1]) ** 2 + FULL_WEIGHT_PX**2) ** 2
        means.append(nearness @ depth / nearness.sum(-1))
    return np.array(means, np.float32)


class DenseHeadMotion:
    """The head's motion at every pixel of an aligned face.

    The depth of a pixel is the mean depth of the landmarks, weighted by nearness. The motion fades out around
    the face, because hair and background move otherwise.

    Parameters
    ----------
    landmarks : (478, 2) px
        Of the onset.
    shape : (int, int)
        Height and width, px.
    """

    def __init__(self, landmarks: np.ndarray, shape: tuple[int, ...]):
        import cv2

        self.points = landmarks[:POINTS].astype(float)
        self.basis = head_motion_basis(self.points)
        middle = self.points.mean(0)
        y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        depth = _mean_depth(self.points, self.basis[:, 0, 2], shape)
        self.x, self.y = x - middle[0].astype(np.float32), y - middle[1].astype(np.float32)
        self.z = cv2.remap(
            depth, x / DEPTH_STEP, y / DEPTH_STEP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        hull = cv2.convexHull(np.rint(self.points).astype(np.int32))
        inside = cv2.fillConvexPoly(np.zeros(shape, np.float32), hull, 1.0)
        self.face = cv2.GaussianBlur(inside, (0, 0), EDGE * interocular(landmarks))

    def subtract(self, flow: np.ndarray) -> np.ndarray:
        """Return flow (H, W, 2) px without the head's motion: (H, W, 2) float32 px, 0 away from the face."""
        right, down, yaw, pitch, roll, growth = fit_head_motion(self.basis, sample(flow, self.points))
        u = flow[..., 0] - (right + yaw * self.z - roll * self.y + growth * self.x)
        v = flow[..., 1] - (down - pitch * self.z + roll * self.x + growth * self.y)
        return (np.stack([u, v], axis=-1) * self.face[..., None]).astype(np.float32)
