"""Farneback: polynomial expansion (OpenCV), a common quick choice, and the least accurate here.

Measured on pairs of `flow/benchmark_pairs.py` (seed 1000, 18 at 224 px and 6 at 448 px; the reported benchmark uses other seeds), EPE
224 / 448 px by window, brightness matched: 15 px as in OpenCV's example 0.119 / 0.273, 21 px 0.109 / 0.224 (taken), 31 px
0.122 / 0.203. A Gaussian window of the same size (0.129 / 0.281), a wider polynomial (0.129 / 0.297) and smaller pyramid
steps (0.109 / 0.224) gained nothing.

Source: Farneback, "Two-Frame Motion Estimation Based on Polynomial Expansion", SCIA 2003; `cv2.calcOpticalFlowFarneback`.
"""

import cv2
import numpy as np

from flow.methods._grey import each_pair


def load(
    device: str = "cpu",
    levels: int = 3,
    window: int = 21,
    iterations: int = 3,
    poly_n: int = 5,
    poly_sigma: float = 1.1,
):
    """levels : of the pyramid; window : px that share a motion; poly_n, poly_sigma : px, the fitted neighbourhood."""

    def solve(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
        return cv2.calcOpticalFlowFarneback(
            onset, apex, None, 0.5, levels, window, iterations, poly_n, poly_sigma, 0
        )

    return each_pair(solve)
