"""Compiled CPU version of `lucas_kanade.smooth_steps`: the same sums in one pass over each map.

`lucas_kanade.smooth_steps_plain` is the readable reference; a test compares the two.
"""

import numpy as np

from mer_core.jit import cached_njit


@cached_njit(fastmath=True, nogil=True)
def smooth_steps_compiled(
    sums: np.ndarray, flow: np.ndarray, strengths: np.ndarray, rounds: int
) -> np.ndarray:
    """Return steps (S, N, 2, h, w) float32 by preconditioned conjugate gradients.

    Parameters
    ----------
    sums : (N, 6, h, w) float32
    flow : (N, 2, h, w) float32
    strengths : (S, 2) float32, weights of first and second order
    rounds : int
        Iterations.
    """
    count, _, height, width = sums.shape
    out = np.zeros((len(strengths), count, 2, height, width), np.float32)
    for kind in range(len(strengths)):
        for pair in range(count):
            _solve_one(
                sums[pair], flow[pair], strengths[kind, 0], strengths[kind, 1], rounds, out[kind, pair]
            )
    return out


@cached_njit(fastmath=True)
def _laplacian(field: np.ndarray, out: np.ndarray) -> None:
    """Write four times each cell minus its neighbours, with replicated borders, (h, w), to `out`."""
    height, width = field.shape
    for y in range(height):
        above, below = field[max(y - 1, 0)], field[min(y + 1, height - 1)]
        row, to = field[y], out[y]
        for x in range(1, width - 1):
            to[x] = 4 * row[x] - row[x - 1] - row[x + 1] - above[x] - below[x]
        to[0] = 3 * row[0] - row[1] - above[0] - below[0]
        to[width - 1] = 3 * row[width - 1] - row[width - 2] - above[width - 1] - below[width - 1]


@cached_njit(fastmath=True)
def _add_roughness(field, first, second, curved, twice, out):
    """Add first L f + second L L f of a field (2, h, w) to `out`."""
    for c in range(2):
        _laplacian(field[c], curved)
        if second != 0:
            _laplacian(curved, twice)
            for y in range(curved.shape[0]):
                for x in range(curved.shape[1]):
                    out[c, y, x] += first * curved[y, x] + second * twice[y, x]
        else:
            for y in range(curved.shape[0]):
                for x in range(curved.shape[1]):
                    out[c, y, x] += first * curved[y, x]


@cached_njit(fastmath=True)
def _solve_one(sums, flow, first, second, rounds, step):
    """Solve for one pair and one strength; writes `step` (2, h, w)."""
    height, width = flow.shape[1:]
    small = np.float32(1e-5)
    residual = np.zeros((2, height, width), np.float32)
    curved, twice = np.empty((height, width), np.float32), np.empty((height, width), np.float32)
    _add_roughness(flow, first, second, curved, twice, residual)
    direction, product = np.empty_like(residual), np.empty_like(residual)
    energy = 0.0
    for c in range(2):
        for y in range(height):
            for x in range(width):
                residual[c, y, x] = -sums[3 + c, y, x] - residual[c, y, x]
                scale = 1 / (sums[2 * c, y, x] + 4 * first + 20 * second + small)
                direction[c, y, x] = scale * residual[c, y, x]
                energy += residual[c, y, x] * direction[c, y, x]
    for _ in range(rounds):
        along = 0.0
        for y in range(height):
            for x in range(width):
                u, v = direction[0, y, x], direction[1, y, x]
                product[0, y, x] = (sums[0, y, x] + small) * u + sums[1, y, x] * v
                product[1, y, x] = sums[1, y, x] * u + (sums[2, y, x] + small) * v
        _add_roughness(direction, first, second, curved, twice, product)
        for c in range(2):
            for y in range(height):
                for x in range(width):
                    along += direction[c, y, x] * product[c, y, x]
        length = np.float32(energy / (along + 1e-20))
        previous, energy = energy, 0.0
        for c in range(2):
            for y in range(height):
                for x in range(width):
                    step[c, y, x] += length * direction[c, y, x]
                    rest = residual[c, y, x] - length * product[c, y, x]
                    residual[c, y, x] = rest
                    scaled = rest / (sums[2 * c, y, x] + 4 * first + 20 * second + small)
                    product[c, y, x] = scaled
                    energy += rest * scaled
        turn = np.float32(energy / (previous + 1e-20))
        for c in range(2):
            for y in range(height):
                for x in range(width):
                    direction[c, y, x] = product[c, y, x] + turn * direction[c, y, x]
