"""A basis of facial motion, learned from scanned people and placed on one face by its landmarks.

A basis holds the points of a head that are visible from the front, components of identity, and components of
facial motion: first the expressions of the scans, then components of their variants. `place` fits camera and
identity to landmarks, absorbs the residual by a smooth warp, and returns the motion of each component on a
grid of cells. No pixels are read here; `facial_solution.py` solves for the strengths of the components.

References
----------
Li et al., Learning Formation of Physically-Based Face Attributes, CVPR 2020 (ICT Face Model Light, MIT
licence): the scans described in `flow/weights/facial-basis.md`.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_prep.landmarks import interocular
from flow.splatting.dense_motion import rasterize
from flow.splatting.head_fit import LANDMARK_DEVIATION_CM, MEDIAPIPE_LANDMARKS, landmark_warp
from mer_core.errors import UnreadableFile

BASIS_FILE = Path(__file__).parents[1] / "weights" / "facial-basis.safetensors"
CHART_CELL_PX = 2  # side of a cell of the chart
N_FIT_ROUNDS = 5  # alternations between camera and shape
N_RIGID = 6  # components of rigid motion: three rotations, two translations, approach


class BasisMaps(NamedTuple):
    """A basis on one frame of (H, W) px.

    Attributes
    ----------
    motion : (K, 2, H / c, W / c) float32 px, motion of each component on cells of c = `motion_cell((H, W))`
        px. One unit is the prior deviation in a face that moves a pixel or two; the last `N_RIGID` components
        are rigid.
    chart : (3, H / CHART_CELL_PX, W / CHART_CELL_PX) float32, position on the mean face (x right, y down, in
        inter-ocular distances from the midpoint of the eyes), and 1 on the face
    """

    motion: np.ndarray
    chart: np.ndarray


@dataclass(frozen=True, eq=False)
class FacialBasis:
    """Statistics of V points of a head, in cm; x right in the picture, y up, z towards the viewer.

    Attributes
    ----------
    neutral : (V, 3) the mean head
    identity : (I, V, 3) one standard deviation of each component
    motion : (K, V, 3) components of motion; the first `n_scanned` are expressions as scanned
    triangles : (T, 3) int32
    landmarks : (68, 3) of the mean head
    landmark_shapes : (I + n_scanned, 68, 3) the landmarks' identity components, then expressions at full
        strength
    resting : (n_scanned,) full strength of each expression in units of `motion`
    n_scanned : int
        Number of unvaried expressions.
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
        """Number of components returned by `place`."""
        return len(self.motion) + N_RIGID

    def place(self, landmarks: np.ndarray | None, shape: tuple[int, int]) -> BasisMaps:
        """Place the basis on a face.

        Parameters
        ----------
        landmarks : (478, 2) or (468, 2) px, MediaPipe's face mesh; None without a face, which gives zeros
        shape : (H, W) px of the frame, multiples of `motion_cell(shape)`
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
        places, jacobian = landmark_warp(shapes @ camera[:, :3].T + camera[:, 3], goal, unit)(places)
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
        """Positions on the mean face, (V, 2) float32 inter-ocular distances from the midpoint of the eyes."""
        right, left = self.landmarks[36:42].mean(axis=0), self.landmarks[42:48].mean(axis=0)
        flat = (self.neutral - (right + left) / 2)[:, :2] / np.linalg.norm(left - right)
        return (flat * [1, -1]).astype(np.float32)

    def _fit(self, goal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Fit the affine camera (2, 4) px per cm and the strengths of `landmark_shapes` to `goal`."""
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
    """Return the side in px of a cell of the placed motion: 4 at 224 px, a power of two elsewhere."""
    return 4 * 2 ** max(0, round(np.log2(min(shape) / 224)))


@lru_cache(maxsize=2)
def load_basis(path: Path = BASIS_FILE) -> FacialBasis:
    """Load the basis in a safetensors file, by default the one that ships with the package.

    Raises
    ------
    BadInput
        If the file holds no basis.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), "np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}
            n_scanned = int(file.metadata()["scanned"])
        wide = {name: array.astype(np.float32) for name, array in arrays.items() if name != "triangles"}
        return FacialBasis(triangles=arrays["triangles"].astype(np.int32), n_scanned=n_scanned, **wide)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise UnreadableFile(f"{path} does not hold a facial basis: {error}") from error


def _rigid_motion(points: np.ndarray) -> np.ndarray:
    """Return rigid motion (N_RIGID, V, 3) cm of about one pixel on a face with 75 px between the eyes."""
    arms = points - points.mean(axis=0)
    turns = [np.cross(axis, arms) * 0.02 for axis in np.eye(3)]
    shifts = [np.broadcast_to(axis * 0.1, arms.shape) for axis in np.eye(3)[:2]]
    return np.array([*turns, *shifts, 0.02 * arms], np.float32)
