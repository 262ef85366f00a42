"""Fit of a head model to a face in a picture: each vertex gets its place, each expression its motion.

An affine camera, identity components and resting expressions are fitted to the face's landmarks; a smooth
warp absorbs the residual, so that the landmarks coincide. The outline of the jaw has little weight, because
the two landmark models define it differently.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.optimize import lsq_linear

from data_prep.landmarks import interocular
from flow.splatting.head_model import LANDMARK_VERTICES, N_FITTED_COMPONENTS, HeadModel

# Points of MediaPipe's face mesh that correspond to Multi-PIE's 68, chosen by anatomy on MediaPipe's
# canonical face and verified on portraits.
MEDIAPIPE_LANDMARKS = np.array([
    127, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 168, 197, 5, 4, 98, 97, 2, 326, 327,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
])  # fmt: skip
JAW = slice(0, 17)
LANDMARK_DEVIATION_CM = np.where(np.arange(68) < 17, 0.6, 0.12)  # standard deviation; large on the jaw
RESTING_DEVIATION = 0.3  # standard deviation of an expression's strength in a portrait
N_FIT_ROUNDS = 6  # alternations between camera and shape
ANCHOR_DISTANCE = 2.5  # inter-ocular distances from the face's middle to the end of the warp


@dataclass(frozen=True, eq=False)
class HeadFit:
    """A head model's skin placed in a picture; N vertices of face, head and neck.

    Attributes
    ----------
    camera : (2, 3) float64 px per cm, x right and y down, before the warp
    vertices : (N, 3) float32 cm, the person's head
    places : (N, 2) float32 px
    depth : (N,) float32 cm, larger is nearer to the viewer
    warp : (N, 2, 2) float32, Jacobian of the warp, which turns projected motion into motion in the picture
    residual : float
        Mean distance between landmarks and vertices before the warp, without the jaw, px.
    identity : (I,) strengths of the identity components, standard deviations
    """

    camera: np.ndarray
    vertices: np.ndarray
    places: np.ndarray
    depth: np.ndarray
    warp: np.ndarray
    residual: float
    identity: np.ndarray

    def project(self, motion: np.ndarray) -> np.ndarray:
        """Project motion (N, 3) cm of the vertices to the picture, (N, 2) float32 px."""
        flat = motion @ self.camera.T.astype(np.float32)
        return np.einsum("nij,nj->ni", self.warp, flat)

    def part(self, vertices: np.ndarray | slice) -> "HeadFit":
        """Return the fit of some vertices only."""
        parts = {name: getattr(self, name)[vertices] for name in ("vertices", "places", "depth", "warp")}
        return replace(self, **parts)


def fit_head(model: HeadModel, landmarks: np.ndarray) -> HeadFit:
    """Fit `model` to the (478, 2) px landmarks of a frontal face."""
    goal = landmarks[MEDIAPIPE_LANDMARKS].astype(float)
    shapes, components = model.fitting_shapes, min(N_FITTED_COMPONENTS, len(model.identity))
    strengths, camera = _fit_camera_and_shape(
        model.neutral[LANDMARK_VERTICES].astype(float),
        shapes[:, LANDMARK_VERTICES].astype(float),
        components,
        goal,
    )
    vertices = model.neutral[: model.skin_vertices] + np.tensordot(strengths.astype(np.float32), shapes, 1)
    seen = vertices @ camera[:, :3].T + camera[:, 3]
    places, jacobian = landmark_warp(seen[LANDMARK_VERTICES], goal, interocular(landmarks))(seen)
    towards = np.cross(camera[0, :3], camera[1, :3])
    towards *= np.sign(towards[2]) / np.linalg.norm(towards)
    error = np.linalg.norm(seen[LANDMARK_VERTICES] - goal, axis=1)[JAW.stop :].mean()
    return HeadFit(
        camera[:, :3],
        vertices.astype(np.float32),
        places.astype(np.float32),
        (vertices @ towards).astype(np.float32),
        jacobian.astype(np.float32),
        float(error),
        strengths[:components],
    )


def _fit_camera_and_shape(
    neutral: np.ndarray, shapes: np.ndarray, components: int, goal: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit strengths (K,) of `shapes` (K, 68, 3) and the camera (2, 4) to `goal` (68, 2).

    The first `components` shapes are identity, in standard deviations; the others are expressions.
    """
    strengths = np.zeros(len(shapes))
    of_identity = np.arange(len(shapes)) < components
    prior = np.where(of_identity, 1.0, 1 / RESTING_DEVIATION)
    low, high = np.where(of_identity, -3.0, 0.0), np.where(of_identity, 3.0, 1.0)
    for _ in range(N_FIT_ROUNDS):
        head = neutral + np.tensordot(strengths, shapes, 1)
        flat = np.column_stack([head, np.ones(68)]) / LANDMARK_DEVIATION_CM[:, None]
        camera = np.linalg.lstsq(flat, goal / LANDMARK_DEVIATION_CM[:, None], rcond=None)[0].T
        per_cm = np.sqrt(abs(np.linalg.norm(np.cross(camera[0, :3], camera[1, :3]))))
        weight = (1 / (LANDMARK_DEVIATION_CM * per_cm))[:, None]
        moved = np.einsum("kni,ji->njk", shapes, camera[:, :3]) * weight[..., None]
        missing = (goal - neutral @ camera[:, :3].T - camera[:, 3]) * weight
        system = np.concatenate([moved.reshape(-1, len(shapes)), np.diag(prior)])
        right = np.concatenate([missing.ravel(), np.zeros(len(shapes))])
        strengths = lsq_linear(system, right, (low, high)).x
    return strengths, camera


def landmark_warp(start: np.ndarray, goal: np.ndarray, unit: float):
    """Return the smooth map that takes `start` to `goal`, both (68, 2) px.

    It maps points (N, 2) px to places (N, 2) px and Jacobians (N, 2, 2). It is a thin-plate spline that
    smooths over the jaw and ends at `ANCHOR_DISTANCE` from the face.

    Parameters
    ----------
    unit : float
        Inter-ocular distance, px.
    """
    middle = goal.mean(axis=0)
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    anchors = middle + ANCHOR_DISTANCE * unit * np.column_stack([np.cos(turn), np.sin(turn)])
    from_ = np.concatenate([start, anchors]) / unit
    shift = np.concatenate([goal - start, np.zeros_like(anchors)])
    smoothing = np.full(len(from_), 1e-6)
    smoothing[JAW] = 0.3
    spline = RBFInterpolator(from_, shift, smoothing=smoothing, kernel="thin_plate_spline")

    def apply(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        step = 1e-3
        at = points / unit
        rest = spline(at)
        along = [(spline(at + step * axis) - rest) / (step * unit) for axis in np.eye(2)]
        return points + rest, np.eye(2) + np.stack(along, axis=-1)

    return apply
