"""Portraits whose skin is pulled by steep and narrow pulls at random places: motion that no head model makes.

Without it a network learns to trust expressions where skin moves in another way.
"""

from pathlib import Path

import numpy as np

from data_prep.landmarks import interocular
from flow.splatting.dense_motion import area_ratio
from flow.splatting.portrait_motion import (
    MIN_AREA_RATIO,
    PortraitView,
    portrait_texture,
    visible_mask,
    warp_texture,
)
from flow.srflownet.data.animated_portraits import (
    ALIGNED_INTEROCULAR_PX,
    MARGIN_PX,
    PEAK_PX,
    STILL_FRACTION,
    AnimatedPortraits,
    PortraitPair,
    load_fitted_portrait,
    random_view,
    vary_appearance,
)
from flow.srflownet.data.generic import simulate_camera

MAX_SLOPE = 0.7  # px per px, of a single pull
PULL_REACHES = (0.05, 0.5)  # inter-ocular distances, deviation of a pull along and across its direction
MAX_DRIFT_PX = 1.5  # px at 224, motion of the frame as a whole, in half of the pairs


class PulledPortraits(AnimatedPortraits):
    """Endless indexable set of pairs of `size` px; the arguments are those of `AnimatedPortraits`."""

    def __getitem__(self, index: int) -> PortraitPair:
        return self.pair(np.random.default_rng((self.seed, 6, index)))

    def pair(self, rng: np.random.Generator) -> PortraitPair:
        """Return a random pair."""
        face = load_fitted_portrait(
            Path(self.portraits), self.names[rng.integers(len(self.names))], self.cache
        )
        seen = random_view(rng, face, self.size)
        flow = random_pulls(rng, seen)
        texture = vary_appearance(rng, portrait_texture(face, seen, MARGIN_PX), seen)
        onset, apex, residual = warp_texture(texture, MARGIN_PX, flow)
        onset, apex = simulate_camera(rng, onset, apex)
        return PortraitPair(
            onset, apex, flow, visible_mask(flow, residual), seen.landmarks.astype(np.float32)
        )


def random_pulls(rng: np.random.Generator, seen: PortraitView) -> np.ndarray:
    """Return a sum of Gaussian pulls over a frame, (size, size, 2) float32 px, that folds nowhere."""
    flow = np.zeros((seen.size, seen.size, 2), np.float32)
    if rng.random() < STILL_FRACTION:
        return flow
    unit = interocular(seen.landmarks)
    peak = unit / ALIGNED_INTEROCULAR_PX * np.exp(rng.uniform(*np.log(PEAK_PX)))
    y, x = np.mgrid[: seen.size, : seen.size].astype(np.float32)
    for _ in range(rng.integers(1, 9)):
        reach = unit * np.exp(rng.uniform(*np.log([PULL_REACHES, PULL_REACHES]).T))
        reach = reach if rng.random() < 0.6 else reach[[0, 0]]
        length = min(peak * rng.uniform(0.2, 1), MAX_SLOPE * reach.min() / 0.6)
        turn, way = rng.uniform(0, 2 * np.pi, 2)
        centre = rng.uniform(-0.05, 1.05, 2) * seen.size
        along = (x - centre[0]) * np.cos(turn) + (y - centre[1]) * np.sin(turn)
        across = (y - centre[1]) * np.cos(turn) - (x - centre[0]) * np.sin(turn)
        bump = np.exp(-((along / reach[0]) ** 2 + (across / reach[1]) ** 2) / 2)
        flow += (length * bump)[..., None] * np.array([np.cos(way), np.sin(way)], np.float32)
    while (area_ratio(flow) < MIN_AREA_RATIO).any():
        flow *= 0.7
    if rng.random() < 0.5:
        length, way = rng.uniform(0, MAX_DRIFT_PX * seen.size / 224), rng.uniform(0, 2 * np.pi)
        flow += np.array([length * np.cos(way), length * np.sin(way)], np.float32)
    return flow
