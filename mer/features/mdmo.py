"""MDMO: the mean flow in the main direction of each facial region.

Source: Liu, Zhang, Yan, Wang, Zhao and Fu, "A main directional mean optical flow feature for spontaneous
micro-expression recognition", IEEE Transactions on Affective Computing 7(4), 2016: 36 regions from 66
landmarks, 8 directions, head motion removed by an affine fit, (length, angle) of the main direction's mean.

Differences:
- The regions are discs around the 17 sites of data_prep/face_regions.py, because the 66 landmarks belong to
  another detector.
- Head motion is a similarity on stable points.
- The mean is given as (u, v), because an angle is discontinuous.
- Onset and apex are compared; the source averages over all frames.
"""

import numpy as np

from data_prep.face_regions import SITES
from data_prep.landmarks import interocular
from mer.features._head_motion import subtract_head_motion

N_DIRECTIONS = 8
PER_CENT = 100.0


def extract(flow: np.ndarray, landmarks: np.ndarray, remove_head_motion: bool = True) -> np.ndarray:
    """Return u and v of the main direction at each site of `data_prep.face_regions.SITES`.

    Parameters
    ----------
    flow : (H, W, 2) float32 px
        u right, v down.
    landmarks : (478, 2) float32 px
        Of the same face.
    remove_head_motion : bool
        Remove the head's motion first.

    Returns
    -------
    (34,) float32
        % of the inter-ocular distance; 0 for a site outside the picture.
    """
    flow = subtract_head_motion(flow, landmarks) if remove_head_motion else flow
    eyes = interocular(landmarks)
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]]
    means = []
    for points, radius in SITES.values():
        centre = landmarks[list(points)].mean(0)
        is_inside = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= (radius * eyes) ** 2
        means.append(main_direction_mean(flow[is_inside]))
    return (np.concatenate(means) * (PER_CENT / eyes)).astype(np.float32)


def main_direction_mean(vectors: np.ndarray) -> np.ndarray:
    """Return the mean (2,) of the `vectors` (N, 2) in the most frequent of eight directions; 0 if N is 0.

    The first direction is centred on the right; the first of equally frequent ones is taken.
    """
    if not len(vectors):
        return np.zeros(2)
    turns = np.arctan2(vectors[:, 1], vectors[:, 0]) / (2 * np.pi)
    direction = np.floor(turns * N_DIRECTIONS + 0.5).astype(int) % N_DIRECTIONS
    return vectors[direction == np.bincount(direction).argmax()].mean(0)
