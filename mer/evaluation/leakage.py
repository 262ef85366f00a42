"""What a run would claim if each test subject chose its own epoch, as in much public code. Never a result.

Every fold is trained once more, and its test subject is predicted after each epoch. The leaked score takes,
fold by fold, the epoch with the most right answers on that subject (the last of equally good ones). So the
difference from the run's own score is a lower bound of what the leak is worth. No file name, column or line
here looks like that of a run, each score stands beside the words "not a result", and `mer compare` and
`mer report` refuse an audit.
"""

import inspect
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mer.evaluation import cross_validation, estimators, metrics
from mer.evaluation.config import CvConfig
from mer.evaluation.estimators import ClassifierSpec, Problem
from mer.evaluation.finished_run import AUDIT_FOLDER, Run, open_run, reload_inputs
from mer.evaluation.run_folder import write_table
from mer_core.errors import BadSetting, Incompatible
from mer_core.io import write_json
from mer_core.progress import track
from mer_core.text import format_count

WARNING = "not a result: the epoch was chosen on the test subject"
LENGTH_PARAMS = ("epochs", "steps")  # names that classifiers give their training length
MAX_LENGTHS = 20  # tried with a classifier that cannot report each epoch
MIN_REPEATED = 0.98  # fraction of clips that must get the run's own label again


@dataclass(frozen=True)
class Audit:
    """UF1 of a run, mean over seeds, and with the leak."""

    run: str
    clips: int
    folds: int
    seeds: int
    epochs: list[int]  # training lengths among which each test subject chose
    honest: float  # the run's own: every fold ends at the same epoch
    leaked: float
    folds_that_moved: float  # fraction of folds that chose another epoch than the last


def audit(path: str | Path) -> Audit:
    """Train the run in folder `path` again, and write and return what the leak would be worth.

    Raises
    ------
    BadInput
        If the classifier has no `epochs` or `steps`, settings were searched, the data is gone or has changed,
        or the training does not repeat the run.
    """
    run = open_run(path)
    config = CvConfig(**run.config)
    labels = run.metrics["labels"]
    if config.search:
        raise BadSetting(
            f"{path} chose its settings inside the training subjects. Only runs with fixed settings can be "
            "audited."
        )
    table, X = cross_validation.sort_clips(*reload_inputs(run), labels)
    problem = cross_validation.build_problem(table, X, labels, run.origin["protocol"]["split"])
    by_seed = []
    for seed in track(run.metrics["seeds"], "auditing seeds"):
        epochs, p = predict_each_epoch(config, problem, seed)
        if not np.ptp(p, axis=0).any():  # equal scores would look like proof of honesty
            raise BadSetting(
                f"The training length of {config.classifier} changes no prediction of this run, so there is "
                "no epoch to choose."
            )
        by_seed.append(_choose_on_test(table, problem, seed, epochs, p, labels))
    rows = pd.concat(by_seed, ignore_index=True)
    _check_repeated(run, rows)
    chosen = rows.groupby(["seed", "fold"])["epoch"].first()
    result = Audit(
        run=str(path),
        clips=len(table),
        folds=len(problem.folds),
        seeds=len(by_seed),
        epochs=epochs,
        honest=run.metrics["uf1"],
        leaked=_mean_uf1(rows, "leaked", labels),
        folds_that_moved=float((chosen != epochs[-1]).mean()),
    )
    _write(Path(path) / AUDIT_FOLDER, result, rows)
    return result


def predict_each_epoch(config: CvConfig, problem: Problem, seed: int) -> tuple[list[int], np.ndarray]:
    """Return training lengths, and the clips' held-out probabilities (lengths, N, classes) after each.

    A classifier whose `fit_folds` or `fit` takes `on_epoch` is trained once; any other is trained once per
    length.
    """
    classifier = estimators.resolve_classifier(config, problem.n_classes)
    params = classifier.prototype.get_params()
    length_param = next((name for name in LENGTH_PARAMS if name in params), None)
    if length_param is None:
        raise BadSetting(f"The classifier {classifier.name} has no `epochs`, so there is no epoch to choose.")
    n_epochs = params[length_param]
    if any(_reports_epochs(classifier, method) for method in ("fit_folds", "fit")):
        lengths = list(range(1, n_epochs + 1))
        by_fold = _train_once(classifier, problem, seed)
    else:
        lengths = sorted({round(n) for n in np.linspace(1, n_epochs, min(n_epochs, MAX_LENGTHS))})
        by_fold = _train_each_length(classifier, problem, seed, length_param, lengths)
    p = np.empty((len(lengths), len(problem.y), problem.n_classes))
    for (_, _, test), values in zip(problem.folds, by_fold):
        p[:, test] = np.stack(values)
    return lengths, p


def _reports_epochs(classifier: ClassifierSpec, method: str) -> bool:
    """Return whether this method of the classifier takes `on_epoch`."""
    function = getattr(classifier.prototype, method, lambda: None)
    return "on_epoch" in inspect.signature(function).parameters


def _train_once(classifier: ClassifierSpec, problem: Problem, seed: int) -> list[list[np.ndarray]]:
    """Return each fold's test probabilities after each epoch of one training."""
    by_fold: list[list[np.ndarray]] = [[] for _ in problem.folds]

    def predict(k: int, fitted: Any) -> None:
        test = problem.folds[k][2]
        by_fold[k].append(estimators.predict_probabilities(fitted, problem.X[test], problem.n_classes))

    if _reports_epochs(classifier, "fit_folds"):
        trains = [train for _, train, _ in problem.folds]
        for _ in classifier.new(seed).fit_folds(problem.X, problem.y, trains, on_epoch=predict):
            pass
    else:
        for k, (_, train, _) in enumerate(problem.folds):
            classifier.new(seed).fit(problem.X[train], problem.y[train], on_epoch=partial(predict, k))
    return by_fold


def _train_each_length(
    classifier: ClassifierSpec, problem: Problem, seed: int, length_param: str, lengths: list[int]
) -> list[list[np.ndarray]]:
    """Return each fold's test probabilities after one training per length."""
    by_fold: list[list[np.ndarray]] = [[] for _ in problem.folds]
    pairs = [(train, test) for _, train, test in problem.folds]
    for n in lengths:
        for k, p in estimators.fit_predict(classifier, {length_param: n}, seed, problem, pairs):
            by_fold[k].append(p)
    return by_fold


def format_audit(result: Audit) -> str:
    """Return the audit as lines for the terminal, each of which says that it is not a result."""
    last = result.epochs[-1]
    epochs = f"{result.epochs[0]} to {last}"
    if len(result.epochs) < last:
        epochs += f" ({len(result.epochs)} of them)"
    return "\n".join(
        [
            f"{WARNING} (audit of {result.run}: {result.clips} clips, {result.folds} folds, "
            f"{format_count(result.seeds, 'seed')}, epochs {epochs})",
            f"honest UF1 {result.honest:.3f}, the run's own score, every fold trained for {last} epochs; the "
            f"following lines are not a result",
            f"leaked UF1 {result.leaked:.3f}, {WARNING}; {result.folds_that_moved:.0%} of the folds chose "
            f"another epoch than the last",
            f"difference {result.leaked - result.honest:+.4f}, {WARNING}",
        ]
    )


def _choose_on_test(
    table: pd.DataFrame, problem: Problem, seed: int, epochs: list[int], p: np.ndarray, labels: list[str]
) -> pd.DataFrame:
    """Return one row per clip: its label after the last epoch, and after the best one for its subject."""
    names = np.array(labels, dtype=object)
    parts = []
    for fold, _, test in problem.folds:
        predicted = p[:, test].argmax(2)  # (lengths, n_test)
        n_right = (predicted == problem.y[test]).sum(1)
        best = len(n_right) - 1 - int(n_right[::-1].argmax())
        clips = table.iloc[test][["clip_id", "dataset", "subject", "label"]].assign(seed=seed, fold=fold)
        honest, leaked = names[predicted[-1]], names[predicted[best]]
        parts.append(clips.assign(honest=honest, leaked=leaked, epoch=epochs[best]))
    return pd.concat(parts)


def _check_repeated(run: Run, rows: pd.DataFrame) -> None:
    """Raise `BadInput` if the training does not repeat the run: the leak is not its only difference then."""
    both = run.predictions.merge(rows, on=["clip_id", "seed"], validate="one_to_one")
    repeated = (both["prediction"] == both["honest"]).mean()
    if repeated < MIN_REPEATED:
        raise Incompatible(
            f"Trained again, {run.path} predicts another label for {1 - repeated:.0%} of its clips. The run "
            f"was made with {run.origin.get('versions', {})}; other library versions may differ. Make it "
            "again with mer cv, then audit it."
        )


def _mean_uf1(rows: pd.DataFrame, column: str, labels: list[str]) -> float:
    counts = [
        metrics.confusion_matrix(part["label"], part[column], labels) for _, part in rows.groupby("seed")
    ]
    return float(metrics.compute_scores(np.stack(counts))["uf1"].mean())


def _write(folder: Path, result: Audit, rows: pd.DataFrame) -> None:
    """Write the audit under names that nothing reads as predictions or scores."""
    facts = {name: value for name, value in asdict(result).items() if name not in ("honest", "leaked")}
    scores = {
        "honest_uf1_of_the_run": result.honest,
        "leaked_uf1_not_a_result": result.leaked,
        "leak_not_a_result": result.leaked - result.honest,
    }
    write_json(folder / "audit-not-a-result.json", {"warning": WARNING, **facts, **scores})
    columns = {
        "honest": "label_after_last_epoch",
        "leaked": "leaked_label_not_a_result",
        "epoch": "epoch_chosen_on_test_subject",
    }
    write_table(rows.rename(columns=columns).assign(warning=WARNING), folder / "audit-not-a-result.csv")
