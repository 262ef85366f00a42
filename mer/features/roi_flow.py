"""Motion of 17 named regions of the face (brows, lids, cheeks, nose, lips, chin), head motion removed: 51
numbers.

Ours, after the regions of interest that the field uses since MDMO (see mdmo.py). The regions are the sites of
data_prep/face_regions.py: means weighted by a Gaussian around landmarks, so that a landmark that jitters by a
pixel changes little.
"""

import numpy as np

from data_prep.face_regions import SITES
from data_prep.landmarks import interocular
from flow.strain import strain
from mer.features._head_motion import local_mean, subtract_head_motion

PER_CENT = 100.0


def extract(flow: np.ndarray, landmarks: np.ndarray, remove_head_motion: bool = True) -> np.ndarray:
    """Return u, v and strain magnitude of each site in the order of `flow.motion.SITES`, (51,) float32.

    flow : (H, W, 2) float32 px, u right, v down;  landmarks : (478, 2) float32 px of the same face
    remove_head_motion : take out the head's motion first
    u and v in per cent of the inter-ocular distance; strain in per cent
    """
    flow = subtract_head_motion(flow, landmarks) if remove_head_motion else flow
    eyes = interocular(landmarks)
    maps = np.dstack([flow / eyes, strain(flow).magnitude]) * PER_CENT
    sites = [
        local_mean(maps, landmarks[list(points)].mean(0), reach * eyes) for points, reach in SITES.values()
    ]
    return np.concatenate(sites).astype(np.float32)
