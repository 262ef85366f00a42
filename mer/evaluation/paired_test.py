"""Test whether two runs on the same clips differ, with subjects as the units."""

import math
from collections.abc import Sequence

import numpy as np

from mer.evaluation import metrics

N_PERMUTATIONS = 10_000


def permutation_p(first: np.ndarray, other: np.ndarray, n_permutations: int = N_PERMUTATIONS) -> float:
    """Return the two-sided p value of a paired permutation test on subjects for the difference of UF1.

    Under the null hypothesis the two runs are exchangeable for each subject. So all clips of a subject are
    swapped between the runs, each subject with probability 1/2. All patterns of swaps are enumerated if there
    are at most `n_permutations`. The fitted classifiers are held fixed.

    Parameters
    ----------
    first, other : (seeds, subjects, C, C) int
        Confusion counts of `metrics.confusion_by_subject`.
    n_permutations : int

    References
    ----------
    Good, Permutation, Parametric and Bootstrap Tests of Hypotheses, 3rd edition, 2005, chapter 3; for random
    patterns (b + 1) / (m + 1), Phipson and Smyth, Statistical Applications in Genetics and Molecular Biology
    9, 2010.
    """
    n_seeds = math.lcm(len(first), len(other))
    first, other = (np.repeat(each, n_seeds // len(each), axis=0) for each in (first, other))
    n_subjects = first.shape[1]
    is_exact = 2**n_subjects <= n_permutations
    if is_exact:
        swaps = (np.arange(2**n_subjects)[:, None] >> np.arange(n_subjects)) & 1
    else:
        swaps = np.random.default_rng(0).integers(0, 2, (n_permutations, n_subjects))

    def uf1(counts: np.ndarray) -> np.ndarray:
        return metrics.compute_scores(counts)["uf1"].mean(-1)

    swapped = np.einsum("ps,ksij->pkij", swaps, other - first)
    differences = uf1(other.sum(1) - swapped) - uf1(first.sum(1) + swapped)
    observed = uf1(other.sum(1)) - uf1(first.sum(1))
    n_extreme = int((np.abs(differences) >= abs(observed) - 1e-12).sum())
    return n_extreme / len(swaps) if is_exact else (n_extreme + 1) / (len(swaps) + 1)


def correct_holm(p: Sequence[float]) -> list[float]:
    """Return p values corrected for multiple comparisons, in the same order.

    References
    ----------
    Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979.
    """
    corrected, highest = [0.0] * len(p), 0.0
    for rank, i in enumerate(np.argsort(p, kind="stable")):
        highest = max(highest, min(1.0, (len(p) - rank) * p[i]))
        corrected[i] = highest
    return corrected
