"""Rasterize splats: depth-sorted alpha blending as one sparse matrix of weights.

A picture, its flow, its depth and its masks are this matrix times one column of values per Gaussian.
`reference.py` is the readable, differentiable version.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from flow.splatting.cell_pairs import repeat_rows
from flow.splatting.gaussians import Splats

MIN_ALPHA = 1 / 255  # a Gaussian ends here, as in the published rasterizers
MAX_ALPHA = 0.999
BAND_PIXELS = 32_768  # pixels worked on at a time, which bounds the memory and stays in the cache
MIN_LIGHT = 0.02  # dimmer light counts as none, so that nothing shows through a covered surface


class Blend(ABC):
    """Blend values of Gaussians into values of pixels, on a CPU or a GPU.

    Attributes
    ----------
    opacity : (H, W) float32, coverage by all Gaussians
    """

    opacity: np.ndarray

    @abstractmethod
    def blend(self, values: np.ndarray) -> np.ndarray:
        """Blend values (G,) or (G, C) into (H, W) or (H, W, C) float32; not divided by the opacity."""

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Blend and divide by the opacity."""
        opacity = np.maximum(self.opacity, 1e-6)
        return self.blend(values) / (opacity if values.ndim == 1 else opacity[..., None])


@dataclass
class BlendWeights(Blend):
    """Contribution of each Gaussian to each pixel.

    Attributes
    ----------
    matrix : (H * W, G) sparse blend weights; every row sums to at most 1
    opacity : (H, W) float32
    """

    matrix: sp.csr_matrix
    opacity: np.ndarray

    def blend(self, values: np.ndarray) -> np.ndarray:
        """Blend values (G,) or (G, C) into (H, W) or (H, W, C) float32; not divided by the opacity."""
        return (self.matrix @ values.astype(self.matrix.dtype)).reshape(
            *self.opacity.shape, *values.shape[1:]
        )


def blend_weights(splats: Splats, width: int, height: int, min_light: float = MIN_LIGHT) -> BlendWeights:
    """Return the blend weights of `splats` on a picture of width x height px.

    The (Gaussian, pixel) pairs are listed front to back. Transposing the sparse matrix is a counting sort
    that groups them by pixel and keeps that order; a running sum of log(1 - alpha) gives the remaining light.
    A Gaussian's weight is the light it absorbs, where light l counts as max(l - min_light, 0) / (1 -
    min_light); `min_light` = 0 is the published rule.
    """
    order = np.argsort(splats.depth, kind="stable")
    order = order[splats.opacity[order] > MIN_ALPHA]
    reach = np.sqrt(2 * np.log(splats.opacity[order] / MIN_ALPHA)) * splats.radius[order, 1]
    top, bottom = splats.mean[order, 1] - reach, splats.mean[order, 1] + reach
    rows = max(1, BAND_PIXELS // width)
    bands = []
    for low in range(0, height, rows):
        high = min(low + rows, height)
        bands.append(
            _band_weights(splats, order[(top < high) & (bottom > low - 1)], width, low, high, min_light)
        )
    weights, owners, counts, opacity = (np.concatenate(column) for column in zip(*bands))
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    matrix = sp.csr_matrix((weights, owners, starts), (height * width, len(splats.depth)))
    return BlendWeights(matrix, opacity.reshape(height, width))


def _band_weights(
    splats: Splats, order: np.ndarray, width: int, low: int, high: int, min_light: float
) -> tuple[np.ndarray, ...]:
    """Return weights on rows low..high - 1: weight and Gaussian per entry, entries and opacity per pixel."""
    alpha, pixel, counts = _footprints(splats, order, width, low, high)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    by_pixel = sp.csr_matrix((alpha, pixel, starts), (len(order), (high - low) * width)).tocsc()

    passed = np.zeros(len(alpha) + 1)
    np.cumsum(np.log(1 - by_pixel.data), dtype=np.float64, out=passed[1:])
    first = passed[by_pixel.indptr[:-1]]
    light = np.exp((passed[:-1] - np.repeat(first, np.diff(by_pixel.indptr))).astype(np.float32))
    weights = _usable_light(light, min_light) - _usable_light(light * (1 - by_pixel.data), min_light)
    opacity = 1 - _usable_light(np.exp(passed[by_pixel.indptr[1:]] - first), min_light)

    used = weights > 0
    kept = np.diff(np.concatenate([[0], np.cumsum(used)])[by_pixel.indptr])
    return weights[used], order.astype(np.int32)[by_pixel.indices[used]], kept, opacity.astype(np.float32)


def _usable_light(light: np.ndarray, min_light: float) -> np.ndarray:
    """Return the light that counts."""
    return np.maximum(light - np.float32(min_light), 0) / np.float32(1 - min_light)


def _footprints(
    splats: Splats, order: np.ndarray, width: int, low: int, high: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the opacities inside each Gaussian's ellipse, Gaussian by Gaussian in `order`.

    On one row of pixels a dx^2 + 2 b dx dy + c dy^2 is a (dx + b dy / a)^2 plus a constant, so a row needs
    one peak and one centre.

    Returns
    -------
    alpha : (N,) float32
    pixel : (N,) int32, counted from row `low` to `high`
    counts : (len(order),), entries per Gaussian
    """
    a, b, c = splats.conic[order].T
    x, y = splats.mean[order].T
    opacity = splats.opacity[order]
    reach2 = 2 * np.log(opacity / MIN_ALPHA)  # squared, in standard deviations
    reach_y = np.sqrt(reach2) * splats.radius[order, 1]
    top = np.maximum(np.ceil(y - reach_y), low).astype(int)
    bottom = np.minimum(np.floor(y + reach_y), high - 1).astype(int)
    g, step = repeat_rows(np.maximum(bottom - top + 1, 0))

    row = top[g] + step
    dy = row - y[g]
    middle = x[g] - (b / a)[g] * dy
    constant = (c - b * b / a)[g] * dy * dy
    half = np.sqrt(np.maximum(reach2[g] - constant, 0) / a[g])
    left = np.maximum(np.ceil(middle - half), 0).astype(int)
    wide = np.maximum(np.minimum(np.floor(middle + half), width - 1).astype(int) - left + 1, 0)
    counts = np.bincount(g, wide, minlength=len(order)).astype(int)

    start = np.cumsum(wide) - wide  # pixel k of a row is number start + k
    pixel = np.arange(wide.sum(), dtype=np.int32) + np.repeat(
        ((row - low) * width + left - start).astype(np.int32), wide
    )
    dx = np.arange(wide.sum()) + np.repeat(left - start - middle, wide)
    alpha = dx.astype(np.float32)
    alpha *= alpha
    alpha *= np.repeat((-0.5 * a[g]).astype(np.float32), wide)
    np.exp(alpha, out=alpha)
    alpha *= np.repeat((opacity[g] * np.exp(-0.5 * constant)).astype(np.float32), wide)
    return np.minimum(alpha, np.float32(MAX_ALPHA), out=alpha), pixel, counts
