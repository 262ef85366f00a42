"""What a run would claim if the test subject chose its own epoch, as in much public code. A warning, never a
result.

Every fold is trained once more, and its test subject is predicted after each epoch. "Leaked" takes, fold by
fold, the epoch with the most right answers on that very subject, and the last one among equals of it: so the
difference is at least what the leak is worth, and nothing that a published number could rest on. Nothing here
is written under the names that a run has, no score stands without the words `not a result`, and `mer compare`
and `mer report` refuse what is.
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
from mer.evaluation.estimators import Problem
from mer.evaluation.finished_run import AUDIT, Run, open_run, read_again
from mer_core.errors import BadInput
from mer_core.io import atomic_replace, write_json
from mer_core.progress import track

WARNING = "not a result: the epoch was chosen on the test subject"
LENGTHS = ("epochs", "steps")  # what classifiers call how long they train
MAX_LENGTHS = 20  # tried where a classifier cannot report each epoch
MIN_REPEATED = 0.98  # fraction of clips that must get the run's own label again


@dataclass(frozen=True)
class Audit:
    """UF1 of a run, mean over seeds, and what it becomes by the leak."""

    run: str
    clips: int
    folds: int
    seeds: int
    epochs: list[int]  # training lengths among which the test subject chose
    honest: float  # the run's own: every fold ends at the same epoch
    leaked: float  # of no worth
    folds_that_moved: float  # fraction of folds in which another epoch than the last was chosen


def audit(path: str | Path) -> Audit:
    """Retrain the run in folder `path`, write `path`/audit-not-a-result and return what was found.

    Raises `BadInput` for a run whose classifier has no `epochs` or `steps`, whose settings were searched,
    whose data is gone or changed, or that cannot be repeated.
    """
    run = open_run(path)
    config = CvConfig(**run.config)
    labels = run.metrics["labels"]
    if config.search:
        raise BadInput(
            f"{path} chose its settings inside the training subjects. Only runs with fixed settings can be "
            "audited."
        )
    table, X = cross_validation.in_order(*read_again(run), labels)
    problem = cross_validation.build_problem(table, X, labels, run.origin["protocol"]["split"])
    rows = []
    for seed in track(run.metrics["seeds"], "auditing seeds"):
        epochs, p = after_each_epoch(config, problem, seed)
        if not np.ptp(
            p, axis=0
        ).any():  # such as a network that does not move: no difference here would be no proof of honesty
            raise BadInput(
                f"How long {config.classifier} trains changes nothing in this run, so that there is no epoch "
                "to choose on the test subject."
            )
        rows.append(_chosen_on_test(table, problem, seed, epochs, p, labels))
    found = pd.concat(rows, ignore_index=True)
    _check_repeated(run, found)
    result = Audit(
        str(path),
        len(table),
        len(problem.folds),
        len(rows),
        epochs,
        run.metrics["uf1"],
        _uf1(found, "leaked", labels),
        _moved(found, epochs),
    )
    _write(Path(path) / AUDIT, result, found)
    return result


def after_each_epoch(config: CvConfig, problem: Problem, seed: int) -> tuple[list[int], np.ndarray]:
    """Return training lengths, and the probabilities (lengths, N, classes) that each clip's fold gives it
    after each of them.

    A classifier whose `fit_folds` or `fit` takes `on_epoch` is trained once; any other is trained anew for
    each length.
    """
    classifier = estimators.resolve(config, problem.n_classes)
    params = classifier.prototype.get_params()
    length = next((name for name in LENGTHS if name in params), None)
    if length is None:
        raise BadInput(
            f"The classifier {classifier.name} has no `epochs`, so that there is none to choose on the test "
            "subject."
        )
    last = params[length]
    pairs = [(train, test) for _, train, test in problem.folds]
    lengths = list(range(1, last + 1))
    after: list[list[np.ndarray]] = [[] for _ in pairs]

    def predict(k: int, fitted: Any) -> None:
        after[k].append(estimators.probabilities(fitted, problem.X[pairs[k][1]], problem.n_classes))

    if _takes_on_epoch(classifier.prototype, "fit_folds"):
        folds = [train for train, _ in pairs]
        for _ in classifier.new(seed).fit_folds(problem.X, problem.y, folds, on_epoch=predict):
            pass
    elif _takes_on_epoch(classifier.prototype, "fit"):
        for k, (train, _) in enumerate(pairs):
            classifier.new(seed).fit(problem.X[train], problem.y[train], on_epoch=partial(predict, k))
    else:
        lengths = sorted({round(n) for n in np.linspace(1, last, min(last, MAX_LENGTHS))})
        for n in lengths:
            for k, p in estimators.fit_predict(classifier, {length: n}, seed, problem, pairs):
                after[k].append(p)
    p = np.empty((len(lengths), len(problem.y), problem.n_classes))
    for (_, test), values in zip(pairs, after):
        p[:, test] = np.stack(values)
    return lengths, p


def _takes_on_epoch(prototype: Any, method: str) -> bool:
    """Can this way of training report each epoch?"""
    return "on_epoch" in inspect.signature(getattr(prototype, method, lambda: None)).parameters


def to_text(found: Audit) -> str:
    """Return the audit as lines for the terminal; each of them says that it is no result."""
    among = f"{found.epochs[0]} to {found.epochs[-1]}" + (
        "" if len(found.epochs) == found.epochs[-1] else f" ({len(found.epochs)} of them)"
    )
    return "\n".join(
        [
            f"{WARNING} (audit of {found.run}: {found.clips} clips, {found.folds} folds, {found.seeds} "
            f"seed(s), epochs {among})",
            f"honest UF1 {found.honest:.4f}, the run's own score, every fold trained for {found.epochs[-1]} "
            f"epochs; what follows is not a result",
            f"leaked UF1 {found.leaked:.4f}, {WARNING}, in {found.folds_that_moved:.0%} of the folds "
            f"another one than the last",
            f"difference {found.leaked - found.honest:+.4f}, {WARNING}",
        ]
    )


def _chosen_on_test(
    table: pd.DataFrame, problem: Problem, seed: int, epochs: list[int], p: np.ndarray, labels: list[str]
) -> pd.DataFrame:
    """One row per clip: what its fold says after the last epoch, and after the epoch that suits its test
    subject best.
    """
    parts = []
    for name, _, test in problem.folds:
        called = p[:, test].argmax(2)  # (lengths, test)
        right = (called == problem.y[test]).sum(1)
        best = len(right) - 1 - int(right[::-1].argmax())
        rows = table.iloc[test][["clip_id", "dataset", "subject", "label"]].assign(seed=seed, fold=name)
        name_of = np.array(labels, dtype=object)
        parts.append(
            rows.assign(honest=name_of[called[-1]], leaked=name_of[called[best]], epoch=epochs[best])
        )
    return pd.concat(parts)


def _check_repeated(run: Run, found: pd.DataFrame) -> None:
    """The run and its retraining must agree, or the difference would not be that of the epoch alone."""
    both = run.predictions.merge(found, on=["clip_id", "seed"], validate="one_to_one")
    same = (both["prediction"] == both["honest"]).mean()
    if same < MIN_REPEATED:
        raise BadInput(
            f"Trained once more, {run.path} gives {1 - same:.0%} of its clips another label. Other versions "
            "of the libraries? "
            f"The run was made with {run.origin.get('versions', {})}. Make it again with mer cv, then audit "
            "it."
        )


def _uf1(found: pd.DataFrame, column: str, labels: list[str]) -> float:
    return float(
        np.mean(
            [
                metrics.scores(metrics.confusion(part["label"], part[column], labels))["uf1"]
                for _, part in found.groupby("seed")
            ]
        )
    )


def _moved(found: pd.DataFrame, epochs: list[int]) -> float:
    return float((found.groupby(["seed", "fold"])["epoch"].first() != epochs[-1]).mean())


def _write(folder: Path, result: Audit, found: pd.DataFrame) -> None:
    """Write the audit under names and columns that nothing reads as predictions or scores."""
    facts = {name: value for name, value in asdict(result).items() if name not in ("honest", "leaked")}
    scores = {
        "honest_uf1_of_the_run": result.honest,
        "leaked_uf1_not_a_result": result.leaked,
        "leak_not_a_result": result.leaked - result.honest,
    }
    write_json(folder / "audit-not-a-result.json", {"warning": WARNING, **facts, **scores})
    named = {
        "honest": "label_after_last_epoch",
        "leaked": "leaked_label_not_a_result",
        "epoch": "epoch_chosen_on_test_subject",
    }
    with atomic_replace(folder / "audit-not-a-result.csv") as temporary:
        found.rename(columns=named).assign(warning=WARNING).to_csv(temporary, index=False)
