"""A coarse-to-fine pyramid of OpenCV's variational refinement: the most accurate classical method on small facial motion.

Levels 5 % apart, with one update at each, reach what fewer levels with more updates do not. Measured on pairs of
`flow/benchmark_pairs.py` (seed 1000; the reported benchmark uses other seeds), EPE 224 / 448 px, brightness matched:

    halving, OpenCV's own settings, 1 update per level      0.300  0.346   (24 pairs per size, as the next six)
    halving, 5 updates                                      0.092  0.094
    steps of 0.75, 3 updates, 15 solver sweeps              0.057  0.053
    + overrelaxation 1.6 -> 1.9                             0.052  0.050
    steps of 0.8, 2 updates                                 0.052  0.049
    steps of 0.9, 1 update                                  0.050  0.047
    the same with smoothness 20 -> 25                       0.058  0.050   (at steps of 0.8; gradient error 0.011, not 0.012)
    steps of 0.95, 1 update of 3 iterations                 0.048  0.048   <- taken (18 and 6 pairs; 0.9 has 0.050 / 0.049 there)

A blur of 0.5 px first is a little better at 224 (0.049 instead of 0.050 at steps of 0.9) but makes the gradient noisier
(0.0120 instead of 0.0115, at 448 0.0102 instead of 0.0095), as do data terms twice as strong; both were left out.
Subtracting a local mean (0.055 / 0.053 instead of 0.052 / 0.049 at steps of 0.8) is worse.

Source: the energy is that of Brox et al., "High Accuracy Optical Flow Estimation Based on a Theory for Warping", ECCV
2004, as solved by `cv2.VariationalRefinement`, which by itself knows no pyramid.
"""

import cv2
import numpy as np

from flow.methods._grey import each_pair

COARSEST = 16  # px, the shorter side of the smallest level


def load(device: str = "cpu", ratio: float = 0.95):
    """ratio : size of each pyramid level against the next finer one."""

    def solve(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
        refinement = cv2.VariationalRefinement_create()
        refinement.setFixedPointIterations(3)
        refinement.setSorIterations(15)
        refinement.setOmega(1.9)
        u = v = None
        for fine, moved in reversed(_pyramid(onset, apex, ratio)):
            height, width = fine.shape
            if u is None:
                u, v = np.zeros((2, height, width), np.float32)
            else:
                stretch_x, stretch_y = np.float32(width / u.shape[1]), np.float32(height / u.shape[0])
                u = cv2.resize(u, (width, height)) * stretch_x
                v = cv2.resize(v, (width, height)) * stretch_y
            u, v = refinement.calcUV(fine, moved, u, v)
        return np.stack([u, v], axis=-1)

    return each_pair(solve)


def _pyramid(onset: np.ndarray, apex: np.ndarray, ratio: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Both frames (H, W) float32 at each size, the finest first."""
    levels = [(onset.astype(np.float32), apex.astype(np.float32))]
    height, width = onset.shape
    while min(height, width) * ratio ** len(levels) >= COARSEST:
        size = (round(width * ratio ** len(levels)), round(height * ratio ** len(levels)))
        levels.append(tuple(cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in levels[-1]))
    return levels
