"""Farneback: polynomial expansion (OpenCV), fast and the least accurate method here.

The window is tuned for faces, see docs/results/classical-settings.md.

References
----------
Farneback, "Two-Frame Motion Estimation Based on Polynomial Expansion", SCIA 2003;
`cv2.calcOpticalFlowFarneback`.
"""

import cv2
import numpy as np

from flow.methods._grey import batch_method


def load(
    device: str = "cpu",
    levels: int = 3,
    window: int = 21,
    iterations: int = 3,
    poly_n: int = 5,
    poly_sigma: float = 1.1,
):
    """Load the method.

    Parameters
    ----------
    device : str
        Ignored; the method runs on the CPU.
    levels : int
        Pyramid levels.
    window : int
        Side of the averaging window, px.
    iterations : int
        Per level.
    poly_n, poly_sigma : int, float
        Size and standard deviation of the fitted neighbourhood, px.
    """

    def solve(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
        return cv2.calcOpticalFlowFarneback(
            onset, apex, None, 0.5, levels, window, iterations, poly_n, poly_sigma, 0
        )

    return batch_method(solve)
