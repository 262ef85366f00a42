"""Views of motion maps for mer_net: without unit, zero or head motion. Nothing is learned here.

Each clip is treated by itself. Ready-made maps are stretched to their own range, so neither their zero nor
their amplitude means anything; maps in pixels keep both, but how far a face moves says little about why.

References
----------
Head motion: a rigid body that moves a little in front of a camera moves its picture by a quadratic function
of position (H. Longuet-Higgins, K. Prazdny, The interpretation of a moving retinal image, Proceedings of the
Royal Society B 208, 1980).
"""

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch.nn import functional as F

SIDE = 14  # cells per side; one is a seventh of the inter-ocular distance, finer than any muscle
TAIL = 3.0  # root mean squares beyond which values are compressed, so that a blink does not dominate a map
SMOOTHING = 0.7  # px, Gaussian standard deviation: derivatives of 8-bit maps are noisy


def pooled(X: np.ndarray) -> np.ndarray:
    """Average maps (N, C, H, W) over cells: (N, C, 14, 14) float32 in the same unit."""
    return (
        F.adaptive_avg_pool2d(torch.from_numpy(np.asarray(X, dtype=np.float64)), SIDE)
        .numpy()
        .astype(np.float32)
    )


def levelled(X: np.ndarray) -> np.ndarray:
    """Remove unit and zero of maps (N, C, H, W) and average over cells: (N, C, 14, 14) float32.

    Each channel of each clip is centred on its median (most skin is still), divided by its root mean square,
    compressed by tanh beyond `TAIL`, and averaged over cells. A constant channel becomes 0.
    """
    X = np.asarray(X, dtype=np.float64)
    X = X - np.median(X, axis=(2, 3), keepdims=True)
    power = np.sqrt((X**2).mean((2, 3), keepdims=True))
    # Below 1e-9 only rounding is left.
    return pooled(TAIL * np.tanh(X / np.where(power < 1e-9, np.inf, power) / TAIL))


def without_head_motion(X: np.ndarray) -> np.ndarray:
    """Remove from u and v of maps (N, 3, H, W) their least-squares quadratic in position; strain stays."""
    height, width = X.shape[2:]
    axes = (np.linspace(-1, 1, n) for n in (height, width))
    y, x = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
    basis = np.linalg.qr(np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1))[0]
    rest = np.array(X, dtype=np.float64)
    vectors = rest[:, :2].reshape(len(X), 2, -1)
    rest[:, :2] = (vectors - (vectors @ basis) @ basis.T).reshape(len(X), 2, height, width)
    return rest


def deformation(X: np.ndarray) -> np.ndarray:
    """Return du/dx, du/dy, dv/dx, dv/dy of maps (N, 3, H, W), (N, 4, H, W) in units of u and v per px."""
    smooth = gaussian_filter(X[:, :2], (0, 0, SMOOTHING, SMOOTHING))
    return np.stack([np.gradient(smooth[:, k], axis=axis) for k in (0, 1) for axis in (2, 1)], 1)


def mirrored(maps: np.ndarray) -> np.ndarray:
    """Mirror maps of u, v and strain (N, 3, H, W) left to right and negate u."""
    return _flipped(maps, [-1, 1, 1])


def mirrored_deformation(maps: np.ndarray) -> np.ndarray:
    """Mirror `deformation` (N, 4, H, W) left to right and negate the mixed derivatives."""
    return _flipped(maps, [1, -1, -1, 1])


def _flipped(maps: np.ndarray, signs: list[int]) -> np.ndarray:
    return maps[..., ::-1] * np.array(signs, maps.dtype)[:, None, None]
