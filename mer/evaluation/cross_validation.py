"""Cross-validate a table and its features: fit and predict every fold, save each as it ends, pool them.

Clips are sorted by `clip_id` first, so that the order of the table's rows changes nothing. What is fitted
inside a fold is decided in folds.py and nowhere else.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mer.evaluation import estimators, folds, splits
from mer.evaluation.config import CvConfig
from mer.evaluation.estimators import ClassifierSpec, Problem
from mer.evaluation.run_folder import choice_file, claim_run, predictions_file, read_predictions, write_table
from mer_core.errors import BadArray, BadInput, Duplicate
from mer_core.io import read_json, write_json
from mer_core.parallel import Workers
from mer_core.progress import detail, say, track
from mer_core.text import format_count

MIN_SUBJECTS = 5  # a run with fewer warns that its score says little


class OneLabel(BadInput):
    """The training clips of some fold have one label only."""

    code = "one-label"


class UnknownLabel(BadInput):
    """A clip has a label that is not among the labels of the run."""

    code = "unknown-label"


def cross_validate(
    table: pd.DataFrame,
    X: np.ndarray,
    config: CvConfig,
    out: Path,
    labels: list[str] | None = None,
    split: str = "loso",
    workers: Workers = Workers(),
    classifier: ClassifierSpec | None = None,
) -> pd.DataFrame:
    """Fit and predict every fold for every seed, and return the pooled predictions.

    Parameters
    ----------
    table : pandas.DataFrame
        `clip_id, dataset, subject, label`, one row per clip (N).
    X : (N, ...) float32
        Features; row i belongs to row i of `table`.
    out : path
        Run folder; folds that it already holds are kept, so an interrupted run continues.
    labels : list of str or None
        The classes in order; None: those of `table`, sorted.
    split : {"loso", "lodo"}
    workers : Workers
        Fit the folds of a classifier that cannot fit all folds at once.
    classifier : ClassifierSpec or None
        `config.classifier`, if already resolved.

    Returns
    -------
    pandas.DataFrame
        `clip_id, dataset, subject, fold, seed, label, prediction, p_<label>...`, each clip once per seed.

    Raises
    ------
    BadInput
        If features or labels cannot be used, or `out` holds a run with other settings or data.
    """
    labels = labels or sorted(set(table["label"]))
    table, X = sort_clips(table, X, labels)
    problem = build_problem(table, X, labels, split)
    classifier = classifier or estimators.resolve_classifier(config, len(labels))
    claim_run(out, config, {**fingerprint(table, X), "classes": labels, "split": split})
    _warn(problem, labels, classifier, config)
    n_seeds = classifier.n_seeds(config.seeds)
    keys = [(seed, name) for seed in range(n_seeds) for name, _, _ in problem.folds]
    missing = {key for key in keys if not predictions_file(out, *key).is_file()}
    predictions = folds.predict_folds(classifier, config, problem, missing, workers)
    title = f"{classifier.name}, {len(problem.folds)} folds x {n_seeds} seeds"
    _save_folds(track(predictions, title, total=len(missing)), table, problem, config, out, labels)
    return _pool_folds(keys, classifier, config, out)


def _save_folds(
    predictions: Iterable[folds.Prediction],
    table: pd.DataFrame,
    problem: Problem,
    config: CvConfig,
    out: Path,
    labels: list[str],
) -> None:
    """Write each fold as it ends: its predictions and, if anything was chosen, the choice."""
    tests = {name: test for name, _, test in problem.folds}
    for seed, name, p, choice in predictions:
        if config.chooses:
            write_json(choice_file(out, seed, name), {"seed": seed, "fold": name, **asdict(choice)})
        rows = _prediction_rows(table.iloc[tests[name]], name, seed, p, labels)
        write_table(rows, predictions_file(out, seed, name))
        right = int((rows["label"] == rows["prediction"]).sum())
        detail(f"seed {seed}, fold {name}: {right} of {format_count(len(rows), 'clip')} right")


def _pool_folds(
    keys: list[tuple[int, str]], classifier: ClassifierSpec, config: CvConfig, out: Path
) -> pd.DataFrame:
    """Pool the files of all folds, (seed, name), into predictions.csv and choices.json."""
    if config.chooses:
        chosen = [read_json(choice_file(out, *key)) for key in keys]
        write_json(out / "choices.json", {"candidates": classifier.candidates, "chosen": chosen})
    pooled = pd.concat([read_predictions(predictions_file(out, *key)) for key in keys], ignore_index=True)
    write_table(pooled, out / "predictions.csv")
    return pooled


def sort_clips(table: pd.DataFrame, X: np.ndarray, labels: list[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """Return table and features sorted by `clip_id`, after checking them.

    Raises
    ------
    BadInput
        If table and features differ in length, a clip is listed twice, a label is not in `labels`, or a
        feature is not finite.
    """
    if len(table) != len(X):
        raise BadArray(f"The table has {len(table)} clips and the features have {len(X)}.")
    duplicates = table.loc[table["clip_id"].duplicated(), "clip_id"]
    if len(duplicates):
        raise Duplicate(
            f"{format_count(len(duplicates), 'clip is', 'clips are')} listed twice. "
            f"First: {duplicates.iloc[0]}."
        )
    unknown = table.loc[~table["label"].isin(labels)]
    if len(unknown):
        first = unknown.iloc[0]
        raise UnknownLabel(
            f"{format_count(len(unknown), 'clip has', 'clips have')} a label that is not one of {labels}. "
            f"First: {first['clip_id']}, {first['label']!r}."
        )
    not_finite = table.loc[~np.isfinite(X.reshape(len(X), -1)).all(1), "clip_id"]
    if len(not_finite):
        raise BadArray(
            f"The features of {len(not_finite)} of {len(table)} clips hold NaN or infinite values. First: "
            f"{not_finite.iloc[0]}."
        )
    order = np.argsort(table["clip_id"].to_numpy(dtype=str), kind="stable")
    return table.iloc[order].reset_index(drop=True), np.asarray(X, dtype=np.float32)[order]


def build_problem(table: pd.DataFrame, X: np.ndarray, labels: list[str], split: str) -> Problem:
    """Return the classification problem of a sorted table and its features.

    Raises
    ------
    OneLabel
        If the training clips of some fold have one label only.
    """
    y = np.array([labels.index(label) for label in table["label"]])
    all_folds = splits.SPLITS[split](table)
    single = [name for name, train, _ in all_folds if len(set(y[train])) < 2]
    if single:
        raise OneLabel(
            f"Without {single[0]}, the training clips have one label only ({len(single)} of "
            f"{len(all_folds)} folds). The labels are {', '.join(labels)}: add clips of other subjects."
        )
    return Problem(X, y, splits.subject_ids(table), all_folds, len(labels))


def fingerprint(table: pd.DataFrame, X: np.ndarray) -> dict[str, Any]:
    """Return what identifies the data of a run: counts and hashes of sorted clips, labels and features."""

    def sha(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()[:16]

    return {
        "clips": f"{len(table)} clips, {sha(chr(10).join(table['clip_id']).encode())}",
        "labels": sha(chr(10).join(table["label"]).encode()),
        "features": f"{' x '.join(map(str, X.shape[1:]))}, {sha(np.ascontiguousarray(X).tobytes())}",
    }


def _prediction_rows(
    clips: pd.DataFrame, fold: str, seed: int, p: np.ndarray, labels: list[str]
) -> pd.DataFrame:
    """Return one fold's predictions beside the clips' own rows, so labels cannot be mismatched."""
    rows = clips[["clip_id", "dataset", "subject"]].assign(fold=fold, seed=seed, label=clips["label"])
    rows["prediction"] = [labels[i] for i in p.argmax(1)]
    return rows.assign(**{f"p_{label}": p[:, i] for i, label in enumerate(labels)})


def _warn(problem: Problem, labels: list[str], classifier: ClassifierSpec, config: CvConfig) -> None:
    """Say what limits the run: labels that cannot be learned, few subjects, seeds without effect."""
    for i, label in enumerate(labels):
        showing = [name for name, _, test in problem.folds if i in problem.y[test]]
        if len(showing) < 2:
            where = f"only {showing[0]} shows it" if showing else "no clip shows it"
            say(f"{label} cannot be learned, because {where}. Its F1 of 0 counts in UF1.")
    n_subjects = len(set(problem.subjects))
    if n_subjects < MIN_SUBJECTS:
        say(
            f"Only {format_count(n_subjects, 'subject')}: each fold learns from {n_subjects - 1}, "
            "and the score says little about other people."
        )
    if classifier.n_seeds(config.seeds) < config.seeds:
        say(f"{classifier.name} does not depend on the seed: one is fitted instead of {config.seeds}.")
