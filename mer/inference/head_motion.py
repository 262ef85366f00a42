"""The head's share of the motion of a face, so that what is left is the face's own.

A head is stiff: its small motion is one turn, one shift and one change of size, whatever the face does besides. A shift in
the picture depends on how far a point sticks out, so the points' depth comes from the engine's mean face.
"""

from functools import lru_cache

import numpy as np

from data_prep.landmarks import interocular
from flow.splatting.template import template

POINTS = 468  # the mesh without the irises, which follow the gaze
ROUNDS = 4  # of the robust fit
COARSE, NEAR = (
    4,
    3.0,
)  # px between places at which depth is worked out; px within which a landmark counts in full
EDGE = 0.08  # over how much of the inter-ocular distance the motion fades out around the face


@lru_cache(maxsize=1)
def mean_face() -> np.ndarray:
    """The mean face (468, 3) in inter-ocular distances, x right, y down, z away from the viewer."""
    points = template().mean
    return points[:POINTS] / interocular(points[:, :2])


@lru_cache(maxsize=1)
def _stiffness() -> np.ndarray:
    """How much each point tells about the head: (468,), 1 above the nose's base, less where the jaw and the brows move."""
    y = mean_face()[:, 1]
    return np.where(y < 0.62, 1.0, 0.15) * np.where((y < -0.12) & (y > -0.5), 0.4, 1.0)


def camera(points: np.ndarray) -> np.ndarray:
    """The affine camera (2, 3), px per inter-ocular distance, that shows the mean face as nearly as it can at points (468, 2) px."""
    face = mean_face() - mean_face().mean(0)
    return np.linalg.lstsq(face, points - points.mean(0), rcond=None)[0].T


def basis(points: np.ndarray) -> np.ndarray:
    """What a point moves by for each of the head's six freedoms: (468, 2, 6) px per unit.

    points : (468, 2) px. Units: shift right and down, px; yaw, pitch, roll, radian; growth, a share.
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
    """The head's six numbers from what its freedoms do (468, 2, 6; see `basis`) and the motion (468, 2) px of the points.

    Robust to what the face does by itself: least squares, reweighted with Cauchy weights about the median residual.
    """
    weights = _stiffness()
    flat, moved = freedoms.reshape(-1, 6), motion.reshape(-1)
    for _ in range(ROUNDS):
        weighted = flat * np.repeat(weights, 2)[:, None]
        head = np.linalg.solve(weighted.T @ flat, weighted.T @ moved)
        left = np.linalg.norm((moved - flat @ head).reshape(-1, 2), axis=1)
        weights = _stiffness() / (1 + (left / max(np.median(left), 1e-6)) ** 2)
    return head


def left(freedoms: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """What of the motion (468, 2) px of the points is not the head's."""
    return motion - freedoms @ fit(freedoms, motion)


def sample(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Values of `picture` (H, W[, C]) float32 at points (N, 2) px, between pixels, the border repeated: (N[, C])."""
    import cv2

    x, y = np.ascontiguousarray(points.T, np.float32)
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0]


class Dense:
    """The same for every pixel of an aligned face: `Dense(landmarks, shape).own(flow)`.

    landmarks : (478, 2) px of the onset; shape : height and width, px
    Depth is that of the landmarks, weighted by nearness, and goes on outwards as at the edge of the face. The motion fades
    out there, because hair and background are not the face's.
    """

    def __init__(self, landmarks: np.ndarray, shape: tuple[int, int]):
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
        inside = cv2.fillConvexPoly(
            np.zeros(shape, np.float32), cv2.convexHull(np.rint(self.points).astype(np.int32)), 1.0
        )
        self.face = cv2.GaussianBlur(inside, (0, 0), EDGE * interocular(landmarks))

    def left(self, motion: np.ndarray) -> np.ndarray:
        """What of the motion (468, 2) px of the landmarks is not the head's."""
        return left(self.freedoms, motion)

    def own(self, flow: np.ndarray) -> np.ndarray:
        """`flow` (H, W, 2) px without the head's motion: (H, W, 2) float32 px, 0 away from the face."""
        right, down, yaw, pitch, roll, growth = fit(self.freedoms, sample(flow, self.points))
        u = flow[..., 0] - (right + yaw * self.z - roll * self.y + growth * self.x)
        v = flow[..., 1] - (down - pitch * self.z + roll * self.x + growth * self.y)
        return (np.stack([u, v], axis=-1) * self.face[..., None]).astype(np.float32)
