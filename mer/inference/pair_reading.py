"""What a bundle makes of two frames."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mer.bundle import Bundle
from mer.inference import attribution, models
from mer.inference.motion import AlignedPair, PairMotion, measure_pair


class PairReading(NamedTuple):
    """What a bundle makes of onset and apex.

    Attributes
    ----------
    pair : PairMotion
    probabilities : dict
        Probability of each label.
    opposite : dict
        The same for the opposite motion.
    decision : dict
        Each region's fraction of the decision; empty if not asked for.
    flow_weights : str or None
        Digest of the weights of the flow network.
    """

    pair: PairMotion
    probabilities: dict[str, float]
    opposite: dict[str, float]
    decision: dict[str, float]
    flow_weights: str | None


Reader = Callable[[AlignedPair], PairReading]


def read_pair(fitted: Bundle, aligned: AlignedPair, with_decision: bool = True) -> PairReading:
    """Measure the motion between two aligned frames and ask the bundle.

    With `with_decision`, find out how much each region decides, too.
    """
    recipe, landmarks = fitted.recipe, aligned.landmarks
    pair = measure_pair(aligned, recipe)
    both_ways = [fitted.extract(flow, landmarks) for flow in (pair.input_flow, -pair.input_flow)]
    probabilities, opposite = (
        dict(zip(recipe.labels, map(float, p))) for p in fitted.predict_proba(np.stack(both_ways))
    )
    decision = attribution.decision_fractions(fitted, pair.input_flow, landmarks) if with_decision else {}
    weights = models.get_method(recipe.clip_input.method, recipe.method_options).weights
    return PairReading(pair, probabilities, opposite, decision, weights)
