"""Head motion taken out of a flow: the similarity that the stable points of the face show, subtracted
everywhere.

What is left is what moved against the bone. Out of plane turns are not similarities and stay.
"""

import numpy as np

from data_prep.landmarks import STABLE_POINTS, interocular

REACH = (
    0.06  # of the inter-ocular distance: flow is averaged over this far around a point (Gaussian deviation)
)


def subtract_head_motion(flow: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """`flow`, (H, W, 2) px, less the similarity fitted to it at the stable landmarks (478, 2) px in least
    squares.

    In complex numbers a similarity moves z by a z + b, so the fit has one line, as in data_prep/align.py.
    """
    points = landmarks[list(STABLE_POINTS)].astype(np.float64)
    z = points @ [1, 1j]
    w = np.stack([local_mean(flow, point, REACH * interocular(landmarks)) for point in points]) @ [1, 1j]
    zc = z - z.mean()
    a = np.vdot(zc, w) / np.vdot(zc, zc).real
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]]
    moved = a * (x + 1j * y - z.mean()) + w.mean()
    return (flow - np.stack([moved.real, moved.imag], axis=-1)).astype(np.float32)


def local_mean(maps: np.ndarray, point: np.ndarray, reach: float) -> np.ndarray:
    """Mean (C,) of `maps` (H, W, C) around `point` (x, y) px, weighted by a Gaussian of deviation `reach` px,
    cut at three.

    A point outside of the picture is taken to its border.
    """
    height, width = maps.shape[:2]
    x, y = np.clip(point, 0, [width - 1, height - 1])
    far = int(np.ceil(3 * reach))
    columns, rows = (slice(max(int(c) - far, 0), int(c) + far + 2) for c in (x, y))
    part = maps[rows, columns]
    across = np.exp(-((np.arange(columns.start, columns.start + part.shape[1]) - x) ** 2) / (2 * reach**2))
    down = np.exp(-((np.arange(rows.start, rows.start + part.shape[0]) - y) ** 2) / (2 * reach**2))
    weight = down[:, None] * across
    return (part * weight[..., None]).sum((0, 1)) / weight.sum()
