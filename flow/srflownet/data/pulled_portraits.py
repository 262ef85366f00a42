"""Portraits under steep and narrow pulls at random places: motion that no head model produces.

Without it, a network learns to rely on expressions where skin moves otherwise.
"""

from pathlib import Path

import numpy as np

from data_prep.landmarks import interocular
from flow.splatting.dense_motion import area_ratio
from flow.splatting.portrait_motion import (
    MARGIN_PX,
    MIN_AREA_RATIO,
    PortraitView,
    portrait_texture,
    visible_mask,
    warp_texture,
)
from flow.srflownet.data.animated_portraits import (
    ALIGNED_INTEROCULAR_PX,
    PEAK_PX,
    STILL_FRACTION,
    AnimatedPortraits,
    load_fitted_portrait,
    random_view,
    vary_appearance,
)
from flow.srflownet.data.generic import TrainingPair, simulate_camera

MAX_SLOPE = 0.7  # px per px, of a single pull
PULL_REACHES = (0.05, 0.5)  # inter-ocular distances, deviation of a pull along and across its direction
MAX_DRIFT_PX = 1.5  # at 224 px, motion of the whole frame, in half of the pairs


class PulledPortraits(AnimatedPortraits):
    """Endless indexable set of pairs of `size` px; parameters as in `AnimatedPortraits`."""

    def __getitem__(self, index: int) -> TrainingPair:
        return self.pair(np.random.default_rng((self.seed, 6, index)))

    def pair(self, rng: np.random.Generator) -> TrainingPair:
        """Draw a pair."""
        face = load_fitted_portrait(
            Path(self.portraits), self.names[rng.integers(len(self.names))], self.cache
        )
        view = random_view(rng, face, self.size)
        flow = random_pulls(rng, view)
        texture = vary_appearance(rng, portrait_texture(face, view, MARGIN_PX), view)
        onset, apex, residual = warp_texture(texture, MARGIN_PX, flow)
        onset, apex = simulate_camera(rng, onset, apex)
        return TrainingPair(
            onset, apex, flow, visible_mask(flow, residual), view.landmarks.astype(np.float32)
        )


def random_pulls(rng: np.random.Generator, view: PortraitView) -> np.ndarray:
    """Draw a sum of Gaussian pulls over a frame, (size, size, 2) float32 px, that never folds."""
    flow = np.zeros((view.size, view.size, 2), np.float32)
    if rng.random() < STILL_FRACTION:
        return flow
    unit = interocular(view.landmarks)
    peak = unit / ALIGNED_INTEROCULAR_PX * np.exp(rng.uniform(*np.log(PEAK_PX)))
    y, x = np.mgrid[: view.size, : view.size].astype(np.float32)
    for _ in range(rng.integers(1, 9)):
        reach = unit * np.exp(rng.uniform(*np.log([PULL_REACHES, PULL_REACHES]).T))
        reach = reach if rng.random() < 0.6 else reach[[0, 0]]
        length = min(peak * rng.uniform(0.2, 1), MAX_SLOPE * reach.min() / 0.6)
        axis, direction = rng.uniform(0, 2 * np.pi, 2)
        centre = rng.uniform(-0.05, 1.05, 2) * view.size
        along = (x - centre[0]) * np.cos(axis) + (y - centre[1]) * np.sin(axis)
        across = (y - centre[1]) * np.cos(axis) - (x - centre[0]) * np.sin(axis)
        bump = np.exp(-((along / reach[0]) ** 2 + (across / reach[1]) ** 2) / 2)
        flow += (length * bump)[..., None] * np.array([np.cos(direction), np.sin(direction)], np.float32)
    while (area_ratio(flow) < MIN_AREA_RATIO).any():
        flow *= 0.7
    if rng.random() < 0.5:
        length, angle = rng.uniform(0, MAX_DRIFT_PX * view.size / 224), rng.uniform(0, 2 * np.pi)
        flow += np.array([length * np.cos(angle), length * np.sin(angle)], np.float32)
    return flow
