"""Remove head motion from a flow: subtract the similarity that the stable points of the face show.

What remains is motion relative to the skull. Rotations out of the image plane are no similarities and remain
too.
"""

import numpy as np

from data_prep.landmarks import STABLE_POINTS, interocular

RADIUS = 0.06  # inter-ocular distances: standard deviation of the Gaussian that averages flow at a point


def subtract_head_motion(flow: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Return the flow without the similarity fitted to it at the stable landmarks by least squares.

    In complex numbers a similarity moves z by a z + b, so that a and b have closed forms, as in
    data_prep/align.py.

    Parameters
    ----------
    flow : (H, W, 2) float32 px
    landmarks : (478, 2) float32 px

    Returns
    -------
    (H, W, 2) float32 px
    """
    points = landmarks[list(STABLE_POINTS)].astype(np.float64)
    sd = RADIUS * interocular(landmarks)
    z = points @ [1, 1j]
    w = np.stack([local_mean(flow, point, sd) for point in points]) @ [1, 1j]
    zc = z - z.mean()
    a = np.vdot(zc, w) / np.vdot(zc, zc).real
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]]
    head = a * (x + 1j * y - z.mean()) + w.mean()
    return (flow - np.stack([head.real, head.imag], axis=-1)).astype(np.float32)


def local_mean(maps: np.ndarray, point: np.ndarray, sd: float) -> np.ndarray:
    """Return the Gaussian-weighted mean (C,) of `maps` (H, W, C) around `point` (x, y) px.

    `sd` is the standard deviation in px; the Gaussian is cut at three of them. A point outside the picture is
    moved to its border.
    """
    height, width = maps.shape[:2]
    x, y = np.clip(point, 0, [width - 1, height - 1])
    reach = int(np.ceil(3 * sd))
    columns, rows = (slice(max(int(c) - reach, 0), int(c) + reach + 2) for c in (x, y))
    part = maps[rows, columns]
    across = np.exp(-((np.arange(columns.start, columns.start + part.shape[1]) - x) ** 2) / (2 * sd**2))
    down = np.exp(-((np.arange(rows.start, rows.start + part.shape[0]) - y) ** 2) / (2 * sd**2))
    weight = down[:, None] * across
    return (part * weight[..., None]).sum((0, 1)) / weight.sum()
