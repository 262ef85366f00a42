"""Scores of pooled predictions: views of the predictions table; nothing here fits or selects anything.

All scores come from one confusion matrix over *all* folds: most subjects do not show every class, so a score
per subject and its average would not mean anything. A class that cannot be scored counts as 0 and stays in
every mean; only the resamples behind an interval leave out classes that they happen not to show, see
`resampled`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mer.evaluation import splits

SCORES = ("uf1", "uar", "accuracy", "macro_precision")
RESAMPLES = 2000
BINS = 10  # of the calibration error; hundreds of clips fill no more


def confusion(truth: Iterable, prediction: Iterable, labels: Sequence) -> np.ndarray:
    """Count clips by truth (rows) and prediction (columns), in the order of `labels`: (C, C) int64."""
    code = {label: i for i, label in enumerate(labels)}
    rows = np.array([code[t] for t in truth], dtype=np.int64)
    columns = np.array([code[p] for p in prediction], dtype=np.int64)
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(counts, (rows, columns), 1)
    return counts


def per_class(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return F1, recall and precision of each class, each (..., C) in 0..1, from counts (..., C, C); 0 / 0
    counts as 0.

    Recall divides by the row (clips that *are* the class), precision by the column (clips *called* the
    class). The UAR published with STSTNet divides by columns: 0.7605 is its macro precision, and its recall
    is 0.7186.
    """
    hit = np.diagonal(counts, axis1=-2, axis2=-1)
    true, called = counts.sum(-1), counts.sum(-2)

    def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        return np.divide(part, whole, out=np.zeros(part.shape, dtype=np.float64), where=whole > 0)

    return {"f1": ratio(2 * hit, true + called), "recall": ratio(hit, true), "precision": ratio(hit, called)}


def scores(counts: np.ndarray, counting: np.ndarray | bool = True) -> dict[str, np.ndarray]:
    """Return UF1, UAR, accuracy and macro precision, each (...), in 0..1, from confusion counts (..., C, C).

    counting : (..., C) bool, the classes whose mean is taken; all of them where not given
    Source: UF1 = mean of 2TP / (2TP + FP + FN), UAR = mean of TP / N, on pooled counts (MEGC 2019, See et
    al., FG 2019).
    """
    each = per_class(counts)
    clips = counts.sum((-2, -1))
    accuracy = np.trace(counts, axis1=-2, axis2=-1) / np.maximum(clips, 1)
    f1, recall, precision = (each[name].mean(-1, where=counting) for name in ("f1", "recall", "precision"))
    means = (f1, recall, accuracy, precision)
    return dict(zip(SCORES, means))


def majority_of_others(table: pd.DataFrame, labels: list[str]) -> pd.Series:
    """Return for each clip the most frequent label among the clips of all *other* folds; a tie goes to the
    first of `labels`.

    This is what a classifier that ignores its input learns in each fold, be it a subject or a dataset.
    table : `fold, label`
    """
    counts = pd.crosstab(table["fold"], table["label"]).reindex(columns=labels, fill_value=0)
    others = counts.sum() - counts
    by_fold = {fold: labels[i] for fold, i in zip(counts.index, others.to_numpy().argmax(1))}
    return table["fold"].map(by_fold)


def subject_confusions(predictions: pd.DataFrame, labels: list[str]) -> np.ndarray:
    """Return confusion counts of each seed and subject, (seeds, subjects, C, C) int64, subjects sorted by
    `splits.subject_ids`.
    """
    groups = predictions.groupby(["seed", splits.subject_ids(predictions)])
    seeds, subjects = (sorted({key[i] for key in groups.groups}) for i in (0, 1))
    parts = {key: confusion(part["label"], part["prediction"], labels) for key, part in groups}
    return np.array([[parts[seed, subject] for subject in subjects] for seed in seeds])


def draws(subjects: int, resamples: int = RESAMPLES) -> np.ndarray:
    """Return how often each subject is drawn in each resample, (resamples, subjects) int: with replacement,
    and the same on every call.
    """
    return np.random.default_rng(0).multinomial(subjects, np.full(subjects, 1 / subjects), size=resamples)


def resampled(counts: np.ndarray, resamples: int = RESAMPLES) -> dict[str, np.ndarray]:
    """Return the scores of resamples of whole subjects, each (resamples,), mean over seeds.

    Clips of one subject are alike, so drawing single clips would give an interval that is too narrow. The
    fitted classifiers are held fixed: the change of training subjects that another sample would bring is not
    in it. A resample takes its means over the classes it shows. One that lacks a rare class says nothing
    about that class, and to count it as 0 would pull the lower end down by 1 / C: ten clips, all right, would
    have UF1 .667 to 1. Redrawing such resamples mends that end only. On made-up samples of 8 to 25 subjects
    with 3 to 7 classes, the interval meant to hold the true UF1 in 95 % held it in 89 to 95 % this way, in 76
    to 90 % with redrawing, and in 79 to 92 % with the 0.
    counts : (seeds, subjects, C, C) int. Runs on the same clips are drawn together, so that their differences
    can be taken.
    """
    people, hits = (counts.sum((0, 3)) > 0).sum(0), counts.sum((0, 1)).diagonal()
    learned = (people > 1) | (
        hits > 0
    )  # a class of nobody, or of one subject alone, counts as 0 here as in the score itself
    pooled = np.einsum("rp,spij->rsij", draws(counts.shape[1], resamples), counts)
    counting = (pooled.sum(-1) > 0) & learned
    counting |= ~counting.any(-1, keepdims=True)  # a resample of such classes only, all of them 0
    found = {name: value.mean(1) for name, value in scores(pooled, counting).items()}
    return {name: value if name == "accuracy" else learned.mean() * value for name, value in found.items()}


def middle(values: np.ndarray) -> list[float]:
    """Return the interval that holds the middle 95 % of `values`."""
    return [float(q) for q in np.percentile(values, [2.5, 97.5])]


def bootstrap(counts: np.ndarray) -> dict[str, list[float]] | None:
    """Return the 95 % interval of each score over subjects, see `resampled`; None for one subject."""
    return (
        {name: middle(values) for name, values in resampled(counts).items()} if counts.shape[1] > 1 else None
    )


@dataclass(frozen=True)
class ReliabilityBin:
    """Clips of about the same confidence."""

    confidence: float  # mean of their greatest probability
    accuracy: float  # fraction that is right
    fraction: float  # of all clips


def reliability(p: np.ndarray, right: np.ndarray) -> list[ReliabilityBin]:
    """Return those of `BINS` equal bins of confidence that hold clips, for probabilities p (N, C) and right
    (N,) bool.
    """
    confidence = p.max(1)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        ReliabilityBin(
            float(confidence[bins == b].mean()), float(right[bins == b].mean()), float((bins == b).mean())
        )
        for b in np.unique(bins)
    ]


def calibration_error(p: np.ndarray, right: np.ndarray) -> float:
    """Return the expected calibration error, 0..1: how far confidence is from the fraction of right answers,
    by bin.

    Few clips leave some error to a perfect predictor too.

    Parameters
    ----------
    p : (N, C) float
        Probabilities.
    right : (N,) bool
        Whether each answer is right.

    References
    ----------
    Guo et al., On calibration of modern neural networks, ICML 2017.
    """
    sure = p.max(1)
    parts = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = np.bincount(parts, weights=sure, minlength=BINS) - np.bincount(
        parts, weights=right, minlength=BINS
    )
    return float(np.abs(gaps).sum() / len(p))


def detectable(sd: float) -> float:
    """Return the true difference that is found (two-sided, p < .05) in four of five repeats, from the SD of
    its estimate.

    References
    ----------
    Cohen, Statistical Power Analysis for the Behavioral Sciences, 2nd edition, 1988, chapter 2: z(.975) +
    z(.8) = 2.80.
    """
    return 2.80 * sd


def summary(predictions: pd.DataFrame, labels: list[str]) -> dict[str, Any]:
    """Return everything that `metrics.json` holds, from the predictions of all folds and seeds.

    predictions : `clip_id, dataset, subject, fold, seed, label, prediction, p_<label>...`, each clip once per
        seed
    Scores are means over seeds, `sd` their standard deviation over seeds (n - 1; null for one seed).
    """
    predictions = predictions.reset_index(drop=True)
    by_subject = subject_confusions(predictions, labels)
    by_seed = by_subject.sum(1)
    seeds = sorted(int(seed) for seed in predictions["seed"].unique())
    table = predictions[predictions["seed"] == seeds[0]]
    return {
        **_mean(by_seed),
        "sd": _sd(by_seed),
        "calibration_error": _calibration(predictions, labels),
        "interval95": bootstrap(by_subject),
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
        "baselines": baselines(table, labels),
        "per_dataset": {name: _dataset(part, labels) for name, part in predictions.groupby("dataset")},
        "per_subject": _per_subject(predictions, len(seeds)),
    }


def by_chance(scores: dict[str, Any]) -> bool:
    """Do seeds change the scores of `summary`? An SD of 0 says nothing about how sure they are."""
    return any(
        round(sd, 9) for sd in (scores["sd"] or {}).values()
    )  # a mean of equal numbers may be off by 1e-17


def baselines(table: pd.DataFrame, labels: list[str]) -> dict[str, dict[str, float]]:
    """Return the scores of predictors that never look at the input, each clip of `table` once.

    `majority_of_training_subjects`: in each fold, the label most frequent among the clips it is fitted on.
    `always_<label>`: the same label for every clip.
    """
    guesses = {"majority_of_training_subjects": majority_of_others(table, labels)}
    guesses |= {f"always_{label}": pd.Series(label, table.index) for label in labels}
    return {name: _mean(confusion(table["label"], guess, labels)[None]) for name, guess in guesses.items()}


def _mean(by_seed: np.ndarray) -> dict[str, float]:
    return {name: float(value.mean()) for name, value in scores(by_seed).items()}


def _sd(by_seed: np.ndarray) -> dict[str, float] | None:
    return (
        {name: float(value.std(ddof=1)) for name, value in scores(by_seed).items()}
        if len(by_seed) > 1
        else None
    )


def _calibration(predictions: pd.DataFrame, labels: list[str]) -> dict[str, float | int]:
    """Mean confidence and calibration error, of each seed by itself and then averaged."""
    right = predictions["label"] == predictions["prediction"]
    p = predictions[[f"p_{label}" for label in labels]]
    parts = [predictions["seed"] == seed for seed in predictions["seed"].unique()]
    errors = [calibration_error(p[part].to_numpy(), right[part].to_numpy()) for part in parts]
    return {"ece": float(np.mean(errors)), "mean_confidence": float(p.max(axis=1).mean()), "bins": BINS}


def _per_class(by_seed: np.ndarray, labels: list[str]) -> dict[str, dict[str, float]]:
    each = per_class(by_seed)
    return {
        label: {name: float(value[:, i].mean()) for name, value in each.items()}
        for i, label in enumerate(labels)
    }


def _dataset(part: pd.DataFrame, labels: list[str]) -> dict[str, Any]:
    """Scores of the pooled predictions restricted to one dataset; all classes count, shown there or not."""
    by_subject = subject_confusions(part, labels)
    by_seed = by_subject.sum(1)
    clips = part[part["seed"] == part["seed"].min()]
    per_label = {label: int((clips["label"] == label).sum()) for label in labels}
    subjects = int(clips["subject"].nunique())
    most = max(per_label, key=per_label.__getitem__)
    always = _mean(confusion(clips["label"], [most] * len(clips), labels)[None])
    scored = {**_mean(by_seed), "sd": _sd(by_seed), "interval95": bootstrap(by_subject)}
    return {
        **scored,
        "clips": len(clips),
        "subjects": subjects,
        "clips_per_label": per_label,
        "always": {"label": most, **always},
    }


def _per_subject(predictions: pd.DataFrame, seeds: int) -> list[dict[str, Any]]:
    """Right answers of each subject, as counts: a mean of F1 over subjects would mean nothing."""
    right = predictions["label"] == predictions["prediction"]
    rows = predictions.assign(right=right).groupby(["dataset", "subject"])["right"].agg(["size", "sum"])
    return [
        {"dataset": d, "subject": s, "clips": int(n) // seeds, "right_per_seed": float(k) / seeds}
        for (d, s), n, k in rows.itertuples()
    ]
