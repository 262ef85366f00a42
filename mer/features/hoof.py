"""HOOF: histograms of the direction of flow, each vector counting as much as it moves, one histogram per cell
of a grid.

Source: Chaudhry, Ravichandran, Hager and Vidal, "Histograms of oriented optical flow and Binet-Cauchy kernels
on nonlinear dynamical systems for the recognition of human actions", CVPR 2009. What differs: their bins join
left and right, for people who walk either way; on a face the side is told by the cell and the direction must
stay, so the bins go all the way round. Cells follow Liong et al., "Less is more" (Bi-WOOF), 2018, without its
weights.
"""

import numpy as np

from mer.features._head_motion import subtract_head_motion


def extract(
    flow: np.ndarray, landmarks: np.ndarray, cells: int = 5, bins: int = 8, remove_head_motion: bool = False
) -> np.ndarray:
    """Return the histograms of a grid of `cells` x `cells`, row by row, (cells * cells * bins,) float32, each
    summing to 1.

    flow : (H, W, 2) float32 px, u right, v down;  landmarks : (478, 2) px of the same face, needed for
    `remove_head_motion`
    bins : equal parts of the circle; the first is centred on the right, the next ones follow clockwise (down,
    left, up)
    remove_head_motion : take out the head's motion first
    A cell in which nothing moves is 0.
    """
    flow = subtract_head_motion(flow, landmarks) if remove_head_motion else flow
    u, v = flow[..., 0], flow[..., 1]
    direction = np.floor(np.arctan2(v, u) / (2 * np.pi) * bins + 0.5).astype(int) % bins
    row, column = (np.arange(side) * cells // side for side in flow.shape[:2])
    place = (row[:, None] * cells + column) * bins + direction
    counts = np.bincount(place.ravel(), np.hypot(u, v).ravel(), cells * cells * bins).reshape(-1, bins)
    total = counts.sum(1, keepdims=True)
    return np.divide(counts, total, out=np.zeros_like(counts), where=total > 0).ravel().astype(np.float32)
