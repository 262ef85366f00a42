"""HOOF: histograms of oriented optical flow, weighted by magnitude, one per cell of a grid.

Source: Chaudhry, Ravichandran, Hager and Vidal, "Histograms of oriented optical flow and Binet-Cauchy kernels
on nonlinear dynamical systems for the recognition of human actions", CVPR 2009. Difference: they merge left
and right, because people walk either way; on a face the direction matters, so the bins cover the full circle.
Cells follow Liong et al., "Less is more" (Bi-WOOF), 2018, without its weights.
"""

import numpy as np

from mer.features._head_motion import subtract_head_motion


def extract(
    flow: np.ndarray, landmarks: np.ndarray, cells: int = 5, bins: int = 8, remove_head_motion: bool = False
) -> np.ndarray:
    """Return the histograms of a grid of `cells` x `cells`, row by row.

    Parameters
    ----------
    flow : (H, W, 2) float32 px
        u right, v down.
    landmarks : (478, 2) float32 px
        Of the same face; used to remove head motion.
    cells : int
        Cells per side of the grid.
    bins : int
        Equal parts of the circle; the first is centred on the right, the next follow clockwise.
    remove_head_motion : bool
        Remove the head's motion first.

    Returns
    -------
    (cells * cells * bins,) float32
        Each histogram sums to 1, or to 0 where nothing moves.
    """
    flow = subtract_head_motion(flow, landmarks) if remove_head_motion else flow
    u, v = flow[..., 0], flow[..., 1]
    direction = np.floor(np.arctan2(v, u) / (2 * np.pi) * bins + 0.5).astype(int) % bins
    row, column = (np.arange(side) * cells // side for side in flow.shape[:2])
    position = (row[:, None] * cells + column) * bins + direction
    magnitude = np.hypot(u, v)
    histograms = np.bincount(position.ravel(), magnitude.ravel(), cells * cells * bins).reshape(-1, bins)
    total = histograms.sum(1, keepdims=True)
    normalised = np.divide(histograms, total, out=np.zeros_like(histograms), where=total > 0)
    return normalised.ravel().astype(np.float32)
