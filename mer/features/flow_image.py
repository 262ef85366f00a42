"""Flow image: u, v and strain of the whole face as a small three-channel picture, in per cent of the face's own scale.

Source: the input of STSTNet and of the methods after it (Liong et al., FG 2019). What differs: public code rescales every
picture to its own minimum and maximum, which loses sign and amplitude. Here every clip is divided by the same thing.
"""

import cv2
import numpy as np

from data_prep.landmarks import interocular
from flow.strain import strain
from mer.features._steady import steadied

PER_CENT = (
    100.0  # motion is about one per cent of the inter-ocular distance: whole numbers are easier to read
)


def extract(flow: np.ndarray, landmarks: np.ndarray, size: int = 28, steady: bool = False) -> np.ndarray:
    """Return u, v and strain magnitude, (3, size, size) float32, the mean over the pixels that each cell covers.

    flow : (H, W, 2) float32 px, u right, v down
    landmarks : (478, 2) float32 px of the same face
    size : cells a side, 28 to 224 in the field;  steady : take out the head's motion first
    u and v in per cent of the inter-ocular distance; strain in per cent (px per px needs no such scale)
    """
    flow = steadied(flow, landmarks) if steady else flow
    u, v = np.moveaxis(flow * (PER_CENT / interocular(landmarks)), -1, 0)
    maps = np.stack([u, v, strain(flow).magnitude * PER_CENT], axis=-1).astype(np.float32)
    return np.moveaxis(cv2.resize(maps, (size, size), interpolation=cv2.INTER_AREA), -1, 0).copy()
