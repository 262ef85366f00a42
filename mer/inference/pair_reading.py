"""What a bundle makes of two frames, in this process or in one beside it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mer.bundle import Bundle, default_path
from mer.inference import attribution, models
from mer.inference.motion import AlignedPair, PairMotion, measure_pair
from mer_core import parallel
from mer_core.device import n_cores


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
    weights = models.get_method(recipe.method, recipe.method_options).weights
    return PairReading(pair, probabilities, opposite, decision, weights)


@contextmanager
def reader_beside(bundle: str | Path | None, device: str) -> Iterator[Reader]:
    """Load bundle and flow network in a process beside this one, and yield a reader that asks it.

    For one clip of a command: loading takes as long as tracking some seconds of video. Where torch is loaded
    already, or there is one core only, the reader asks this process.
    """
    path = str(bundle or default_path())
    if not _saves_time():
        yield partial(_read, path)
        return
    with parallel.companion(partial(_load, path, device), n_cores()) as call:
        yield lambda aligned: call(partial(_read, path, aligned))


def _saves_time() -> bool:
    return "torch" not in sys.modules and n_cores() > 1


def _load(bundle: str, device: str) -> None:
    models.use_device(device)
    recipe = models.get_bundle(bundle).recipe
    models.get_method(recipe.method, recipe.method_options)


def _read(bundle: str, aligned: AlignedPair) -> PairReading:
    return read_pair(models.get_bundle(bundle), aligned)
