"""Flow image: u, v and strain of the whole face as a small three-channel map, scaled by the face.

Source: the input of STSTNet and of the methods after it (Liong et al., FG 2019). Difference: public code
rescales every map to its own minimum and maximum, which loses sign and amplitude. Here the scale is the
inter-ocular distance, so amplitudes compare between clips.
"""

from typing import Literal, NamedTuple

import cv2
import numpy as np

from data_prep.landmarks import EYE_CORNERS, interocular
from flow.strain import strain
from mer.features._head_motion import subtract_head_motion

PER_CENT = 100.0
MOUTH_CORNERS = [61, 291]


class FaceBox(NamedTuple):
    """Where a face lies in its box."""

    interocular: float  # fraction of the width
    eyes: float  # fraction of the height, from the top
    mouth: float  # mouth corners, as `eyes`


# The face with its forehead, stretched to a square, as public ready-made maps are cut. Measured where the 238
# maps of docs/results/real-flow-dev.md move most, over all labels.
BOX = FaceBox(interocular=0.375, eyes=0.385, mouth=0.75)


def extract(
    flow: np.ndarray,
    landmarks: np.ndarray,
    size: int = 28,
    remove_head_motion: bool = False,
    crop: Literal["frame", "box"] = "frame",
) -> np.ndarray:
    """Return u, v and strain magnitude, averaged over the pixels that each cell covers.

    Parameters
    ----------
    flow : (H, W, 2) float32 px
        u right, v down.
    landmarks : (478, 2) float32 px
        Of the same face.
    size : int
        Cells per side, 28 to 224 in the field.
    remove_head_motion : bool
        Remove the head's motion first.
    crop : {"frame", "box"}
        The whole flow, or the face's box as in ready-made maps; the border is repeated beyond the flow.

    Returns
    -------
    (3, size, size) float32
        u and v in % of the inter-ocular distance; strain in %.
    """
    flow = subtract_head_motion(flow, landmarks) if remove_head_motion else flow
    u, v = np.moveaxis(flow * (PER_CENT / interocular(landmarks)), -1, 0)
    maps = np.stack([u, v, strain(flow).magnitude * PER_CENT], axis=-1).astype(np.float32)
    if crop == "box":
        maps = _crop_box(maps, landmarks, side=size * max(1, round(len(flow) / size)))
    return np.moveaxis(cv2.resize(maps, (size, size), interpolation=cv2.INTER_AREA), -1, 0).copy()


def _crop_box(maps: np.ndarray, landmarks: np.ndarray, side: int) -> np.ndarray:
    """Cut `maps` (H, W, C) along the face's box, stretched to (side, side, C)."""
    right, left = (landmarks[list(corners)].mean(axis=0) for corners in EYE_CORNERS)
    eyes, mouth = (right + left) / 2, landmarks[MOUTH_CORNERS].mean(axis=0)
    # The lower bound keeps the box from being empty when the face is not upright.
    eyes_to_mouth = max(mouth[1] - eyes[1], 0.5 * interocular(landmarks))
    height = eyes_to_mouth / (BOX.mouth - BOX.eyes)
    scale = side / np.array([interocular(landmarks) / BOX.interocular, height])
    shift = side * np.array([0.5, BOX.eyes]) - 0.5 - scale * eyes
    matrix = np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]])
    return cv2.warpAffine(maps, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
