"""What part of the decision each region of the face carries: how the probabilities change when that region
does not move.
"""

import numpy as np

from mer.bundle import Bundle
from mer.inference.regions import NAMES, measure, partition

# A region that moves less than this fraction of the one that moves most carries nothing: classifiers that
# level each clip answer to its stillness with what they make of the rest's noise.
LEAST = 1 / 3


def shares(bundle: Bundle, flow: np.ndarray, landmarks: np.ndarray) -> dict[str, float]:
    """Region -> its fraction of the decision, all at least 0 and together 1; all 0 where no region matters.

    flow : (H, W, 2) px as the bundle takes it; landmarks : (478, 2) px
    A region counts by how far its stillness moves the log probabilities, whichever label that speaks for;
    what all labels
    gain or lose alike does not count.
    """
    moved = np.array([region.motion for region in measure(flow, landmarks)])
    still = [flow * (1 - part[..., None]) for part in partition(landmarks, flow.shape[:2])]
    p = bundle.predict_proba(np.stack([bundle.extract(shown, landmarks) for shown in (flow, *still)]))
    logs = np.log(np.clip(p, 1e-30, None))
    change = logs[1:] - logs[0]
    counts = np.abs(change - change.mean(1, keepdims=True)).sum(1) * (moved >= LEAST * moved.max())
    return dict(zip(NAMES, (counts / max(counts.sum(), 1e-9)).tolist()))
