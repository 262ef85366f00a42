"""How small the error of a pair could be: what noise leaves to a linear estimator that knows the family of
motions.

Such an estimator knows the texture, the noise, and the mean and covariance C of the motion on that face. Its
posterior covariance is (C^-1 + J)^-1 with the information J = sum g g' / (2 sigma^2) over pixels and
channels, g the slope of the noise-free frame. C is that of random samples of the family. The limit is not a
bound for non-linear estimators.

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
    """Mean length of the error that is left, px.

    frame   : (H, W, 3) float, without noise
    noise   : grey levels, standard deviation in each of the two frames
    mask    : (H, W) bool, where errors count
    points  : (P, 2) px in the frame; each stands for the pixels of the mask that are nearest to it
    samples : (K, P, 2) px, random motions of the family at the points
    """
    information, pixels = _information(frame, noise, mask, points)
    deviations = (samples - samples.mean(axis=0)) / np.sqrt(len(samples) - 1)
    weighed = np.einsum("kpi,pij->kpj", deviations, information)
    flat = deviations.reshape(len(samples), -1)
    posterior = np.linalg.inv(np.eye(len(samples)) + flat @ weighed.reshape(len(samples), -1).T)
    left = np.einsum("kpi,kpj->pij", deviations, (posterior @ flat).reshape(deviations.shape))
    return float(np.average(_mean_length(left), weights=pixels))


def _information(
    frame: np.ndarray, noise: float, mask: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Information (P, 2, 2) on the motion, 1/px^2, and number of pixels (P,), summed at the nearest point."""
    from scipy.spatial import cKDTree

    down, right = np.gradient(frame.astype(float), axis=(0, 1))
    slope = np.stack([right[mask], down[mask]], axis=-1)  # (M, 3, 2)
    rows, columns = np.nonzero(mask)
    nearest = cKDTree(points).query(np.column_stack([columns, rows]))[1]
    each = np.einsum("mci,mcj->mij", slope, slope).reshape(-1, 4) / (2 * noise**2)
    total = [np.bincount(nearest, each[:, k], len(points)) for k in range(4)]
    return np.stack(total, axis=-1).reshape(-1, 2, 2), np.bincount(nearest, minlength=len(points))


def _mean_length(covariance: np.ndarray) -> np.ndarray:
    """Mean length (P,) of Gaussian vectors of covariance (P, 2, 2) around zero."""
    small, large = np.clip(np.linalg.eigvalsh(covariance), 1e-20, None).T
    return np.sqrt(2 * large / np.pi) * ellipe(1 - small / large)
