"""DeepFlow's variational part (OpenCV contrib): coarse to fine in steps of 0.95; accurate and slow.

OpenCV leaves out DeepMatching, which only matters for large motion, and exposes no setting.

Source: Weinzaepfel et al., "DeepFlow: Large displacement optical flow with deep matching", ICCV 2013;
`cv2.optflow.createOptFlow_DeepFlow`.
"""

import cv2
import numpy as np

from flow.methods._grey import batch_method


def load(device: str = "cpu"):
    """DeepFlow has no options."""

    def solve(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
        return cv2.optflow.createOptFlow_DeepFlow().calc(onset, apex, None)

    return batch_method(solve)
