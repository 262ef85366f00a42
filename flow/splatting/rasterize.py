"""From splats to pictures: depth-sorted alpha blending, as one sparse matrix of weights.

A picture, its flow, its depth and its masks are that matrix times one column of values per Gaussian; nothing else
decides what a pixel shows. The readable, differentiable twin of this file is `reference.py`.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from flow.splatting.gaussians import Splats
from flow.splatting.pairs import spread

CUT = 1 / 255  # a Gaussian ends where its opacity falls below one grey level, as in the published rasterizers
CLAMP = 0.999


@dataclass
class Weights:
    """How much each Gaussian contributes to each pixel.

    matrix : (H * W, G) sparse; blend weights, every row sums to at most 1
    opacity : (H, W) float32, what all Gaussians together cover
    """

    matrix: sp.csr_matrix
    opacity: np.ndarray

    def blend(self, values: np.ndarray) -> np.ndarray:
        """Blend values (G,) or (G, C) into (H, W) or (H, W, C) float32; not divided by the opacity."""
        return (self.matrix @ values.astype(np.float32)).reshape(*self.opacity.shape, *values.shape[1:])

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Blend and divide by the opacity: the value of what is seen, where something is."""
        opacity = np.maximum(self.opacity, 1e-6)
        return self.blend(values) / (opacity if values.ndim == 1 else opacity[..., None])


def weigh(splats: Splats, width: int, height: int) -> Weights:
    """Blend weights of `splats` on a picture of width x height px.

    The (Gaussian, pixel) pairs are written out front to back; transposing the sparse matrix is a counting sort that
    groups them by pixel and keeps that order, and a running sum of log(1 - alpha) gives the light that is left.
    """
    order = np.argsort(splats.depth, kind="stable")
    order = order[splats.opacity[order] > CUT]
    gaussian, x, y = _footprints(splats, order, width, height)
    dx = x.astype(np.float32) - splats.mean[gaussian, 0].astype(np.float32)
    dy = y.astype(np.float32) - splats.mean[gaussian, 1].astype(np.float32)
    a, b, c = splats.conic[gaussian].astype(np.float32).T
    alpha = splats.opacity[gaussian].astype(np.float32) * np.exp(-0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy)
    alpha = np.where(alpha > CUT, np.minimum(alpha, np.float32(CLAMP)), np.float32(0))

    counts = np.bincount(gaussian, minlength=len(splats.depth))[order]
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    by_gaussian = sp.csr_matrix((alpha, (y * width + x).astype(np.int32), starts), (len(order), height * width))
    by_pixel = by_gaussian.tocsc()

    passed = np.concatenate([[0.0], np.cumsum(np.log1p(-by_pixel.data.astype(np.float64)))])
    first = passed[by_pixel.indptr[:-1]]
    lengths = np.diff(by_pixel.indptr)
    left = np.exp(passed[:-1] - np.repeat(first, lengths)).astype(np.float32)
    weights = by_pixel.data * left
    opacity = 1 - np.exp(passed[by_pixel.indptr[1:]] - first)
    matrix = sp.csr_matrix((weights, order[by_pixel.indices], by_pixel.indptr), (height * width, len(splats.depth)))
    return Weights(matrix, opacity.reshape(height, width).astype(np.float32))


def _footprints(splats: Splats, order: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels inside each Gaussian's ellipse, Gaussian by Gaussian in `order`: (gaussian, x, y)."""
    reach = np.sqrt(2 * np.log(splats.opacity[order] / CUT))  # in standard deviations
    top = np.maximum(np.ceil(splats.mean[order, 1] - reach * splats.radius[order, 1]), 0).astype(int)
    bottom = np.minimum(np.floor(splats.mean[order, 1] + reach * splats.radius[order, 1]), height - 1).astype(int)
    which, step = spread(np.maximum(bottom - top + 1, 0))
    y = top[which] + step

    # On each row the ellipse a dx^2 + 2 b dx dy + c dy^2 = reach^2 spans an interval of dx.
    g = order[which]
    a, b, c = splats.conic[g].T
    dy = y - splats.mean[g, 1]
    middle = splats.mean[g, 0] - b * dy / a
    half = np.sqrt(np.maximum((b * dy) ** 2 - a * (c * dy**2 - reach[which] ** 2), 0)) / a
    left = np.maximum(np.ceil(middle - half), 0).astype(int)
    right = np.minimum(np.floor(middle + half), width - 1).astype(int)
    row, step = spread(np.maximum(right - left + 1, 0))
    return g[row], (left[row] + step).astype(np.int32), y[row].astype(np.int32)
