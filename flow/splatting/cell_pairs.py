"""Vectorised lists of (item, cell) pairs: the integer cells in each of many boxes."""

import numpy as np


def repeat_rows(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Repeat row i counts[i] times: return (row, step), where step counts 0, 1, ... within each row."""
    which = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return which, np.arange(len(which)) - starts[which]


def cells_in_boxes(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """List all cells (x, y) with low <= (x, y) <= high of each box.

    Parameters
    ----------
    low, high : (N, 2) int

    Returns
    -------
    box, x, y : (M,) int each
    """
    size = np.maximum(high - low + 1, 0)
    which, step = repeat_rows(size[:, 0] * size[:, 1])
    y, x = np.divmod(step, size[which, 0])
    return which, x + low[which, 0], y + low[which, 1]
