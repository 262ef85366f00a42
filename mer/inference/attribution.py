"""How much each region of the face decides: how the probabilities change if that region does not move."""

import numpy as np

from mer.bundle import Bundle
from mer.inference.regions import NAMES, measure_regions, partition_face

# A region that moves less than this fraction of the strongest decides nothing: classifiers that level each
# clip amplify the noise of the rest once such a region is still.
MIN_MOTION_RATIO = 1 / 3


def decision_fractions(bundle: Bundle, flow: np.ndarray, landmarks: np.ndarray) -> dict[str, float]:
    """Return each region's fraction of the decision.

    A region counts by how much stilling it changes the log probabilities, in favour of whichever label; a
    change that all labels share does not count.

    Parameters
    ----------
    bundle : Bundle
    flow : (H, W, 2) px
        As the bundle reads it.
    landmarks : (478, 2) px

    Returns
    -------
    dict
        Region to fraction, all at least 0 and summing to 1; all 0 if no region matters.
    """
    motion = np.array([region.motion for region in measure_regions(flow, landmarks)])
    stilled = [flow * (1 - part[..., None]) for part in partition_face(landmarks, flow.shape[:2])]
    inputs = np.stack([bundle.extract(candidate, landmarks) for candidate in (flow, *stilled)])
    logs = np.log(np.clip(bundle.predict_proba(inputs), 1e-30, None))
    change = logs[1:] - logs[0]
    weight = np.abs(change - change.mean(1, keepdims=True)).sum(1)
    weight *= motion >= MIN_MOTION_RATIO * motion.max()
    return dict(zip(NAMES, (weight / max(weight.sum(), 1e-9)).tolist()))
