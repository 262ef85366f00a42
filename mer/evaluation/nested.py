"""Choices made inside the training clips of a fold: settings searched for, and a temperature for the
probabilities.

The fold's training subjects are split again. What is chosen depends on how classifiers fitted on some of them
predict the others; the held-out subject is in neither part, so it has no say.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mer.evaluation import estimators, metrics, splits
from mer.evaluation.config import CvConfig
from mer.evaluation.estimators import ClassifierSpec, Problem
from mer_core.errors import BadInput

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0  # temperatures looked at


@dataclass(frozen=True)
class Choice:
    """What was chosen for one fold: settings of the classifier, and the temperature (1: probabilities as they
    are).
    """

    settings: dict[str, Any] = field(default_factory=dict)
    temperature: float = 1.0
    inner_uf1: list[float] = field(
        default_factory=list
    )  # of each candidate, in the order of `ClassifierSpec.candidates`


def choose(
    classifier: ClassifierSpec, config: CvConfig, problem: Problem, seed: int, folds: list[splits.Fold]
) -> list[Choice]:
    """Choose for each fold the settings with the highest UF1 over its inner folds (the first of equals), and
    a temperature.
    """
    inner = [
        (k, fit, test)
        for k, (name, train, _) in enumerate(folds)
        for fit, test in inner_folds(
            config.inner_folds, problem, f"the training subjects of fold {name}", train
        )
    ]
    pairs = [(fit, test) for _, fit, test in inner]
    found = []
    for params in classifier.candidates:
        # Row k: probabilities of the clips that fold k trains on.
        p = np.full((len(folds), len(problem.y), problem.n_classes), np.nan)
        for i, values in estimators.fit_predict(classifier, params, seed, problem, pairs):
            k, _, test = inner[i]
            p[k, test] = values
        found.append(p)
    return [
        _best(config, classifier.candidates, [p[k, train] for p in found], problem.y[train])
        for k, (_, train, _) in enumerate(folds)
    ]


def temperature_for_all(classifier: ClassifierSpec, count: int, problem: Problem, seeds: int) -> float:
    """Return the temperature for a classifier that is fitted on every clip of `problem`, whose probabilities
    are the mean of `seeds` seeds.

    It is the one that suits probabilities of clips that were not fitted: subjects are left out in `count`
    parts in turn.
    """
    pairs = inner_folds(count, problem, "these clips", np.arange(len(problem.y)))
    p = np.zeros((len(problem.y), problem.n_classes))
    for seed in range(seeds):
        for i, values in estimators.fit_predict(classifier, {}, seed, problem, pairs):
            p[pairs[i][1]] += values / seeds
    return fit_temperature(p, problem.y)


def inner_folds(
    count: int, problem: Problem, of: str, train: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split the positions `train` into at most `count` parts without cutting a subject: (to fit on, to
    predict) for each part.

    of : whose parts these are, for the message
    Labels are shared out evenly, as far as subjects allow. Raises `BadInput` if some part leaves one label to
    fit on.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    subjects, y = problem.subjects[train], problem.y[train]
    count = min(count, len(set(subjects)))
    if count > 1:
        split = StratifiedGroupKFold(count, shuffle=True, random_state=0).split(y, y, subjects)
        parts = [(train[fit], train[test]) for fit, test in split if len(test)]
        if all(len(set(problem.y[fit])) > 1 for fit, _ in parts):
            return parts
    raise BadInput(
        f"Nothing can be chosen inside {of}: {len(set(subjects))} subjects cannot be split in "
        f"{count} so that two labels are left to learn from. Go without `search` and `calibration`, or add "
        "subjects."
    )


def apply_temperature(p: np.ndarray, temperature: float) -> np.ndarray:
    """Return (N, classes) probabilities at another temperature: above 1 less sure, below 1 surer; the order
    stays.

    Source: Guo et al., On calibration of modern neural networks, ICML 2017; softmax(logits / T) is p^(1 / T),
    normed.
    """
    if temperature == 1:
        return p
    with np.errstate(divide="ignore"):
        logs = np.log(p) / temperature
    odds = np.exp(logs - logs.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


def fit_temperature(p: np.ndarray, y: np.ndarray) -> float:
    """Return the temperature that makes the labels `y` (N,) int most likely under `apply_temperature(p)`, p
    (N, classes).
    """
    from scipy.optimize import minimize_scalar

    def surprise(log_t: float) -> float:
        likely = apply_temperature(p, np.exp(log_t))[np.arange(len(y)), y]
        return -np.log(np.maximum(likely, 1e-12)).mean()

    return float(
        np.exp(
            minimize_scalar(surprise, bounds=np.log([MIN_TEMPERATURE, MAX_TEMPERATURE]), method="bounded").x
        )
    )


def _best(config: CvConfig, options: list[dict], found: list[np.ndarray], y: np.ndarray) -> Choice:
    """The best of `options`, from the probabilities that each gave the training clips, with the temperature
    that suits it.
    """
    classes = list(range(found[0].shape[1]))
    scores = [float(metrics.scores(metrics.confusion(y, p.argmax(1), classes))["uf1"]) for p in found]
    best = int(np.argmax(scores))
    temperature = fit_temperature(found[best], y) if config.calibration == "temperature" else 1.0
    return Choice(options[best], temperature, scores)
