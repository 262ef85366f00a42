"""TV-L1 (OpenCV contrib), the field's usual input to micro-expression classifiers; slow.

The "face" settings were measured on pairs of `flow/benchmark_pairs.py` (seed 1000, 18 at 224 px and 6 at 448 px; the reported
benchmark uses other seeds). EPE 224 / 448 px and gradient error at 224, brightness matched:

    OpenCV's defaults                       0.074  0.064  0.016
    coupling theta 0.3 -> 0.15              0.070  0.061  0.018
    + data weight lambda 0.15 -> 0.2        0.068  0.061  0.019   <- taken, and it takes two thirds of the time
    theta 0.2, lambda 0.3                   0.067  0.064  0.020

On the first 12 pairs at 224 (defaults 0.077): a local mean of 8 px removed first 0.081, a blur of 0.7 px 0.075, twice as
many pyramid levels 0.077. What decides is the brightness matching: see the rows of the benchmark without it.

Source: Zach, Pock and Bischof, "A Duality Based Approach for Realtime TV-L1 Optical Flow", DAGM 2007; Sanchez Perez et
al., IPOL 2013; `cv2.optflow.DualTVL1OpticalFlow_create`.
"""

import cv2
import numpy as np

from flow.methods._grey import each_pair
from mer_core import registry

SETTINGS = {"face": {"theta": 0.15, "lambda_": 0.2}, "opencv": {}}


def load(device: str = "cpu", preset: str = "face"):
    """preset : "face", or "opencv" for OpenCV's defaults."""
    registry.check(preset, list(SETTINGS), "preset of tvl1")

    def solve(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
        return cv2.optflow.DualTVL1OpticalFlow_create(**SETTINGS[preset]).calc(onset, apex, None)

    return each_pair(solve)
