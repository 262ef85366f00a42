"""OpenCV's variational refinement on a pyramid: the most accurate classical method on small facial motion.

Levels differ by 5 % and get one update each; docs/results/classical-settings.md compares other settings.

References
----------
The energy is that of Brox et al., "High Accuracy Optical Flow Estimation Based on a Theory for Warping", ECCV
2004, as solved by `cv2.VariationalRefinement`, which has no pyramid of its own.
"""

import cv2
import numpy as np

from flow.methods._grey import batch_method

MIN_SIDE = 16  # px, the shorter side of the smallest level


def load(device: str = "cpu", ratio: float = 0.95):
    """Load the method.

    Parameters
    ----------
    device : str
        Ignored; the method runs on the CPU.
    ratio : float
        Size of each pyramid level relative to the next finer one.
    """

    def solve(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
        refinement = cv2.VariationalRefinement_create()
        refinement.setFixedPointIterations(3)
        refinement.setSorIterations(15)
        refinement.setOmega(1.9)
        u = v = np.zeros((0, 0), np.float32)
        for onset_level, apex_level in reversed(_pyramid(onset, apex, ratio)):
            height, width = onset_level.shape
            if not u.size:
                u, v = np.zeros((2, height, width), np.float32)
            else:
                scale_x, scale_y = np.float32(width / u.shape[1]), np.float32(height / u.shape[0])
                u = cv2.resize(u, (width, height)) * scale_x
                v = cv2.resize(v, (width, height)) * scale_y
            u, v = refinement.calcUV(onset_level, apex_level, u, v)
        return np.stack([u, v], axis=-1)

    return batch_method(solve)


def _pyramid(onset: np.ndarray, apex: np.ndarray, ratio: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return both frames (H, W) float32 at each size, the finest first."""
    levels = [(onset.astype(np.float32), apex.astype(np.float32))]
    height, width = onset.shape
    while min(height, width) * ratio ** len(levels) >= MIN_SIDE:
        size = (round(width * ratio ** len(levels)), round(height * ratio ** len(levels)))
        levels.append(tuple(cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in levels[-1]))
    return levels
