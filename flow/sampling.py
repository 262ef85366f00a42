"""Random draws shared by the data engine, the training sources and the benchmarks."""

from typing import overload

import numpy as np


@overload
def log_uniform(rng: np.random.Generator, low: float, high: float) -> float: ...
@overload
def log_uniform(rng: np.random.Generator, low: float, high: float, size: int) -> np.ndarray: ...
def log_uniform(
    rng: np.random.Generator, low: float, high: float, size: int | None = None
) -> float | np.ndarray:
    """Draw numbers between `low` and `high` whose logarithm is uniform: every octave is equally likely."""
    drawn = np.exp(rng.uniform(np.log(low), np.log(high), size))
    return float(drawn) if size is None else drawn
