"""Match the brightness of the apex to the onset with one gain and one bias per pair, before any method sees
it.

Flow methods assume that a point keeps its grey value. A flicker of 3 % violates this more than a
micro-expression moves the face, most of all for TV-L1, so all methods share this step. It is no local
correction: shadows that move with the skin stay.
"""

import cv2
import numpy as np


def gain_and_bias(onset: np.ndarray, apex: np.ndarray) -> tuple[float, float]:
    """Return gain and bias (grey levels) with onset = gain * apex + bias.

    Both frames are blurred so that noise does not flatten the fitted line. Each pixel is weighted down by how
    much a motion of one pixel would change it, so that smooth, unmoved skin and background decide. Clipped
    pixels are left out. A frame with too little contrast to separate gain from bias gets a bias alone.

    Parameters
    ----------
    onset, apex : (H, W, 3) uint8 RGB

    References
    ----------
    Iteratively reweighted least squares with Tukey's biweight (c = 4.685).
    """
    target, source = _blurred(onset), _blurred(apex)
    slope = np.hypot(
        cv2.Sobel(target, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(target, cv2.CV_32F, 0, 1, scale=1 / 8)
    )
    every = slice(None, None, max(1, min(target.shape) // 100))  # blurred frames need no full sampling
    target, source, slope = (array[every, every].astype(float) for array in (target, source, slope))
    colours = np.concatenate([onset[every, every], apex[every, every]], axis=2)
    voters = (colours.min(2) >= 2) & (colours.max(2) <= 253)
    target, source, slope = target[voters], source[voters], slope[voters]
    if not target.size:
        return 1.0, 0.0
    votes = 1 / (1 + slope**2)
    gain, bias = 1.0, float(np.median(target - source))
    for _ in range(10):
        residual = target - gain * source - bias
        reach = 4.685 * max(1.4826 * np.median(np.abs(residual)), 0.05)
        weights = votes * np.clip(1 - (residual / reach) ** 2, 0, None) ** 2
        mean_source, mean_target = np.average(source, weights=weights), np.average(target, weights=weights)
        spread = np.average((source - mean_source) ** 2, weights=weights)
        if spread > 1:
            gain = float(
                np.average((source - mean_source) * (target - mean_target), weights=weights) / spread
            )
        bias = float(mean_target - gain * mean_source)
    return gain, bias


def match(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
    """Return the apex with the brightness of the onset, (H, W, 3) uint8 RGB; see `gain_and_bias`."""
    gain, bias = gain_and_bias(onset, apex)
    return cv2.convertScaleAbs(np.maximum(apex * np.float32(gain) + np.float32(bias), 0))


def _blurred(frame: np.ndarray) -> np.ndarray:
    """Grey (H, W) float32, blurred over about a hundredth of the frame."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return cv2.GaussianBlur(grey, (0, 0), max(1.0, min(grey.shape) / 100))
