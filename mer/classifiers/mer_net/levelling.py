"""One scale for motion maps of any origin: still skin is 0 and every map of every clip moves equally much.

Ready-made maps are stretched to their own range, so that neither their zero nor their amplitude means anything; maps in pixels
keep both, but how far a face moves says little about why. Each clip is treated by itself, so nothing is learned here.
"""

import numpy as np
import torch
from torch.nn import functional as F

SIDE = 14  # cells, side of a levelled map: a seventh of the distance between the eyes, finer than any muscle
TAIL = 3.0  # from about here on values are compressed, so that a blink is not all that a map says


def pooled(X: np.ndarray) -> np.ndarray:
    """(N, C, H, W) float -> (N, C, 14, 14) float32 in the same unit: the mean over cells."""
    return (
        F.adaptive_avg_pool2d(torch.from_numpy(np.asarray(X, dtype=np.float64)), SIDE)
        .numpy()
        .astype(np.float32)
    )


def levelled(X: np.ndarray) -> np.ndarray:
    """(N, C, H, W) float of any unit -> (N, C, 14, 14) float32 without one.

    Of each channel of each clip: less its median (most skin is still), over its root mean square, tanh beyond three of
    these, then the mean over cells. A map that is the same everywhere becomes 0.
    """
    X = np.asarray(X, dtype=np.float64)
    X = X - np.median(X, axis=(2, 3), keepdims=True)
    power = np.sqrt((X**2).mean((2, 3), keepdims=True))
    return pooled(TAIL * np.tanh(X / np.where(power == 0, 1.0, power) / TAIL))


def mirrored(maps: np.ndarray) -> np.ndarray:
    """The same faces in a mirror: (N, C, H, W) turned left to right, and u, the first of the three channels of each phase, negated."""
    maps = maps[..., ::-1].copy()
    maps[:, ::3] *= -1
    return maps
