"""Match the brightness of the apex to the onset by one gain and one bias per pair.

Flow methods assume constant brightness. A flicker of 3 % violates this more than a micro-expression moves the
face, so all methods share this step. It corrects the whole frame only: shadows that move with the skin stay.
"""

import cv2
import numpy as np


def gain_and_bias(onset: np.ndarray, apex: np.ndarray) -> tuple[float, float]:
    """Fit gain and bias such that onset = gain * apex + bias.

    Both frames are blurred, so that noise does not flatten the fitted line. Each pixel is down-weighted by
    how much one pixel of motion would change it, so that smooth, unmoved skin and background dominate.
    Saturated pixels are ignored. Frames with too little contrast to separate gain from bias get a bias only.

    Parameters
    ----------
    onset, apex : (H, W, 3) uint8 RGB

    Returns
    -------
    gain : float
    bias : float, grey levels

    References
    ----------
    Iteratively reweighted least squares with Tukey's biweight (c = 4.685).
    """
    target, source = _blur_grey(onset), _blur_grey(apex)
    slope = np.hypot(
        cv2.Sobel(target, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(target, cv2.CV_32F, 0, 1, scale=1 / 8)
    )
    every = slice(None, None, max(1, min(target.shape) // 100))  # blurred frames need no full sampling
    target, source, slope = (array[every, every].astype(float) for array in (target, source, slope))
    colours = np.concatenate([onset[every, every], apex[every, every]], axis=2)
    unsaturated = (colours.min(2) >= 2) & (colours.max(2) <= 253)
    target, source, slope = target[unsaturated], source[unsaturated], slope[unsaturated]
    if not target.size:
        return 1.0, 0.0
    prior = 1 / (1 + slope**2)
    gain, bias = 1.0, float(np.median(target - source))
    for _ in range(10):
        residual = target - gain * source - bias
        cutoff = 4.685 * max(1.4826 * np.median(np.abs(residual)), 0.05)
        weights = prior * np.clip(1 - (residual / cutoff) ** 2, 0, None) ** 2
        mean_source, mean_target = np.average(source, weights=weights), np.average(target, weights=weights)
        spread = np.average((source - mean_source) ** 2, weights=weights)
        if spread > 1:
            gain = float(
                np.average((source - mean_source) * (target - mean_target), weights=weights) / spread
            )
        bias = float(mean_target - gain * mean_source)
    return gain, bias


def match(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
    """Return the apex at the brightness of the onset, (H, W, 3) uint8 RGB; see `gain_and_bias`."""
    gain, bias = gain_and_bias(onset, apex)
    return cv2.convertScaleAbs(np.maximum(apex * np.float32(gain) + np.float32(bias), 0))


def _blur_grey(frame: np.ndarray) -> np.ndarray:
    """Return the grey frame (H, W) float32, blurred over about a hundredth of its side."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return cv2.GaussianBlur(grey, (0, 0), max(1.0, min(grey.shape) / 100))
