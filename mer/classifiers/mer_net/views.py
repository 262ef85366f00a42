"""What mer_net sees of a motion map: views without unit, zero or motion of the head, each clip treated by
itself.

Ready-made maps are stretched to their own range, so that neither their zero nor their amplitude means
anything; maps in pixels keep both, but how far a face moves says little about why. Nothing is learned here.

References
----------
The head: a rigid body that moves a little in front of a camera moves its picture by a quadratic function of
the place (H. Longuet-Higgins, K. Prazdny, The interpretation of a moving retinal image, Proceedings of the
Royal Society B 208, 1980).
"""

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch.nn import functional as F

SIDE = 14  # cells, side of a view: a seventh of the inter-ocular distance, finer than any muscle
TAIL = 3.0  # from about here on values are compressed, so that a blink is not all that a map says
SMOOTH = 0.7  # px, Gaussian deviation: derivatives of 8-bit maps are noisy
CHANNELS = 3  # u, v and strain


def pooled(X: np.ndarray) -> np.ndarray:
    """(N, C, H, W) float -> (N, C, 14, 14) float32 in the same unit: the mean over cells."""
    return (
        F.adaptive_avg_pool2d(torch.from_numpy(np.asarray(X, dtype=np.float64)), SIDE)
        .numpy()
        .astype(np.float32)
    )


def levelled(X: np.ndarray) -> np.ndarray:
    """(N, C, H, W) float of any unit -> (N, C, 14, 14) float32 without one.

    Of each channel of each clip: less its median (most skin is still), over its root mean square, tanh beyond
    three of these, then the mean over cells. A map that is the same everywhere becomes 0.
    """
    X = np.asarray(X, dtype=np.float64)
    X = X - np.median(X, axis=(2, 3), keepdims=True)
    power = np.sqrt((X**2).mean((2, 3), keepdims=True))
    # Rounding is no motion.
    return pooled(TAIL * np.tanh(X / np.where(power < 1e-9, np.inf, power) / TAIL))


def without_head_motion(X: np.ndarray) -> np.ndarray:
    """Maps (N, 3, H, W) whose u and v have lost, in least squares, what is quadratic in the place.

    Strain stays.
    """
    height, width = X.shape[2:]
    axes = (np.linspace(-1, 1, n) for n in (height, width))
    y, x = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
    basis = np.linalg.qr(np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1))[0]
    rest = np.array(X, dtype=np.float64)
    vectors = rest[:, :2].reshape(len(X), 2, -1)
    rest[:, :2] = (vectors - (vectors @ basis) @ basis.T).reshape(len(X), 2, height, width)
    return rest


def deformation(X: np.ndarray) -> np.ndarray:
    """(N, 4, H, W) derivatives du/dx, du/dy, dv/dx, dv/dy of maps (N, 3, H, W), whatever the unit of u
    and v.
    """
    smooth = gaussian_filter(X[:, :2], (0, 0, SMOOTH, SMOOTH))
    return np.stack([np.gradient(smooth[:, k], axis=axis) for k in (0, 1) for axis in (2, 1)], 1)


def mirrored(maps: np.ndarray) -> np.ndarray:
    """The same faces in a mirror: u, v and strain (N, 3, H, W) turned left to right, and u negated."""
    return _flipped(maps, [-1, 1, 1])


def mirrored_deformation(maps: np.ndarray) -> np.ndarray:
    """The same for `deformation` (N, 4, H, W): the mixed derivatives are negated."""
    return _flipped(maps, [1, -1, -1, 1])


def _flipped(maps: np.ndarray, signs: list[int]) -> np.ndarray:
    return maps[..., ::-1] * np.array(signs, maps.dtype)[:, None, None]
