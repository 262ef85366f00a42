"""The head's rigid motion, from parts of the face that sit on bone: nose bridge, temples, cheekbones, eye
corners.

Jaw, lips, cheeks and brows never count, whatever they do. `fit_pose` fits the pose in each frame to
landmarks; `fit` fits the six small motions between two frames to their flow. A shift in the picture depends
on how far a point sticks out, so the points' depth comes from the engine's mean face.
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
ROUNDS = 6  # of the robust fits
MIN_SCALE = 0.002  # inter-ocular distances: residuals below are never outliers
COARSE, NEAR = (
    4,
    3.0,
)  # px between places where depth is interpolated; px within which a landmark counts in full
EDGE = 0.08  # over how much of the inter-ocular distance the motion fades out around the face


@lru_cache(maxsize=1)
def mean_face() -> np.ndarray:
    """Return the mean face (468, 3) in inter-ocular distances, x right, y down, z away from the viewer."""
    points = template().mean
    return points[:POINTS] / interocular(points[:, :2])


def camera(points: np.ndarray) -> np.ndarray:
    """Return the affine camera (2, 3), px per inter-ocular distance, that maps the mean face to (468, 2)
    px.
    """
    face = mean_face() - mean_face().mean(0)
    return np.linalg.lstsq(face, points - points.mean(0), rcond=None)[0].T


def basis(points: np.ndarray) -> np.ndarray:
    """Return what each point moves by for each of the head's six small motions: (468, 2, 6) px per unit.

    points : (468, 2) px. Units: shift right and down, px; yaw, pitch, roll, radian; growth, a fraction.
    The mean face is laid on the points first, so that a head already turned has its own depths.
    """
    across, down = camera(points)
    scale = np.sqrt(np.linalg.norm(across) * np.linalg.norm(down))
    z = (mean_face() - mean_face().mean(0)) @ np.cross(across, down) / scale
    x, y = (points - points.mean(0)).T
    one, none = np.ones_like(x), np.zeros_like(x)
    return np.stack(
        [np.stack([one, none, z, none, -y, x], -1), np.stack([none, one, none, -z, x, y], -1)], axis=1
    )


def fit(freedoms: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Fit the head's six motions (see `basis`) to the flow of the rigid points.

    freedoms : (468, 2, 6); motion : (468, 2) px. Least squares, reweighted with Cauchy weights about the
    median residual.
    """
    flat, moved = freedoms[RIGID_ROWS].reshape(-1, 6), motion[RIGID_ROWS].reshape(-1)
    weights = np.ones(len(RIGID))
    for _ in range(ROUNDS):
        weighted = flat * np.repeat(weights, 2)[:, None]
        head = np.linalg.solve(weighted.T @ flat, weighted.T @ moved)
        left = np.linalg.norm((moved - flat @ head).reshape(-1, 2), axis=1)
        weights = 1 / (1 + (left / max(1.5 * np.median(left), 1e-6)) ** 2)
    return head


def without_head(freedoms: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Return the motion (468, 2) px of the points minus the head's."""
    return motion - freedoms @ fit(freedoms, motion)


class Pose(NamedTuple):
    """Pose of the head in n frames under scaled orthographic projection: picture = scale * (R @ face)[:2] +
    shift.

    rotation : (n, 3, 3); scale : (n,) px per inter-ocular distance; shift : (n, 2) px
    """

    rotation: np.ndarray
    scale: np.ndarray
    shift: np.ndarray

    def angles(self) -> np.ndarray:
        """Return yaw, pitch and roll, (n, 3) degrees."""
        from scipy.spatial.transform import Rotation

        return Rotation.from_matrix(self.rotation).as_euler("yxz", degrees=True)

    def frontal(self, points: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Return points (n, k, 2) px as a camera straight in front would see them, in inter-ocular distances.

        depth : (k,), the z of each point on the face, inter-ocular distances
        """
        seen = (points - self.shift[:, None]) / self.scale[:, None, None]
        seen -= depth[None, :, None] * self.rotation[:, None, :2, 2]
        return np.einsum("nij,nkj->nki", np.linalg.inv(self.rotation[:, :2, :2]), seen)


def fit_pose(face: np.ndarray, points: np.ndarray) -> Pose:
    """Fit the pose of each frame to its rigid points, robustly.

    face : (k, 3), rigid points of the person's face, inter-ocular distances; points : (n, k, 2) px
    """
    weights = np.ones(points.shape[:2])
    for _ in range(ROUNDS):
        pose = _weighted_pose(face, points, weights)
        shown = pose.scale[:, None, None] * (face @ pose.rotation[:, :2].transpose(0, 2, 1))
        left = np.linalg.norm(points - shown - pose.shift[:, None], axis=2) / pose.scale[:, None]
        spread = np.maximum(1.5 * np.median(left, axis=1, keepdims=True), 2 * MIN_SCALE)
        weights = 1 / (1 + (left / spread) ** 2)
    return pose


def _weighted_pose(face: np.ndarray, points: np.ndarray, weights: np.ndarray) -> Pose:
    """Least squares: the affine camera of each frame, and the rotation nearest to it."""
    weights = weights / weights.sum(1, keepdims=True)
    middle = weights @ face
    at = np.einsum("nk,nkd->nd", weights, points)
    a, b = face[None] - middle[:, None], points - at[:, None]
    gram = np.einsum("nk,nki,nkj->nij", weights, a, a)
    affine = np.linalg.solve(gram, np.einsum("nk,nki,nkj->nij", weights, a, b)).transpose(0, 2, 1)
    u, s, vt = np.linalg.svd(affine, full_matrices=False)
    rows, scale = u @ vt, s.mean(1)
    rotation = np.concatenate([rows, np.cross(rows[:, 0], rows[:, 1])[:, None]], axis=1)
    return Pose(rotation, scale, at - scale[:, None] * np.einsum("nij,nj->ni", rows, middle))


def sample(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Values of `picture` (H, W[, C]) float32 at points (N, 2) px, between pixels, the border repeated: (N[,
    C]).
    """
    import cv2

    x, y = np.ascontiguousarray(points.T, np.float32)
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0]


class Dense:
    """The same for every pixel of an aligned face: `Dense(landmarks, shape).own(flow)`.

    landmarks : (478, 2) px of the onset; shape : height and width, px
    Depth is that of the landmarks, weighted by nearness, and goes on outwards as at the edge of the face. The
    motion fades out there, because hair and background are not the face's.
    """

    def __init__(self, landmarks: np.ndarray, shape: tuple[int, ...]):
        import cv2

        self.points = landmarks[:POINTS].astype(float)
        self.freedoms = basis(self.points)
        middle = self.points.mean(0)
        y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        coarse = np.mgrid[: shape[0] : COARSE, : shape[1] : COARSE].astype(np.float32)  # depth is smooth
        near = 1 / (((coarse[::-1, :, :, None] - self.points.T[:, None, None]) ** 2).sum(0) + NEAR**2) ** 2
        depth = (near @ self.freedoms[:, 0, 2] / near.sum(-1)).astype(np.float32)
        self.x, self.y = x - middle[0].astype(np.float32), y - middle[1].astype(np.float32)
        self.z = cv2.remap(depth, x / COARSE, y / COARSE, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        hull = cv2.convexHull(np.rint(self.points).astype(np.int32))
        inside = cv2.fillConvexPoly(np.zeros(shape, np.float32), hull, 1.0)
        self.face = cv2.GaussianBlur(inside, (0, 0), EDGE * interocular(landmarks))

    def without_head(self, motion: np.ndarray) -> np.ndarray:
        """Return the motion (468, 2) px of the landmarks minus the head's."""
        return without_head(self.freedoms, motion)

    def own(self, flow: np.ndarray) -> np.ndarray:
        """Return `flow` (H, W, 2) px minus the head's motion: (H, W, 2) float32 px, 0 away from the face."""
        right, down, yaw, pitch, roll, growth = fit(self.freedoms, sample(flow, self.points))
        u = flow[..., 0] - (right + yaw * self.z - roll * self.y + growth * self.x)
        v = flow[..., 1] - (down - pitch * self.z + roll * self.x + growth * self.y)
        return (np.stack([u, v], axis=-1) * self.face[..., None]).astype(np.float32)
