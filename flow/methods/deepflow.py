"""DeepFlow's variational part (OpenCV contrib): coarse to fine in steps of 0.95; accurate and slow.

OpenCV omits DeepMatching, which matters only for large motion, and exposes no setting.

References
----------
Weinzaepfel et al., "DeepFlow: Large displacement optical flow with deep matching", ICCV 2013;
`cv2.optflow.createOptFlow_DeepFlow`.
"""

import cv2
import numpy as np

from flow.methods._grey import batch_method


def load(device: str = "cpu"):
    """Load the method; it has no options and ignores `device`."""

    def solve(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
        return cv2.optflow.createOptFlow_DeepFlow().calc(onset, apex, None)

    return batch_method(solve)
