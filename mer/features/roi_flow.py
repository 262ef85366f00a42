"""Motion and strain of 17 named facial regions (brows, lids, cheeks, nose, lips, chin): 51 numbers.

Our own feature, after the regions of interest used since MDMO (mdmo.py). The regions are the sites of
data_prep/face_regions.py: means weighted by a Gaussian around landmarks, so that a jitter of one pixel in a
landmark changes little.
"""

import numpy as np

from data_prep.face_regions import SITES
from data_prep.landmarks import interocular
from flow.strain import strain
from mer.features._head_motion import local_mean, subtract_head_motion

PER_CENT = 100.0


def extract(flow: np.ndarray, landmarks: np.ndarray, remove_head_motion: bool = True) -> np.ndarray:
    """Return u, v and strain magnitude at each site of `data_prep.face_regions.SITES`.

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
    (51,) float32
        u and v in % of the inter-ocular distance; strain in %.
    """
    flow = subtract_head_motion(flow, landmarks) if remove_head_motion else flow
    eyes = interocular(landmarks)
    maps = np.dstack([flow / eyes, strain(flow).magnitude]) * PER_CENT
    means = [
        local_mean(maps, landmarks[list(points)].mean(0), radius * eyes) for points, radius in SITES.values()
    ]
    return np.concatenate(means).astype(np.float32)
