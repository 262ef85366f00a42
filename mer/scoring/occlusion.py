"""What part of the decision each region of the face carries: the label's probability when that region does not move."""

import numpy as np

from mer.bundle import Bundle
from mer.scoring.regions import NAMES, partition


def shares(bundle: Bundle, flow: np.ndarray, landmarks: np.ndarray, label: int) -> dict[str, float]:
    """Region -> its share of the decision for `label`, all at least 0 and together 1; all 0 where no region matters.

    flow : (H, W, 2) px as the bundle takes it; landmarks : (478, 2) px
    A region counts by how much its stillness lowers the log odds of the label against the likeliest other one.
    """
    still = [flow * (1 - part[..., None]) for part in partition(landmarks, flow.shape[:2])]
    p = bundle.predict_proba(np.stack([bundle.extract(shown, landmarks) for shown in (flow, *still)]))
    p = np.clip(p, 1e-30, None)
    odds = np.log(p[:, label]) - np.log(np.delete(p, label, axis=1).max(1))
    lost = np.maximum(odds[0] - odds[1:], 0)
    return dict(zip(NAMES, (lost / max(lost.sum(), 1e-9)).tolist()))
