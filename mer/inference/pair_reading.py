"""What a bundle makes of two frames."""

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from data_prep.align import EYE_CENTRE, INTEROCULAR_FRACTION
from data_prep.landmarks import N_POINTS
from mer.bundle import Bundle
from mer.inference import attribution, models
from mer.inference.action_units import Unit, find_units
from mer.inference.head_motion import POINTS, mean_face
from mer.inference.motion import AlignedPair, PairMotion, measure_pair
from mer_core.memory import drop_unchanged_pages

WARM_UP_PX = 64  # side of the small pair that loads everything


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
        Each region's fraction of the decision.
    units : list of Unit
        What the motion consists of. Both are empty if no explanation is asked for.
    flow_weights : str or None
        Digest of the weights of the flow network.
    """

    pair: PairMotion
    probabilities: dict[str, float]
    opposite: dict[str, float]
    decision: dict[str, float]
    units: list[Unit]
    flow_weights: str | None


Reader = Callable[[AlignedPair], PairReading]


def read_pair(fitted: Bundle, aligned: AlignedPair, with_explanation: bool = True) -> PairReading:
    """Measure the motion between two aligned frames and ask the bundle.

    With `with_explanation`, find out how much each region decides and which action units move, too.
    """
    recipe, landmarks = fitted.recipe, aligned.landmarks
    pair = measure_pair(aligned, recipe)
    both_ways = [fitted.extract(flow, landmarks) for flow in (pair.input_flow, -pair.input_flow)]
    probabilities, opposite = (
        dict(zip(recipe.labels, map(float, p))) for p in fitted.predict_proba(np.stack(both_ways))
    )
    decision, units = {}, []
    if with_explanation:
        decision = attribution.decision_fractions(fitted, pair.input_flow, landmarks)
        units = find_units(landmarks, pair.facial.points)
    weights = models.get_method(recipe.clip_input.method, recipe.method_options).weights
    return PairReading(pair, probabilities, opposite, decision, units, weights)


def warm_up(fitted: Bundle) -> None:
    """Load the flow network of a bundle, and read a small pair, because much loads at the first reading."""
    models.get_method(fitted.recipe.clip_input.method, fitted.recipe.method_options)
    with suppress(Exception):  # whatever is wrong with the bundle is said when a clip is read
        read_pair(fitted, _small_pair())
    drop_unchanged_pages()


def _small_pair() -> AlignedPair:
    """Return a pair without a face, with landmarks where one would have them."""
    points = np.pad(mean_face()[:, :2], ((0, N_POINTS - POINTS), (0, 0)))
    landmarks = (WARM_UP_PX * (points * INTEROCULAR_FRACTION + EYE_CENTRE)).astype(np.float32)
    noise = np.random.default_rng(0).integers(0, 256, (2, WARM_UP_PX, WARM_UP_PX, 3), np.uint8)
    return AlignedPair(list(noise), np.eye(2, 3), landmarks)
