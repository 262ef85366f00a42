"""Warp a picture by a displacement, and invert a displacement by iterated warping.

`flow.splatting.dense_motion.invert_flow` solves the same equation to 1e-4 px by Newton's method, slower, and
says where the motion folds.
"""

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np

N_STEPS = 4  # enough where a displacement changes by less than a third of a pixel per pixel


def pixel_grid(shape: tuple[int, ...], dtype: type = np.float64) -> np.ndarray:
    """Return the pixel centres of a picture (H, W, ...): (H, W, 2), x then y."""
    return np.stack(np.meshgrid(np.arange(shape[1], dtype=dtype), np.arange(shape[0], dtype=dtype)), axis=-1)


def warp(picture: np.ndarray, displacement: np.ndarray) -> np.ndarray:
    """Sample `picture` at each pixel plus its displacement, cubically; the border is repeated.

    Parameters
    ----------
    picture : (H, W) or (H, W, C) uint8 or float32
    displacement : (H, W, 2) float32 px
    """
    import cv2

    places = pixel_grid(picture.shape, np.float32) + displacement
    return cv2.remap(picture, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def iterate_inverse(
    displacement: Callable[[np.ndarray], np.ndarray], points: np.ndarray
) -> Iterator[np.ndarray]:
    """Yield ever better solutions of d = -displacement(points + d), without end.

    They converge where the displacement changes by less than 1 px per px.
    """
    inverse = np.zeros_like(points)
    while True:
        inverse = -displacement(points + inverse)
        yield inverse


def invert_by_warping(flow: np.ndarray, factor: float = 1.0) -> np.ndarray:
    """Return the displacement from each pixel of the second frame back to the first, after `N_STEPS` steps.

    Parameters
    ----------
    flow : (H, W, 2) float32 px, first to second frame
    factor : float
        Inverts `factor` times the flow.

    Returns
    -------
    (H, W, 2) float32 px, d with d(y) = -factor flow(y + d(y))
    """
    import cv2

    def flow_at(points: np.ndarray) -> np.ndarray:
        return factor * cv2.remap(flow, points, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    steps = iterate_inverse(flow_at, pixel_grid(flow.shape, np.float32))
    return next(islice(steps, N_STEPS - 1, None))
