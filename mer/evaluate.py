"""Folds -> predictions. Fits one classifier per fold and seed, never looks at a score, and saves each fold as it ends.

Nothing in here may depend on the order of the table's rows: clips are sorted by `clip_id` before anything else happens.
Nothing that is fitted may see the held-out subject: the only fits are those in `predict_fold`, on the fold's own clips, and in
`predict_folds`, where a classifier fits all folds at once and each of them on its own clips.
"""

import hashlib
import inspect
from pathlib import Path
from typing import Any, Callable, Iterator
from urllib.parse import quote

import numpy as np
import pandas as pd
import yaml

import mer
from mer import registry, splits
from mer.config import CvConfig, save_config
from mer.disk import replacing, write_json
from mer.errors import BadInput
from mer.progress import track
from mer.settings import checked

TEXT = {name: str for name in ("clip_id", "dataset", "subject", "fold", "label", "prediction")}  # 006 is a name, not a number


class OneLabel(BadInput):
    """Some fold has clips of one label only to fit on."""


def cross_validate(
    table: pd.DataFrame, X: np.ndarray, config: CvConfig, out: str | Path, labels: list[str] | None = None, split: str = "loso"
) -> pd.DataFrame:
    """Fit and predict every fold for every seed, and return the pooled predictions.

    table : `clip_id, dataset, subject, label`, one row per clip (N)
    X : (N, ...) float32 features, row i for row i of `table`
    out : run folder; folds already in it are kept, so that an interrupted run goes on
    labels : the classes in order; those of `table`, sorted, where not given
    split : function of mer/splits.py, "loso" or "lodo"
    returns `clip_id, dataset, subject, fold, seed, label, prediction, p_<label>...`, each clip once per seed
    Raises `BadInput` if features or labels cannot be used, or if `out` holds a run with other settings or other data.
    """
    out = Path(out)
    labels = labels or sorted(set(table["label"]))
    table, X = _in_order(table, X, labels)
    y = np.array([labels.index(label) for label in table["label"]])
    folds = getattr(splits, split)(table)
    _check_folds(folds, y, labels)
    make = maker(config, len(labels))
    claim(out, config, {**fingerprint(table, X), "classes": labels, "split": split})

    files = {(seed, name): fold_file(out, seed, name) for seed in range(config.seeds) for name, _, _ in folds}
    missing = {key for key, file in files.items() if not file.is_file()}
    work = predict_folds(make, range(config.seeds), X, y, folds, missing)
    for seed, (name, _, test), p in track(work, f"{config.classifier}, {len(folds)} folds x {config.seeds} seeds", total=len(missing)):
        with replacing(files[seed, name]) as temporary:
            _rows(table.iloc[test], name, seed, p, labels).to_csv(temporary, index=False)

    predictions = pd.concat([read_predictions(file) for file in files.values()], ignore_index=True)
    with replacing(out / "predictions.csv") as temporary:
        predictions.to_csv(temporary, index=False)
    return predictions


def predict_folds(make, seeds, X, y, folds: list[splits.Fold], missing: set[tuple[int, str]]) -> Iterator[tuple[int, splits.Fold, np.ndarray]]:
    """Yield seed, fold and probabilities for its test clips, for each (seed, name of a fold) in `missing`, as they become known.

    A classifier that has `fit_folds` is fitted for all folds of a seed at once. They are then fitted together even where only
    some are missing, so that a run that was stopped ends with the same numbers, to the last bit, as one that was not.
    """
    for seed in seeds:
        if not any((seed, name) in missing for name, _, _ in folds):
            continue
        together = getattr(make(seed), "fit_folds", None)
        if together:
            for k, fitted in together(X, y, [train for _, train, _ in folds]):
                if (seed, folds[k][0]) in missing:
                    yield seed, folds[k], fitted.predict_proba(X[folds[k][2]])
        else:
            for name, train, test in folds:
                if (seed, name) in missing:
                    yield seed, (name, train, test), predict_fold(make, seed, X, y, train, test)


def predict_fold(make: Callable[[int], Any], seed: int, X: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Fit a new classifier on the positions `train` and return its probabilities for `test`, (len(test), classes) float64."""
    classifier = make(seed).fit(X[train], y[train])
    return classifier.predict_proba(X[test])


def maker(config: CvConfig, classes: int) -> Callable[[int], Any]:
    """Return a function seed -> new classifier, after checking the classifier's settings.

    Raises `UnknownName` for a classifier that is not listed, `BadInput` for a setting it does not have.
    """
    Classifier = registry.load("mer.classifiers", config.classifier).Classifier
    settings = checked(config.classifier_settings, Classifier, ("classes", "seed", "device"), f"The classifier {config.classifier}")
    if "device" in inspect.signature(Classifier).parameters:
        settings["device"] = config.device
    return lambda seed: Classifier(classes=classes, seed=seed, **settings)


def fingerprint(table: pd.DataFrame, X: np.ndarray) -> dict[str, Any]:
    """Return what identifies the data of a run: counts and hashes of clips, labels and features, in `clip_id` order."""

    def sha(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()[:16]

    return {
        "clips": f"{len(table)} clips, {sha(chr(10).join(table['clip_id']).encode())}",
        "labels": sha(chr(10).join(table["label"]).encode()),
        "features": f"{' x '.join(map(str, X.shape[1:]))}, {sha(np.ascontiguousarray(X).tobytes())}",
    }


def claim(out: Path, config: CvConfig, data: dict[str, Any]) -> None:
    """Make `out` the folder of this run, or check that it already is: same settings, same data, same version of mer.

    Raises `BadInput` naming every key that changed, because folds of two different runs must never be pooled.
    """
    now = {**config.model_dump(), **data, "version": mer.__version__}
    file = out / "input.json"
    if file.is_file():
        before = {**yaml.safe_load((out / "config.yaml").read_text(encoding="utf-8")), **yaml.safe_load(file.read_text(encoding="utf-8"))}
        changed = [f"{key} was {before.get(key)!r} and is now {value!r}" for key, value in now.items() if before.get(key) != value]
        if changed:
            raise BadInput(f"{out} holds another run: {'; '.join(changed)}. Choose another --out, or remove that folder.")
    elif out.is_dir() and (out / "predictions").exists():
        raise BadInput(f"{out} holds predictions, but not the input.json that says what they are of. Choose another --out.")
    else:
        save_config(config, out / "config.yaml")
        write_json(file, {**data, "version": mer.__version__})


def fold_file(out: Path, seed: int, fold: str) -> Path:
    """Where one fold's predictions lie. The fold's name is quoted, so that no subject's name can lead out of the folder."""
    return out / "predictions" / f"seed-{seed}" / f"{quote(fold, safe='')}.csv"


def read_predictions(path: str | Path) -> pd.DataFrame:
    """Read predictions written by `cross_validate`; numbers come back to the last bit and ids stay text."""
    return pd.read_csv(path, dtype=TEXT, keep_default_na=False, float_precision="round_trip")


def _rows(clips: pd.DataFrame, fold: str, seed: int, p: np.ndarray, labels: list[str]) -> pd.DataFrame:
    """Predictions of one fold: the clips' own rows, so that a label and its prediction cannot be mismatched."""
    rows = clips[["clip_id", "dataset", "subject"]].assign(fold=fold, seed=seed, label=clips["label"])
    rows["prediction"] = [labels[i] for i in p.argmax(1)]
    return rows.assign(**{f"p_{label}": p[:, i] for i, label in enumerate(labels)})


def _in_order(table: pd.DataFrame, X: np.ndarray, labels: list[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """Return table and features sorted by `clip_id`, after checking that they belong together and can be used."""
    if len(table) != len(X):
        raise BadInput(f"The table has {len(table)} clips and the features have {len(X)}.")
    twice = table.loc[table["clip_id"].duplicated(), "clip_id"]
    if len(twice):
        raise BadInput(f"{len(twice)} clip(s) are listed twice. First: {twice.iloc[0]}.")
    odd = table.loc[~table["label"].isin(labels)]
    if len(odd):
        raise BadInput(f"{len(odd)} clip(s) have a label that is not one of {labels}. First: {odd.iloc[0]['clip_id']}, {odd.iloc[0]['label']!r}.")
    bad = table.loc[~np.isfinite(X.reshape(len(X), -1)).all(1), "clip_id"]
    if len(bad):
        raise BadInput(f"The features of {len(bad)} of {len(table)} clips hold values that are not numbers. First: {bad.iloc[0]}.")
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
