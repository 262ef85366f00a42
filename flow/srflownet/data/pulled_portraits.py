"""Portraits whose skin is pulled by steep and narrow pulls at random places: motion that no head model makes.

Without it a network learns to trust expressions where skin moves in another way.
"""

from pathlib import Path

import numpy as np

from data_prep.landmarks import interocular
from flow.splatting.dense_motion import stretch
from flow.splatting.portrait_motion import FLATTEST, View, move, seen_in_both, texture_of
from flow.srflownet.data.animated_portraits import (
    EYES,
    MARGIN,
    PEAK,
    STILL,
    ScannedFaces,
    ScannedPair,
    lit,
    load_face,
    random_view,
)
from flow.srflownet.data.generic import camera

STEEPEST = 0.7  # px per px, of a single pull
REACH = (0.05, 0.5)  # inter-ocular distances, deviation of a pull along and across its direction
DRIFT = 1.5  # px at 224, motion of the frame as a whole, in half of the pairs


class PulledFaces(ScannedFaces):
    """Endless indexable set of pairs of `size` px; the arguments are those of `ScannedFaces`."""

    def __getitem__(self, index: int) -> ScannedPair:
        return self.pair(np.random.default_rng((self.seed, 6, index)))

    def pair(self, rng: np.random.Generator) -> ScannedPair:
        """Return a random pair."""
        face = load_face(Path(self.portraits), self.names[rng.integers(len(self.names))], self.cache)
        seen = random_view(rng, face, self.size)
        flow = random_pulls(rng, seen)
        texture = lit(rng, texture_of(face, seen, MARGIN), seen)
        onset, apex, residual = move(texture, MARGIN, flow)
        onset, apex = camera(rng, onset, apex)
        return ScannedPair(onset, apex, flow, seen_in_both(flow, residual), seen.landmarks.astype(np.float32))


def random_pulls(rng: np.random.Generator, seen: View) -> np.ndarray:
    """Return a sum of Gaussian pulls over a frame, (size, size, 2) float32 px, that folds nowhere."""
    flow = np.zeros((seen.size, seen.size, 2), np.float32)
    if rng.random() < STILL:
        return flow
    unit = interocular(seen.landmarks)
    peak = unit / EYES * np.exp(rng.uniform(*np.log(PEAK)))
    y, x = np.mgrid[: seen.size, : seen.size].astype(np.float32)
    for _ in range(rng.integers(1, 9)):
        reach = unit * np.exp(rng.uniform(*np.log([REACH, REACH]).T))
        reach = reach if rng.random() < 0.6 else reach[[0, 0]]
        length = min(peak * rng.uniform(0.2, 1), STEEPEST * reach.min() / 0.6)
        turn, way = rng.uniform(0, 2 * np.pi, 2)
        centre = rng.uniform(-0.05, 1.05, 2) * seen.size
        along = (x - centre[0]) * np.cos(turn) + (y - centre[1]) * np.sin(turn)
        across = (y - centre[1]) * np.cos(turn) - (x - centre[0]) * np.sin(turn)
        bump = np.exp(-((along / reach[0]) ** 2 + (across / reach[1]) ** 2) / 2)
        flow += (length * bump)[..., None] * np.array([np.cos(way), np.sin(way)], np.float32)
    while (stretch(flow) < FLATTEST).any():
        flow *= 0.7
    if rng.random() < 0.5:
        length, way = rng.uniform(0, DRIFT * seen.size / 224), rng.uniform(0, 2 * np.pi)
        flow += np.array([length * np.cos(way), length * np.sin(way)], np.float32)
    return flow
