"""DIS: dense inverse search with variational refinement (OpenCV), the fastest of the classical methods.

Source: Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016; `cv2.DISOpticalFlow`.
"""

import cv2
import numpy as np

from flow.methods._grey import each_pair

PRESETS = {"ultrafast": 0, "fast": 1, "medium": 2}


def load(device: str = "cpu", preset: str = "face"):
    """preset : "face", or one of OpenCV's own: "ultrafast", "fast", "medium"."""

    def solve(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
        dis = cv2.DISOpticalFlow_create(PRESETS.get(preset, 2))
        if preset == "face":
            dis.setFinestScale(0)
            dis.setPatchSize(12)
            dis.setPatchStride(3)
            dis.setVariationalRefinementIterations(20)
        return dis.calc(onset, apex, None)

    return each_pair(solve)
