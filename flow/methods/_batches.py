"""Batches of pairs for networks, as large as the device's memory allows."""

from collections.abc import Callable

import numpy as np

from mer_core.device import full_precision
from mer_core.progress import detail

# A CPU gets single pairs: a quarter faster, and no pair depends on the others.
MAX_BATCH_PIXELS = {"cpu": 0, "mps": 8 * 448 * 448, "cuda": 64 * 448 * 448}


def estimate_in_batches(
    estimate: Callable[[slice], np.ndarray], pairs: int, area: int, device: str
) -> np.ndarray:
    """Estimate the flow of all pairs, (N, H, W, 2) float32, a batch at a time.

    Parameters
    ----------
    estimate : callable
        Slice of the pairs -> their flow.
    pairs : int
        Number of pairs.
    area : int
        Of a frame, px.

    Notes
    -----
    When a GPU runs out of memory, the batch size is halved for the rest of the run.
    """
    import torch

    flows: list[np.ndarray] = []
    size, start = max(1, MAX_BATCH_PIXELS[device] // area), 0
    while start < pairs:
        try:
            with full_precision(device), torch.inference_mode():
                flows.append(estimate(slice(start, start + size)))
        except torch.OutOfMemoryError:
            if size == 1:
                raise
            size = min(size, pairs - start) // 2 or 1
            detail(f"{device} is out of memory; continuing with {size} pairs per batch.")
            continue
        start += size
    return np.ascontiguousarray(np.concatenate(flows), np.float32)
