"""How skin moves over faces, as a statistic of scanned people, laid on one face by its landmarks.

A basis holds the points of a head that are seen from the front, how people differ in them, and components of
facial motion: the expressions of the scans first, then what variants of them add. `place` finds camera and
person from landmarks, takes up what is left by a smooth warp, and returns the motion of each component on a
grid of cells. Nothing here looks at a picture; the network reads how much of each component there is
(`facial_solution.py`).

References
----------
Li et al., Learning Formation of Physically-Based Face Attributes, CVPR 2020 (ICT Face Model Light, MIT
licence): the scans that `flow/weights/facial-basis.md` describes.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.interpolate import RBFInterpolator

from data_prep.landmarks import interocular
from flow.splatting.dense_motion import rasterize
from flow.splatting.head_fit import MEDIAPIPE_LANDMARKS
from mer_core.errors import BadInput

BASIS_FILE = Path(__file__).parents[1] / "weights" / "facial-basis.safetensors"
CHART_CELL_PX = 2  # px of the frame, side of a cell of the chart
JAW = slice(0, 17)  # of the 68 landmarks: two landmark models disagree about it
LANDMARK_DEVIATION_CM = np.where(
    np.arange(68) < 17, 0.6, 0.12
)  # cm, how far a landmark may be from its vertex
N_FIT_ROUNDS = 5  # of camera and shape in turn
ANCHOR_DISTANCE = 2.5  # inter-ocular distances from the face's middle to where the warp has ended
N_RIGID = 6  # components of the head as a whole: turns about three axes, two shifts, nearing


class BasisMaps(NamedTuple):
    """A basis on one frame of (H, W) px.

    motion : (K, 2, H / c, W / c) float32 px, what each component moves on cells of c = `motion_cell((H, W))` px;
        one unit is its prior deviation in a face that moves a pixel or two; the last `N_RIGID` turn and shift
        the head
    chart  : (3, H / CHART_CELL, W / CHART_CELL) float32, where on the mean face a place lies (x right, y
        down, in inter-ocular distances from the middle between the eyes) and 1 on the face
    """

    motion: np.ndarray
    chart: np.ndarray


@dataclass(frozen=True, eq=False)
class FacialBasis:
    """Statistics of V points of a head, in cm; x to the right of the picture, y up, z to the viewer.

    neutral            : (V, 3) the mean head
    identity           : (I, V, 3) what one standard deviation of each component adds
    motion             : (K, V, 3) components of motion; the first `n_scanned` are expressions as scanned
    triangles          : (T, 3) int32
    landmarks          : (68, 3) of the mean head
    landmark_shapes    : (I + scanned, 68, 3) the same for the landmarks: identity, then the expressions at
        full strength
    resting            : (scanned,) full strength of each of these in units of `motion`
    scanned            : number of unvaried expressions
    """

    neutral: np.ndarray
    identity: np.ndarray
    motion: np.ndarray
    triangles: np.ndarray
    landmarks: np.ndarray
    landmark_shapes: np.ndarray
    resting: np.ndarray
    n_scanned: int

    @property
    def n_components(self) -> int:
        """Number of components that `place` returns."""
        return len(self.motion) + N_RIGID

    def place(self, landmarks: np.ndarray | None, shape: tuple[int, int]) -> BasisMaps:
        """Lay the basis on a face.

        Parameters
        ----------
        landmarks : (478, 2) or (468, 2) px, MediaPipe's face mesh; None where there is no face: all zeros
        shape     : (H, W) px of the frame, multiples of `motion_cell(shape)`
        """
        height, width = shape
        cell = motion_cell(shape)
        if landmarks is None:
            motion = np.zeros((self.n_components, 2, height // cell, width // cell), np.float32)
            return BasisMaps(
                motion, np.zeros((3, height // CHART_CELL_PX, width // CHART_CELL_PX), np.float32)
            )
        goal = landmarks[MEDIAPIPE_LANDMARKS].astype(float)
        unit = interocular(landmarks)
        camera, shape_strengths = self._fit(goal)
        of_identity, of_rest = np.split(shape_strengths.astype(np.float32), [len(self.identity)])
        points = self.neutral + np.tensordot(of_identity, self.identity, 1)
        points = points + np.tensordot(of_rest * self.resting, self.motion[: self.n_scanned], 1)
        shapes = self.landmarks + np.tensordot(shape_strengths, self.landmark_shapes, 1)
        places = points @ camera[:, :3].T + camera[:, 3]
        places, jacobian = _landmark_warp(shapes @ camera[:, :3].T + camera[:, 3], goal, unit)(places)
        motion = np.concatenate([self.motion, _rigid_motion(points)]).transpose(1, 2, 0)  # (V, 3, K)
        moved = (jacobian @ camera[:, :3]).astype(np.float32) @ motion  # (V, 2, K)
        depth = points[:, 2].astype(np.float32)

        def on_cells(side: int, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            at = ((places - (side - 1) / 2) / side).astype(np.float32)
            flat = np.ascontiguousarray(values.reshape(len(values), -1))
            return rasterize(at, depth, flat, self.triangles, (height // side, width // side))

        motion, _ = on_cells(cell, moved)
        motion = motion.reshape(*motion.shape[:2], 2, -1).transpose(3, 2, 0, 1)
        chart, known = on_cells(CHART_CELL_PX, self._chart)
        chart = np.concatenate([chart.transpose(2, 0, 1), known[None].astype(np.float32)])
        return BasisMaps(np.ascontiguousarray(motion), chart)

    @property
    def _chart(self) -> np.ndarray:
        """(V, 2) float32 inter-ocular distances from the middle between the eyes."""
        right, left = self.landmarks[36:42].mean(axis=0), self.landmarks[42:48].mean(axis=0)
        flat = (self.neutral - (right + left) / 2)[:, :2] / np.linalg.norm(left - right)
        return (flat * [1, -1]).astype(np.float32)

    def _fit(self, goal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The affine camera (2, 4), px per cm, and the strengths of `landmark_shapes` nearest to `goal` (68,
        2) px.
        """
        shapes = self.landmark_shapes.astype(float)
        prior = np.where(np.arange(len(shapes)) < len(self.identity), 1.0, 1 / 0.3)
        strengths = np.zeros(len(shapes))
        for _ in range(N_FIT_ROUNDS):
            head = self.landmarks + np.tensordot(strengths, shapes, 1)
            flat = np.column_stack([head, np.ones(68)]) / LANDMARK_DEVIATION_CM[:, None]
            camera = np.linalg.lstsq(flat, goal / LANDMARK_DEVIATION_CM[:, None], rcond=None)[0].T
            per_cm = np.sqrt(np.linalg.norm(np.cross(camera[0, :3], camera[1, :3])))
            weight = (1 / (LANDMARK_DEVIATION_CM * per_cm))[:, None]
            moved = ((shapes @ camera[:, :3].T) * weight).reshape(len(shapes), -1)
            missing = ((goal - self.landmarks @ camera[:, :3].T - camera[:, 3]) * weight).ravel()
            strengths = np.linalg.solve(moved @ moved.T + np.diag(prior**2), moved @ missing)
        return camera, strengths


def motion_cell(shape: tuple[int, int]) -> int:
    """Side in px of a cell of the placed motion: 4 px in a frame of 224, in proportion and a power of two in
    others.
    """
    return 4 * 2 ** max(0, round(np.log2(min(shape) / 224)))


@lru_cache(maxsize=2)
def load_basis(path: Path = BASIS_FILE) -> FacialBasis:
    """Return the basis in a safetensors file, by default the one that comes with the package.

    Raises
    ------
    BadInput
        If the file holds none.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), "np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}
            n_scanned = int(file.metadata()["scanned"])
        wide = {name: array.astype(np.float32) for name, array in arrays.items() if name != "triangles"}
        return FacialBasis(triangles=arrays["triangles"].astype(np.int32), n_scanned=n_scanned, **wide)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path} holds no facial basis: {error}") from error


def _rigid_motion(points: np.ndarray) -> np.ndarray:
    """Motion (RIGID, V, 3) cm of a head that turns, shifts and nears, one pixel or so of a face 75 px between
    the eyes.
    """
    arms = points - points.mean(axis=0)
    turns = [np.cross(axis, arms) * 0.02 for axis in np.eye(3)]
    shifts = [np.broadcast_to(axis * 0.1, arms.shape) for axis in np.eye(3)[:2]]
    return np.array([*turns, *shifts, 0.02 * arms], np.float32)


def _landmark_warp(start: np.ndarray, goal: np.ndarray, unit: float):
    """The smooth map of (N, 2) px that brings `start` to `goal`, both (68, 2) px, and its Jacobians (N, 2,
    2).
    """
    middle = goal.mean(axis=0)
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    anchors = middle + ANCHOR_DISTANCE * unit * np.column_stack([np.cos(turn), np.sin(turn)])
    shift = np.concatenate([goal - start, np.zeros_like(anchors)])
    smoothing = np.full(len(shift), 1e-6)
    smoothing[JAW] = 0.3
    spline = RBFInterpolator(
        np.concatenate([start, anchors]) / unit, shift, smoothing=smoothing, kernel="thin_plate_spline"
    )

    def apply(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        step = 1e-3
        at = points / unit
        probes = spline(np.concatenate([at, at + [step, 0], at + [0, step]])).reshape(3, -1, 2)
        along = (probes[1:] - probes[0]) / (step * unit)
        return points + probes[0], np.eye(2) + np.moveaxis(along, 0, -1)

    return apply
