"""Places the facial basis on the frames of a batch, from given or detected landmarks."""

import threading

import numpy as np
import torch

from data_prep.face_plausibility import MIN_PLAUSIBILITY, plausibility
from data_prep.landmarks import FaceMesh
from flow.srflownet.facial_basis import load_basis
from flow.srflownet.facial_solution import PlacedBasis

PADDING_MULTIPLE = 32  # px; the basis covers frames padded to a multiple of this


class BasisPlacer:
    """Place the facial basis on faces, with one landmark detector per thread.

    Parameters
    ----------
    detect : bool
        Detect the face where landmarks are not given.
    """

    def __init__(self, detect: bool):
        self.detect, self._thread = detect, threading.local()

    def __call__(
        self, frames: np.ndarray, landmarks: list[np.ndarray | None], device: str | torch.device
    ) -> PlacedBasis | None:
        """Return the basis on each of (N, H, W, 3) uint8 RGB frames, or None without any usable face."""
        points = [self._usable_landmarks(*pair) for pair in zip(frames, landmarks)]
        if all(mesh is None for mesh in points):
            return None
        height, width = (side + -side % PADDING_MULTIPLE for side in frames.shape[1:3])
        placed = [load_basis().place(mesh, (height, width)) for mesh in points]
        motion, chart = (torch.from_numpy(np.stack(maps)).to(device) for maps in zip(*placed))
        return PlacedBasis(motion, chart, load_basis().n_scanned)

    def _usable_landmarks(self, frame: np.ndarray, mesh: np.ndarray | None) -> np.ndarray | None:
        """Return the landmarks for the basis, or None if they do not lie plausibly on a face."""
        if mesh is None and self.detect:
            if not hasattr(self._thread, "mesh"):
                self._thread.mesh = FaceMesh()
            mesh = self._thread.mesh.landmarks(frame)
        return mesh if mesh is not None and plausibility(mesh).value >= MIN_PLAUSIBILITY else None
