"""The limit of a pair: the error that noise leaves to a linear estimator which knows the family of motions.

Such an estimator knows the texture, the noise, and mean and covariance C of the motion on that face. Its
posterior covariance is (C^-1 + J)^-1 with the information J = sum g g' / (2 sigma^2) over pixels and
channels, where g is the slope of the noise-free frame. C is estimated from random samples of the family. The
limit is not a bound for non-linear estimators.

References
----------
Pan et al., Opt. Express 16, 7037 (2008): error from noise and the sum of squared slopes. Hild and Roux, Exp.
Mech. 52 (2012): the same for global bases.
"""

import numpy as np
from scipy.special import ellipe


def expected_error(
    frame: np.ndarray, noise: float, mask: np.ndarray, points: np.ndarray, samples: np.ndarray
) -> float:
    """Return the mean length of the estimator's error, px.

    Parameters
    ----------
    frame : (H, W, 3) float, noise-free
    noise : float
        Standard deviation in each of the two frames, grey levels.
    mask : (H, W) bool, where errors count
    points : (P, 2) px; each stands for the pixels of the mask that are nearest to it
    samples : (K, P, 2) px, random motions of the family at the points
    """
    information, pixels = _information(frame, noise, mask, points)
    deviations = (samples - samples.mean(axis=0)) / np.sqrt(len(samples) - 1)
    weighted = np.einsum("kpi,pij->kpj", deviations, information)
    flat = deviations.reshape(len(samples), -1)
    posterior = np.linalg.inv(np.eye(len(samples)) + flat @ weighted.reshape(len(samples), -1).T)
    covariance = np.einsum("kpi,kpj->pij", deviations, (posterior @ flat).reshape(deviations.shape))
    return float(np.average(_mean_length(covariance), weights=pixels))


def _information(
    frame: np.ndarray, noise: float, mask: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sum information (P, 2, 2), 1/px^2, and pixels (P,) over the pixels nearest to each point."""
    from scipy.spatial import cKDTree

    down, right = np.gradient(frame.astype(float), axis=(0, 1))
    slope = np.stack([right[mask], down[mask]], axis=-1)  # (M, 3, 2)
    rows, columns = np.nonzero(mask)
    nearest = cKDTree(points).query(np.column_stack([columns, rows]))[1]
    each = np.einsum("mci,mcj->mij", slope, slope).reshape(-1, 4) / (2 * noise**2)
    total = [np.bincount(nearest, each[:, k], len(points)) for k in range(4)]
    return np.stack(total, axis=-1).reshape(-1, 2, 2), np.bincount(nearest, minlength=len(points))


def _mean_length(covariance: np.ndarray) -> np.ndarray:
    """Return the mean length (P,) of zero-mean Gaussian vectors of covariance (P, 2, 2)."""
    small, large = np.clip(np.linalg.eigvalsh(covariance), 1e-20, None).T
    return np.sqrt(2 * large / np.pi) * ellipe(1 - small / large)
