"""TV-L1 (OpenCV contrib): the usual input of micro-expression classifiers; slow.

The preset "face" is tuned for faces, see docs/results/classical-settings.md; "opencv" has OpenCV's defaults.

References
----------
Zach, Pock and Bischof, "A Duality Based Approach for Realtime TV-L1 Optical Flow", DAGM 2007; Sanchez Perez
et al., IPOL 2013; `cv2.optflow.DualTVL1OpticalFlow_create`.
"""

import cv2
import numpy as np

from flow.methods._grey import batch_method
from mer_core import registry

PRESETS = {"face": {"theta": 0.15, "lambda_": 0.2}, "opencv": {}}


def load(device: str = "cpu", preset: str = "face"):
    """Load the method.

    Parameters
    ----------
    device : str
        Ignored; the method runs on the CPU.
    preset : str
        "face", or "opencv" for OpenCV's defaults.
    """
    registry.check_name(preset, list(PRESETS), "preset of tvl1")

    def solve(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
        return cv2.optflow.DualTVL1OpticalFlow_create(**PRESETS[preset]).calc(onset, apex, None)

    return batch_method(solve)
