"""Scores of pooled predictions. Nothing here fits or selects anything.

Every score comes from one confusion matrix over *all* folds: most subjects do not show every class, so an
average of per-subject scores would mean little. A class that cannot be scored counts as 0 in every mean;
only `bootstrap_scores` leaves out the classes that a resample happens to lack.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mer.evaluation import splits
from mer.evaluation.calibration import N_BINS, calibration_error

SCORES = ("uf1", "uar", "accuracy", "macro_precision")
N_RESAMPLES = 2000
ALPHA, POWER = 0.05, 0.8  # of `detectable_difference`


def confusion_matrix(truth: Iterable, prediction: Iterable, labels: Sequence) -> np.ndarray:
    """Count clips by truth (rows) and prediction (columns), (C, C) int64 in the order of `labels`."""
    position = {label: i for i, label in enumerate(labels)}
    rows = np.array([position[t] for t in truth], dtype=np.int64)
    columns = np.array([position[p] for p in prediction], dtype=np.int64)
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(counts, (rows, columns), 1)
    return counts


def per_class_scores(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return F1, recall and precision of each class, each (..., C) in 0..1, from counts (..., C, C).

    0 / 0 counts as 0. Recall divides by rows, precision by columns. The UAR published with STSTNet divides by
    columns: its 0.7605 is macro precision, and its recall is 0.7186.
    """
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    true, predicted = counts.sum(-1), counts.sum(-2)

    def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        return np.divide(part, whole, out=np.zeros(part.shape, dtype=np.float64), where=whole > 0)

    return {
        "f1": ratio(2 * hits, true + predicted),
        "recall": ratio(hits, true),
        "precision": ratio(hits, predicted),
    }


def compute_scores(counts: np.ndarray, class_mask: np.ndarray | bool = True) -> dict[str, np.ndarray]:
    """Return UF1, UAR, accuracy and macro precision from confusion counts.

    Parameters
    ----------
    counts : (..., C, C) int
    class_mask : (..., C) bool
        Classes to average over; all by default.

    Returns
    -------
    dict of (...) float in 0..1

    References
    ----------
    See et al., MEGC 2019, FG 2019: UF1 = mean of 2TP / (2TP + FP + FN), UAR = mean of TP / N, on counts
    pooled over folds.
    """
    each = per_class_scores(counts)
    accuracy = np.trace(counts, axis1=-2, axis2=-1) / np.maximum(counts.sum((-2, -1)), 1)
    uf1, uar, precision = (each[name].mean(-1, where=class_mask) for name in ("f1", "recall", "precision"))
    return dict(zip(SCORES, (uf1, uar, accuracy, precision)))


def majority_of_other_folds(table: pd.DataFrame, labels: list[str]) -> pd.Series:
    """Return for each clip the most frequent label among the clips of all *other* folds.

    A classifier that ignores its input learns this in each fold. Ties go to the first of `labels`; `table`
    has the columns `fold, label`.
    """
    counts = pd.crosstab(table["fold"], table["label"]).reindex(columns=labels, fill_value=0)
    others = counts.sum() - counts
    by_fold = {fold: labels[i] for fold, i in zip(counts.index, others.to_numpy().argmax(1))}
    return table["fold"].map(by_fold)


def confusion_by_subject(predictions: pd.DataFrame, labels: list[str]) -> np.ndarray:
    """Return confusion counts, (seeds, subjects, C, C) int64; subjects are sorted by `splits.subject_ids`."""
    groups = predictions.groupby(["seed", splits.subject_ids(predictions)])
    seeds, subjects = (sorted({key[i] for key in groups.groups}) for i in (0, 1))
    parts = {key: confusion_matrix(part["label"], part["prediction"], labels) for key, part in groups}
    return np.array([[parts[seed, subject] for subject in subjects] for seed in seeds])


def draw_subjects(n_subjects: int, n_resamples: int = N_RESAMPLES) -> np.ndarray:
    """Return how often each resample draws each subject, (n_resamples, n_subjects) int.

    Subjects are drawn with replacement. Every call returns the same draws.
    """
    fractions = np.full(n_subjects, 1 / n_subjects)
    return np.random.default_rng(0).multinomial(n_subjects, fractions, size=n_resamples)


def bootstrap_scores(counts: np.ndarray, n_resamples: int = N_RESAMPLES) -> dict[str, np.ndarray]:
    """Return the scores of resamples of whole subjects.

    Clips of one subject are alike, so resampling single clips would give too narrow an interval. The fitted
    classifiers are held fixed: the variance due to other training subjects is not included.

    Each resample averages over the classes it shows. Counting a missing rare class as 0 would pull the lower
    end down by 1 / C: ten clips, all right, would have UF1 .667 to 1. On simulated samples of 8 to 25
    subjects with 3 to 7 classes, the 95 % interval covered the true UF1 in 89 to 95 % of samples this way,
    in 76 to 90 % when such resamples were redrawn, and in 79 to 92 % when the class counted as 0.

    Parameters
    ----------
    counts : (seeds, subjects, C, C) int
        Equal shapes get equal draws, so that differences of two runs on the same clips are paired.

    Returns
    -------
    dict of (n_resamples,) float
        Means over seeds.
    """
    n_subjects_showing = (counts.sum((0, 3)) > 0).sum(0)
    hits = counts.sum((0, 1)).diagonal()
    # Nobody shows the class, or one subject alone does: it counts as 0 here as it does in the score itself.
    learnable = (n_subjects_showing > 1) | (hits > 0)
    pooled = np.einsum("rp,spij->rsij", draw_subjects(counts.shape[1], n_resamples), counts)
    class_mask = (pooled.sum(-1) > 0) & learnable
    # A resample that shows only unlearnable classes scores 0.
    class_mask |= ~class_mask.any(-1, keepdims=True)
    resampled = {name: value.mean(1) for name, value in compute_scores(pooled, class_mask).items()}
    return {
        name: value if name == "accuracy" else learnable.mean() * value for name, value in resampled.items()
    }


def central_interval(values: np.ndarray) -> list[float]:
    """Return the 2.5th and 97.5th percentile of `values`."""
    return [float(q) for q in np.percentile(values, [2.5, 97.5])]


def score_intervals(counts: np.ndarray) -> dict[str, list[float]] | None:
    """Return the 95 % bootstrap interval of each score over subjects; None for a single subject."""
    if counts.shape[1] < 2:
        return None
    return {name: central_interval(values) for name, values in bootstrap_scores(counts).items()}


def detectable_difference(sd: float, n_comparisons: int = 1) -> float:
    """Return the smallest true difference that is found (two-sided p < .05) with a power of 80 %.

    Parameters
    ----------
    sd : float
        Standard deviation of the estimated difference.
    n_comparisons : int
        Comparisons that the test is corrected for, by Bonferroni: the first and strictest step of Holm's
        method.

    References
    ----------
    Cohen, Statistical Power Analysis for the Behavioral Sciences, 2nd edition, 1988, chapter 2.
    """
    from scipy.stats import norm

    return float(norm.ppf(1 - ALPHA / (2 * n_comparisons)) + norm.ppf(POWER)) * sd


def summarize(predictions: pd.DataFrame, labels: list[str]) -> dict[str, Any]:
    """Return the scores that `metrics.json` holds.

    Scores are means over seeds; `sd` is their standard deviation over seeds (n - 1; null for one seed).

    Parameters
    ----------
    predictions : DataFrame
        `clip_id, dataset, subject, fold, seed, label, prediction, p_<label>...`, each clip once per seed.
    """
    predictions = predictions.reset_index(drop=True)
    by_subject = confusion_by_subject(predictions, labels)
    by_seed = by_subject.sum(1)
    seeds = sorted(int(seed) for seed in predictions["seed"].unique())
    table = predictions[predictions["seed"] == seeds[0]]
    return {
        **_mean(by_seed),
        "sd": _sd(by_seed),
        "calibration_error": _calibration(predictions, labels),
        "interval95": score_intervals(by_subject),
        "clips": len(table),
        "subjects": by_subject.shape[1],
        "labels": labels,
        "clips_per_label": {label: int((table["label"] == label).sum()) for label in labels},
        "seeds": seeds,
        "per_seed": [{"seed": seed, **_mean(by_seed[i : i + 1])} for i, seed in enumerate(seeds)],
        "confusion": {
            "rows": "truth",
            "columns": "prediction",
            "summed_over_seeds": by_seed.sum(0).tolist(),
            "per_seed": by_seed.tolist(),
        },
        "per_class": _per_class(by_seed, labels),
        "baselines": baseline_scores(table, labels),
        "per_dataset": {name: _dataset(part, labels) for name, part in predictions.groupby("dataset")},
        "per_subject": _per_subject(predictions, len(seeds)),
    }


def varies_with_seed(scores: dict[str, Any]) -> bool:
    """Do seeds change the scores of `summarize`? If not, an SD of 0 says nothing about their precision."""
    return any(round(sd, 9) for sd in (scores["sd"] or {}).values())  # rounding: equal means differ by 1e-17


def baseline_scores(table: pd.DataFrame, labels: list[str]) -> dict[str, dict[str, float]]:
    """Return the scores of predictors that ignore the input; `table` has each clip once.

    `majority_of_training_subjects`: in each fold, the most frequent label among its training clips.
    `always_<label>`: the same label for every clip.
    """
    guesses = {"majority_of_training_subjects": majority_of_other_folds(table, labels)}
    guesses |= {f"always_{label}": pd.Series(label, table.index) for label in labels}
    return {
        name: _mean(confusion_matrix(table["label"], guess, labels)[None]) for name, guess in guesses.items()
    }


def _mean(by_seed: np.ndarray) -> dict[str, float]:
    return {name: float(value.mean()) for name, value in compute_scores(by_seed).items()}


def _sd(by_seed: np.ndarray) -> dict[str, float] | None:
    if len(by_seed) < 2:
        return None
    return {name: float(value.std(ddof=1)) for name, value in compute_scores(by_seed).items()}


def _calibration(predictions: pd.DataFrame, labels: list[str]) -> dict[str, float | int]:
    """Return mean confidence and calibration error, computed per seed and then averaged."""
    is_correct = predictions["label"] == predictions["prediction"]
    p = predictions[[f"p_{label}" for label in labels]]
    parts = [predictions["seed"] == seed for seed in predictions["seed"].unique()]
    errors = [calibration_error(p[part].to_numpy(), is_correct[part].to_numpy()) for part in parts]
    return {"ece": float(np.mean(errors)), "mean_confidence": float(p.max(axis=1).mean()), "bins": N_BINS}


def _per_class(by_seed: np.ndarray, labels: list[str]) -> dict[str, dict[str, float]]:
    each = per_class_scores(by_seed)
    return {
        label: {name: float(value[:, i].mean()) for name, value in each.items()}
        for i, label in enumerate(labels)
    }


def _dataset(part: pd.DataFrame, labels: list[str]) -> dict[str, Any]:
    """Return the scores on the clips of one dataset; every class counts, even one not shown there."""
    by_subject = confusion_by_subject(part, labels)
    by_seed = by_subject.sum(1)
    clips = part[part["seed"] == part["seed"].min()]
    per_label = {label: int((clips["label"] == label).sum()) for label in labels}
    majority = max(per_label, key=per_label.__getitem__)
    always = _mean(confusion_matrix(clips["label"], [majority] * len(clips), labels)[None])
    return {
        **_mean(by_seed),
        "sd": _sd(by_seed),
        "interval95": score_intervals(by_subject),
        "clips": len(clips),
        "subjects": int(clips["subject"].nunique()),
        "clips_per_label": per_label,
        "always": {"label": majority, **always},
    }


def _per_subject(predictions: pd.DataFrame, n_seeds: int) -> list[dict[str, Any]]:
    """Return the number of right answers per subject; a per-subject F1 would mean little."""
    is_correct = predictions["label"] == predictions["prediction"]
    groups = predictions.assign(is_correct=is_correct).groupby(["dataset", "subject"])["is_correct"]
    return [
        {
            "dataset": dataset,
            "subject": subject,
            "clips": int(n_rows) // n_seeds,
            "right_per_seed": float(n_correct) / n_seeds,
        }
        for (dataset, subject), n_rows, n_correct in groups.agg(["size", "sum"]).itertuples()
    ]
