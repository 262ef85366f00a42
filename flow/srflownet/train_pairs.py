"""Training pairs as tensors, with the facial basis placed on each onset as at inference."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from data_prep.landmarks import FaceMesh
from flow.srflownet.data.mixture import SourceMixture
from flow.srflownet.facial_basis import load_basis
from flow.srflownet.train_config import TrainConfig, frame_side

DETECTED_FRACTION = 0.7  # fraction of faces with known landmarks that are detected nevertheless


class TrainingPairs(Dataset):
    """Training pair `index` as tensors: frames (3, H, W) 0..255, motion (2, H, W) px, mask (1, H, W).

    With a facial basis, its motion and chart on the onset follow (`facial_basis.BasisMaps`).
    """

    def __init__(self, config: TrainConfig):
        self.config = config
        self.pairs: dict[int, SourceMixture] = {}
        self.mesh: FaceMesh | None = None

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        size = frame_side(self.config, index // self.config.batch_size)
        if size not in self.pairs:  # created in the worker, because a source may not be picklable
            self.pairs[size] = self._mixture(size)
        pair = self.pairs[size][index]
        frames = (
            torch.from_numpy(np.ascontiguousarray(f)).permute(2, 0, 1).float()
            for f in (pair.onset, pair.apex)
        )
        flow = torch.from_numpy(np.ascontiguousarray(pair.flow, np.float32)).permute(2, 0, 1)
        mask = torch.from_numpy(pair.mask.astype(np.float32))[None]
        return (*frames, flow, mask, *self._face(index, pair))

    def _mixture(self, size: int) -> SourceMixture:
        """Return the sources at frames of `size` px."""
        c = self.config
        portrait_files = (
            (c.portraits, c.head_model, c.head_fit_cache) if c.portraits and c.head_model else None
        )
        return SourceMixture(
            c.data_fractions,
            c.seed,
            size,
            c.motion_range_px,
            c.motion_curriculum_steps * c.batch_size,
            c.pool_folder,
            portrait_files,
        )

    def _face(self, index: int, pair: Any) -> tuple[Tensor, ...]:
        """Return the facial basis on a pair; zeros if the landmark detector finds no face."""
        if self.config.no_face_fraction is None:
            return ()
        rng = np.random.default_rng((self.config.seed, 7, index))
        landmarks = None
        if rng.random() >= self.config.no_face_fraction:
            landmarks = pair.landmarks
            if (
                landmarks is None or rng.random() < DETECTED_FRACTION
            ):  # as in use, the detector's errors included
                self.mesh = self.mesh or FaceMesh()
                landmarks = self.mesh.landmarks(pair.onset)
        placed = load_basis().place(landmarks, pair.onset.shape[:2])
        return tuple(torch.from_numpy(array) for array in placed)
