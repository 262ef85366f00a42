"""Folds -> predictions. One classifier per fold and seed, no look at a score, and each fold is saved as it
ends.

Nothing in here may depend on the order of the table's rows: clips are sorted by `clip_id` before anything
else happens. Nothing that is fitted may see the held-out subject: what happens inside the folds is in
mer/evaluation/folds.py, and nowhere else.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

import mer_core
from mer.evaluation import estimators, folds, splits
from mer.evaluation.config import CvConfig, save_config
from mer.evaluation.estimators import ClassifierSpec
from mer_core import claims, yaml_files
from mer_core.errors import BadInput
from mer_core.io import atomic_replace, read_json, visible_names, write_json
from mer_core.parallel import Workers
from mer_core.progress import say, track

TEXT = {
    name: str for name in ("clip_id", "dataset", "subject", "fold", "label", "prediction")
}  # 006 is a name, not a number


MIN_SUBJECTS = 5  # below which a run says how little it says


class OneLabel(BadInput):
    """Some fold has clips of one label only to fit on."""

    code = "one-label"


def cross_validate(
    table: pd.DataFrame,
    X: np.ndarray,
    config: CvConfig,
    out: str | Path,
    labels: list[str] | None = None,
    split: str = "loso",
    workers: Workers = Workers(),
    classifier: ClassifierSpec | None = None,
) -> pd.DataFrame:
    """Fit and predict every fold for every seed, and return the pooled predictions.

    table : `clip_id, dataset, subject, label`, one row per clip (N)
    X : (N, ...) float32 features, row i for row i of `table`
    out : run folder; folds already in it are kept, so that an interrupted run goes on
    labels : the classes in order; those of `table`, sorted, where not given
    split : function of mer/evaluation/splits.py, "loso" or "lodo"
    workers : who share the folds of a classifier that cannot take them all at once; changes no result
    but by rounding
    classifier : what `config.classifier` was resolved to, where that has been done already
    returns `clip_id, dataset, subject, fold, seed, label, prediction, p_<label>...`, each clip once per seed
    Raises `BadInput` if features or labels cannot be used, or if `out` holds a run with other settings or
    other data.
    """
    out = Path(out)
    labels = labels or sorted(set(table["label"]))
    table, X = in_order(table, X, labels)
    problem = build_problem(table, X, labels, split)
    classifier = classifier or estimators.resolve(config, len(labels))
    n_seeds = classifier.n_seeds(config.seeds)
    claim(out, config, {**fingerprint(table, X), "classes": labels, "split": split})

    _say_what_cannot_be_learned(problem, labels)
    _say_what_is_little(problem, classifier, config.seeds)
    tests = {name: test for name, _, test in problem.folds}
    files = {(seed, name): fold_file(out, seed, name) for seed in range(n_seeds) for name in tests}
    missing = {key for key, file in files.items() if not file.is_file()}
    work = folds.predict_all(classifier, config, problem, missing, workers)
    for seed, name, p, choice in track(
        work, f"{classifier.name}, {len(tests)} folds x {n_seeds} seeds", total=len(missing)
    ):
        if config.chooses:
            write_json(fold_file(out, seed, name, "choices"), {"seed": seed, "fold": name, **asdict(choice)})
        with atomic_replace(files[seed, name]) as temporary:
            _rows(table.iloc[tests[name]], name, seed, p, labels).to_csv(temporary, index=False)

    if config.chooses:
        chosen = [json.loads(fold_file(out, *key, "choices").read_text(encoding="utf-8")) for key in files]
        write_json(out / "choices.json", {"candidates": classifier.candidates, "chosen": chosen})
    return _pool(list(files.values()), out / "predictions.csv")


def _pool(files: list[Path], file: Path) -> pd.DataFrame:
    """Return the predictions of all folds, written to `file` too."""
    predictions = pd.concat([read_predictions(of_fold) for of_fold in files], ignore_index=True)
    with atomic_replace(file) as temporary:
        predictions.to_csv(temporary, index=False)
    return predictions


def build_problem(table: pd.DataFrame, X: np.ndarray, labels: list[str], split: str) -> estimators.Problem:
    """Return what is to be solved, from a table and features that are `in_order`. Raises `OneLabel` if a fold
    has nothing to learn from.
    """
    y = np.array([labels.index(label) for label in table["label"]])
    parts = getattr(splits, split)(table)
    _check_folds(parts, y, labels)
    return estimators.Problem(X, y, splits.subject_ids(table), parts, len(labels))


def fingerprint(table: pd.DataFrame, X: np.ndarray) -> dict[str, Any]:
    """Return what identifies the data of a run: counts and hashes of clips, labels and features, in `clip_id`
    order.
    """

    def sha(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()[:16]

    return {
        "clips": f"{len(table)} clips, {sha(chr(10).join(table['clip_id']).encode())}",
        "labels": sha(chr(10).join(table["label"]).encode()),
        "features": f"{' x '.join(map(str, X.shape[1:]))}, {sha(np.ascontiguousarray(X).tobytes())}",
    }


def claim(out: Path, config: CvConfig, data: dict[str, Any]) -> None:
    """Make `out` the folder of this run, or check that it already is: same settings, same data, same version
    of mer.

    Raises `BadInput` naming every key that changed, because folds of two different runs must never be pooled,
    and if `out` holds something else, which would end up beside the run or in it.
    """
    now = {**config.model_dump(), **data, "version": mer_core.__version__}
    file, settings = out / "input.json", out / "config.yaml"
    if file.is_file() and settings.is_file():
        defaults = CvConfig().model_dump()  # for settings that came after that run
        before = {**defaults, **read_yaml(settings), **read_json(file)}
        claims.check_unchanged(out, before, now, "a run")
    elif visible_names(out) - {file.name}:
        raise BadInput(f"{out} is not empty and holds no run to go on with. Choose another --out.")
    else:
        write_json(
            file, {**data, "version": mer_core.__version__}
        )  # first, because whoever stops here may have a config.yaml of their own
        save_config(config, settings)


def read_yaml(path: Path) -> dict[str, Any]:
    """The settings in a run's config.yaml; raises `BadInput` if it cannot be read."""
    try:
        return dict(yaml_files.read_yaml(path))
    except (ValueError, TypeError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error


def fold_file(out: Path, seed: int, fold: str, what: str = "predictions") -> Path:
    """Where one fold's predictions lie, or its `choices`. Its name is quoted, so that no subject's name can
    lead out of the folder.
    """
    return (
        out / what / f"seed-{seed}" / f"{quote(fold, safe='')}.{'csv' if what == 'predictions' else 'json'}"
    )


def read_predictions(path: str | Path) -> pd.DataFrame:
    """Read predictions written by `cross_validate`; numbers come back to the last bit and ids stay text."""
    return read_table(
        path, ["dataset", "subject", "seed", "label", "prediction"], dtype=TEXT, float_precision="round_trip"
    )


def read_table(path: str | Path, columns: Sequence[str], **how: Any) -> pd.DataFrame:
    """Read a table of a run, with `how` for `pandas.read_csv`; raises `BadInput` if it cannot be read or
    lacks some of `columns`.
    """
    try:
        table = pd.read_csv(path, keep_default_na=False, **how)
        if missing := [name for name in columns if name not in table]:
            raise ValueError(f"it has no column {', '.join(missing)}")
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path} cannot be read: {error}. Delete it, and run the same mer cv again."
        ) from error
    return table


def _rows(clips: pd.DataFrame, fold: str, seed: int, p: np.ndarray, labels: list[str]) -> pd.DataFrame:
    """Predictions of one fold: the clips' own rows, so that labels and predictions cannot be mismatched."""
    rows = clips[["clip_id", "dataset", "subject"]].assign(fold=fold, seed=seed, label=clips["label"])
    rows["prediction"] = [labels[i] for i in p.argmax(1)]
    return rows.assign(**{f"p_{label}": p[:, i] for i, label in enumerate(labels)})


def in_order(table: pd.DataFrame, X: np.ndarray, labels: list[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """Return table and features sorted by `clip_id`, after checking that they belong together and can be
    used.
    """
    if len(table) != len(X):
        raise BadInput(f"The table has {len(table)} clips and the features have {len(X)}.")
    twice = table.loc[table["clip_id"].duplicated(), "clip_id"]
    if len(twice):
        raise BadInput(f"{len(twice)} clip(s) are listed twice. First: {twice.iloc[0]}.")
    odd = table.loc[~table["label"].isin(labels)]
    if len(odd):
        raise BadInput(
            f"{len(odd)} clip(s) have a label that is not one of {labels}. First: {odd.iloc[0]['clip_id']}, "
            f"{odd.iloc[0]['label']!r}."
        )
    bad = table.loc[~np.isfinite(X.reshape(len(X), -1)).all(1), "clip_id"]
    if len(bad):
        raise BadInput(
            f"The features of {len(bad)} of {len(table)} clips hold values that are not numbers. First: "
            f"{bad.iloc[0]}."
        )
    order = np.argsort(table["clip_id"].to_numpy(dtype=str), kind="stable")
    return table.iloc[order].reset_index(drop=True), np.asarray(X, dtype=np.float32)[order]


def _check_folds(folds: list[splits.Fold], y: np.ndarray, labels: list[str]) -> None:
    """Every fold must leave two labels to learn from."""
    poor = [name for name, train, _ in folds if len(set(y[train])) < 2]
    if poor:
        raise OneLabel(
            f"Without {poor[0]}, only one label is left to learn from ({len(poor)} of {len(folds)} folds). "
            f"The labels are {', '.join(labels)}: add clips of other subjects."
        )


def _say_what_cannot_be_learned(problem: estimators.Problem, labels: list[str]) -> None:
    """Such a label has F1 0, whatever the classifier; whoever reads the score should know."""
    for i, label in enumerate(labels):
        shown_in = [name for name, _, test in problem.folds if i in problem.y[test]]
        if len(shown_in) < 2:
            why = (
                f"shown by {shown_in[0]} alone, and cannot be learned from others"
                if shown_in
                else "shown by no clip"
            )
            say(f"{label} is {why}: its F1 is 0, and counts in UF1.")


def _say_what_is_little(problem: estimators.Problem, classifier: ClassifierSpec, seeds: int) -> None:
    if (n_subjects := len(set(problem.subjects))) < MIN_SUBJECTS:
        say(
            f"Only {n_subjects} subjects: each fold learns from {n_subjects - 1}, and a score says little "
            "about others."
        )
    if classifier.n_seeds(seeds) < seeds:
        say(f"{classifier.name} gives the same result with every seed: one instead of {seeds} is fitted.")
