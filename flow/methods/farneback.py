"""Farneback: polynomial expansion (OpenCV), a common quick choice.

Source: Farneback, "Two-Frame Motion Estimation Based on Polynomial Expansion", SCIA 2003; `cv2.calcOpticalFlowFarneback`.
"""

import cv2
import numpy as np

from flow.methods._grey import each_pair


def load(device: str = "cpu", levels: int = 3, window: int = 15, iterations: int = 3, poly_n: int = 5, poly_sigma: float = 1.2):
    """levels : of the pyramid; window : px that share a motion; poly_n, poly_sigma : px, the fitted neighbourhood."""

    def solve(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
        flags = cv2.OPTFLOW_FARNEBACK_GAUSSIAN
        return cv2.calcOpticalFlowFarneback(onset, apex, None, 0.5, levels, window, iterations, poly_n, poly_sigma, flags)

    return each_pair(solve)
