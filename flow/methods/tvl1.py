"""TV-L1 (OpenCV contrib), the field's usual input to micro-expression classifiers.

Source: Zach, Pock and Bischof, "A Duality Based Approach for Realtime TV-L1 Optical Flow", DAGM 2007; Sanchez Perez et
al., IPOL 2013; `cv2.optflow.DualTVL1OpticalFlow_create`.
"""

import cv2
import numpy as np

from flow.methods._grey import each_pair


def load(device: str = "cpu", preset: str = "face"):
    """preset : "face", or "opencv" for OpenCV's defaults."""

    def solve(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
        return cv2.optflow.DualTVL1OpticalFlow_create().calc(onset, apex, None)

    return each_pair(solve)
