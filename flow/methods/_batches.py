"""Feeding a network as many pairs at once as its device takes well."""

from collections.abc import Callable

import numpy as np

from mer_core.device import full_precision
from mer_core.progress import detail

MAX_BATCH_PIXELS = {
    "cpu": 448 * 448,
    "mps": 8 * 448 * 448,
    "cuda": 64 * 448 * 448,
}  # of all frames in one batch


def estimate_in_batches(
    estimate: Callable[[slice], np.ndarray], pairs: int, area: int, device: str
) -> np.ndarray:
    """Join the flow of all pairs, (N, H, W, 2) float32, from `estimate` of a few at a time.

    estimate : a slice of the pairs -> their flow
    area     : px of a frame
    A batch that the memory of a GPU cannot hold is halved, and so are those that follow.
    """
    import torch

    size, start, flows = max(1, MAX_BATCH_PIXELS[device] // area), 0, []
    while start < pairs:
        try:
            with full_precision(device), torch.inference_mode():
                flows.append(estimate(slice(start, start + size)))
        except torch.OutOfMemoryError:
            if size == 1:
                raise
            size = min(size, pairs - start) // 2 or 1
            detail(f"The memory of {device} is full; going on with {size} pairs at a time.")
            continue
        start += size
    return np.ascontiguousarray(np.concatenate(flows), np.float32)
