"""MDMO: in each region of the face, the mean of the vectors that go the way most of them go.

Source: Liu, Zhang, Yan, Wang, Zhao and Fu, "A main directional mean optical flow feature for spontaneous
micro-expression recognition", IEEE Transactions on Affective Computing 7(4), 2016: 36 regions from 66
landmarks, 8 directions, head motion removed by an affine fit, (length, angle) of the main direction's mean.

What differs: the regions are discs around the 17 sites of data_prep/face_regions.py, because their 66
landmarks are another detector's; head motion is a similarity on stable points; the mean is given as (u, v),
since an angle jumps where it comes round; and two frames are compared, onset and apex, where the source
averages over all frames.
"""

import numpy as np

from data_prep.face_regions import SITES
from data_prep.landmarks import interocular
from mer.features._head_motion import subtract_head_motion

DIRECTIONS = 8
PER_CENT = 100.0


def extract(flow: np.ndarray, landmarks: np.ndarray, remove_head_motion: bool = True) -> np.ndarray:
    """Return u and v of each site in the order of `flow.motion.SITES`, (34,) float32, in per cent of the
    inter-ocular distance.

    flow : (H, W, 2) float32 px, u right, v down;  landmarks : (478, 2) float32 px of the same face
    remove_head_motion : take out the head's motion first
    A site outside of the picture is 0.
    """
    flow = subtract_head_motion(flow, landmarks) if remove_head_motion else flow
    eyes = interocular(landmarks)
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]]
    means = []
    for points, reach in SITES.values():
        centre = landmarks[list(points)].mean(0)
        inside = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= (reach * eyes) ** 2
        means.append(main_direction(flow[inside]))
    return (np.concatenate(means) * (PER_CENT / eyes)).astype(np.float32)


def main_direction(vectors: np.ndarray) -> np.ndarray:
    """Mean (2,) of those of `vectors` (N, 2) that fall into the fullest of eight directions; 0 without
    vectors.

    The first direction is centred on the right; where two are equally full, the first of them counts.
    """
    if not len(vectors):
        return np.zeros(2)
    direction = (
        np.floor(np.arctan2(vectors[:, 1], vectors[:, 0]) / (2 * np.pi) * DIRECTIONS + 0.5).astype(int)
        % DIRECTIONS
    )
    return vectors[direction == np.bincount(direction).argmax()].mean(0)
