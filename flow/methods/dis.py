"""DIS: dense inverse search with variational refinement (OpenCV), the fastest classical method.

The preset "face" is tuned for faces, see docs/results/classical-settings.md. "full" is OpenCV's "medium"
carried on to full resolution: OpenCV stops at half of it, and loses half of a motion of a quarter of a pixel.
The others are OpenCV's own.

References
----------
Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016; `cv2.DISOpticalFlow`.
"""

import threading

import cv2
import numpy as np

from flow.methods._grey import batch_method
from mer_core import registry

OPENCV_PRESETS = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}


def load(device: str = "cpu", preset: str = "face"):
    """Load the method.

    Parameters
    ----------
    device : str
        Ignored; the method runs on the CPU.
    preset : str
        "face", "full", or one of OpenCV's own: "ultrafast", "fast", "medium".
    """
    registry.check_name(preset, ["face", "full", *OPENCV_PRESETS], "preset of dis")

    # An object that is kept has its buffers, which saves a fifth of the time. It is made anew for frames of
    # another size, because OpenCV changes its settings where frames are too small for them.
    local = threading.local()

    def solve(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
        if getattr(local, "shape", None) != onset.shape:
            local.dis, local.shape = _create(preset), onset.shape
        return local.dis.calc(onset, apex, None)

    return batch_method(solve)


def _create(preset: str) -> cv2.DISOpticalFlow:
    dis = cv2.DISOpticalFlow_create(OPENCV_PRESETS.get(preset, cv2.DISOPTICAL_FLOW_PRESET_MEDIUM))
    if preset in ("face", "full"):
        dis.setFinestScale(0)
    if preset == "face":
        dis.setPatchSize(12)
        dis.setPatchStride(3)
        dis.setUseSpatialPropagation(False)
        dis.setVariationalRefinementIterations(40)
        dis.setVariationalRefinementAlpha(30)
    return dis
