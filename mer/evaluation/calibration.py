"""Calibration of probabilities: its error, its reliability diagram, and temperature scaling."""

from dataclasses import dataclass

import numpy as np

N_BINS = 10  # of confidence; a few hundred clips fill no more
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0


@dataclass(frozen=True)
class ReliabilityBin:
    """Clips of about the same confidence (the probability of the predicted label)."""

    confidence: float  # mean over the bin
    accuracy: float
    fraction: float  # of all clips


def reliability_bins(p: np.ndarray, is_correct: np.ndarray) -> list[ReliabilityBin]:
    """Return the non-empty ones of `N_BINS` equal bins of confidence.

    Parameters
    ----------
    p : (N, C) float
        Probabilities.
    is_correct : (N,) bool
        Whether the most probable label is right.
    """
    confidence = p.max(1)
    number = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    return [
        ReliabilityBin(
            confidence=float(confidence[number == b].mean()),
            accuracy=float(is_correct[number == b].mean()),
            fraction=float((number == b).mean()),
        )
        for b in np.unique(number)
    ]


def calibration_error(p: np.ndarray, is_correct: np.ndarray) -> float:
    """Return the expected calibration error in 0..1: the mean gap between confidence and accuracy of a bin.

    With few clips it is above 0 even for perfectly calibrated probabilities. Parameters are those of
    `reliability_bins`.

    References
    ----------
    Guo et al., On calibration of modern neural networks, ICML 2017.
    """
    confidence = p.max(1)
    number = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    summed_confidence, n_correct = (
        np.bincount(number, weights=weights, minlength=N_BINS) for weights in (confidence, is_correct)
    )
    return float(np.abs(summed_confidence - n_correct).sum() / len(p))


def apply_temperature(p: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities p (N, C) at another temperature; above 1 they are less extreme.

    softmax(logits / T) equals p^(1 / T), normalised. The order of the classes does not change.

    References
    ----------
    Guo et al., On calibration of modern neural networks, ICML 2017.
    """
    if temperature == 1:
        return p
    with np.errstate(divide="ignore"):
        logs = np.log(p) / temperature
    odds = np.exp(logs - logs.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


def fit_temperature(p: np.ndarray, y: np.ndarray) -> float:
    """Return the temperature that maximises the likelihood of labels y (N,) int under p (N, C)."""
    from scipy.optimize import minimize_scalar

    def mean_log_loss(log_t: float) -> float:
        likelihood = apply_temperature(p, np.exp(log_t))[np.arange(len(y)), y]
        return -np.log(np.maximum(likelihood, 1e-12)).mean()

    bounds = np.log([MIN_TEMPERATURE, MAX_TEMPERATURE])
    return float(np.exp(minimize_scalar(mean_log_loss, bounds=bounds, method="bounded").x))
