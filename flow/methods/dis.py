"""DIS: dense inverse search with variational refinement (OpenCV), the fastest of the classical methods.

The "face" settings were measured on pairs of `flow/benchmark_pairs.py` (seed 1000; the reported benchmark uses other seeds). EPE
224 / 448 px and gradient error at 224, brightness matched, on 24 pairs per size:

    OpenCV's "medium"                                         0.084  0.085  0.013
    down to full resolution                                   0.077  0.111  0.018
    + patches of 12 px every 3 px, 20 refinement steps        0.063  0.084  0.015

and from there on 18 pairs at 224 and 6 at 448:

    + smoothness 20 -> 40                                     0.066  0.074  0.010
    + no spatial propagation, which spreads wrong matches     0.064  0.064  0.010
    + smoothness 30, 40 refinement steps                      0.060  0.061  0.011   <- taken

With smoothness 40 and 40 steps, patches of 8 px (0.067 / 0.065), 12 px (0.066 / 0.063) and 16 px (0.068 / 0.063) are alike.

Source: Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016; `cv2.DISOpticalFlow`.
"""

import cv2
import numpy as np

from flow.methods._grey import each_pair
from mer_core import registry

OPENCV = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}


def load(device: str = "cpu", preset: str = "face"):
    """preset : "face", or one of OpenCV's own: "ultrafast", "fast", "medium"."""
    registry.check(preset, ["face", *OPENCV], "preset of dis")

    def solve(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
        dis = cv2.DISOpticalFlow_create(OPENCV.get(preset, cv2.DISOPTICAL_FLOW_PRESET_MEDIUM))
        if preset == "face":
            dis.setFinestScale(0)
            dis.setPatchSize(12)
            dis.setPatchStride(3)
            dis.setUseSpatialPropagation(False)
            dis.setVariationalRefinementIterations(40)
            dis.setVariationalRefinementAlpha(30)
        return dis.calc(onset, apex, None)

    return each_pair(solve)
