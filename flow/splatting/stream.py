"""Pairs without end for training, rendered as they are asked for; no disk."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from torch.utils.data import IterableDataset, get_worker_info

from flow.splatting.scenes import PAIRS_PER_FACE, Pair, Ranges, render_pair


class PairStream(IterableDataset):
    """Pairs for training, without end and without a disk: dicts of arrays, the same for the same seed and workers.

    Blended by a GPU with gsplat where the process has both. Only procedural faces, so a benchmark on photographs stays unseen. Workers take whole identities in turn.
    Yields {"image1", "image2": (3, H, W) uint8, "flow": (2, H, W) float32 px, "valid": (H, W) float32 0 or 1,
    "face": (H, W) float32 0 or 1}.
    """

    def __init__(
        self,
        seed: int,
        size: int | tuple[int, int] = 256,
        start: int = 0,
        ranges: Ranges = Ranges(),
        **changes,
    ) -> None:
        self.seed, self.size, self.start, self.ranges = (
            seed,
            size,
            start,
            replace(ranges, **{"gpu": True, **changes}),
        )

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        block = self.start // PAIRS_PER_FACE + number
        while True:
            for index in range(block * PAIRS_PER_FACE, (block + 1) * PAIRS_PER_FACE):
                if index >= self.start:
                    yield tensors(render_pair(self.seed, index, self.size, self.ranges))
            block += workers


def tensors(pair: Pair) -> dict[str, np.ndarray]:
    """What training needs of a pair, channels first."""
    return {
        "image1": np.ascontiguousarray(pair.frame1.transpose(2, 0, 1)),
        "image2": np.ascontiguousarray(pair.frame2.transpose(2, 0, 1)),
        "flow": np.ascontiguousarray(pair.flow.transpose(2, 0, 1)),
        "valid": pair.valid.astype(np.float32),
        "face": pair.face.astype(np.float32),
    }
