"""Turns an OpenCV method for one pair of grey frames into a method for batches of RGB frames."""

from collections.abc import Callable

import cv2
import numpy as np


def batch_method(
    solve: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Turn a method for two grey frames into one for batches of RGB frames.

    Pairs share nothing, so a batch equals its pairs one by one and threads can run in parallel.

    Parameters
    ----------
    solve : two (H, W) uint8 -> (H, W, 2) float32 px
    """

    def run(onsets: np.ndarray, apexes: np.ndarray) -> np.ndarray:
        flows = np.empty(onsets.shape[:3] + (2,), np.float32)
        for flow, onset, apex in zip(flows, onsets, apexes):
            flow[:] = solve(cv2.cvtColor(onset, cv2.COLOR_RGB2GRAY), cv2.cvtColor(apex, cv2.COLOR_RGB2GRAY))
        return flows

    return run
