"""Training pairs as tensors, with the facial basis laid on each onset as in use."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from data_prep.landmarks import FaceMesh
from flow.srflownet.data.mixture import SourceMixture
from flow.srflownet.facial_basis import load_basis
from flow.srflownet.train_config import TrainConfig, frame_side

DETECTED_FRACTION = 0.7  # fraction of faces whose landmarks are found anew even where they are known


class TrainingPairs(Dataset):
    """Pair number `index` of the training as tensors: frames (3, H, W) 0..255, motion (2, H, W), mask (1, H,
    W).

    With a facial basis, its motion and chart on the onset follow (`facial_basis.BasisMaps`).
    """

    def __init__(self, config: TrainConfig):
        self.config = config
        self.pairs: dict[int, SourceMixture] = {}
        self.mesh: FaceMesh | None = None

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        c = self.config
        size = frame_side(c, index // c.batch)
        if size not in self.pairs:  # made in the worker: a source may hold what cannot be sent to it
            scans = (c.portraits, c.head_model, c.fits) if c.portraits and c.head_model else None
            self.pairs[size] = SourceMixture(c.data, c.seed, size, c.peak, c.widen * c.batch, c.pool, scans)
        pair = self.pairs[size][index]
        frames = (
            torch.from_numpy(np.ascontiguousarray(f)).permute(2, 0, 1).float()
            for f in (pair.onset, pair.apex)
        )
        flow = torch.from_numpy(np.ascontiguousarray(pair.flow, np.float32)).permute(2, 0, 1)
        mask = torch.from_numpy(pair.mask.astype(np.float32))[None]
        return (*frames, flow, mask, *self._face(index, pair))

    def _face(self, index: int, pair: Any) -> tuple[Tensor, ...]:
        """The facial basis on a pair; zeros where the landmark detector finds no face."""
        if self.config.without_face is None:
            return ()
        rng = np.random.default_rng((self.config.seed, 7, index))
        landmarks = None
        if rng.random() >= self.config.without_face:
            landmarks = getattr(pair, "landmarks", None)
            if (
                landmarks is None or rng.random() < DETECTED_FRACTION
            ):  # as in use, the detector's errors included
                self.mesh = self.mesh or FaceMesh()
                landmarks = self.mesh.landmarks(pair.onset)
        placed = load_basis().place(landmarks, pair.onset.shape[:2])
        return tuple(torch.from_numpy(array) for array in placed)
