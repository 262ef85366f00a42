"""Choose settings and a temperature inside the training clips of a fold.

The training subjects are split again into inner folds. Classifiers fitted on some of them predict the others,
and the choice rests on these predictions. The held-out subject is in neither part.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mer.evaluation import estimators, metrics
from mer.evaluation.calibration import fit_temperature
from mer.evaluation.config import CvConfig
from mer.evaluation.estimators import ClassifierSpec, Pair, Problem
from mer.evaluation.splits import Fold
from mer_core.errors import BadSetting
from mer_core.text import format_count


@dataclass(frozen=True)
class Choice:
    """What was chosen for one fold."""

    settings: dict[str, Any] = field(default_factory=dict)  # of the classifier
    temperature: float = 1.0  # 1 leaves the probabilities as they are
    # UF1 of each candidate over the inner folds, in the order of `ClassifierSpec.candidates`.
    inner_uf1: list[float] = field(default_factory=list)


def choose(
    classifier: ClassifierSpec, config: CvConfig, problem: Problem, seed: int, folds: list[Fold]
) -> list[Choice]:
    """Choose for each fold the settings with the highest UF1 over its inner folds, and a temperature.

    The first of equally good settings is taken.
    """
    inner = [
        (k, fit, test)
        for k, (name, train, _) in enumerate(folds)
        for fit, test in split_subjects(
            config.inner_folds, problem, train, f"the training subjects of fold {name}"
        )
    ]
    pairs = [(fit, test) for _, fit, test in inner]
    by_candidate = []
    for params in classifier.candidates:
        # Row k: probabilities of the clips that fold k trains on.
        p = np.full((len(folds), len(problem.y), problem.n_classes), np.nan)
        for i, values in estimators.fit_predict(classifier, params, seed, problem, pairs):
            k, _, test = inner[i]
            p[k, test] = values
        by_candidate.append(p)
    return [
        _choose_best(config, classifier.candidates, [p[k, train] for p in by_candidate], problem.y[train])
        for k, (_, train, _) in enumerate(folds)
    ]


def temperature_for_all(classifier: ClassifierSpec, n_folds: int, problem: Problem, n_seeds: int) -> float:
    """Return the temperature of a classifier fitted on every clip of `problem`, mean over `n_seeds` seeds.

    It is fitted to the probabilities of held-out clips: `n_folds` parts of the subjects are left out in turn.
    """
    pairs = split_subjects(n_folds, problem, np.arange(len(problem.y)), "these clips")
    p = np.zeros((len(problem.y), problem.n_classes))
    for seed in range(n_seeds):
        for i, values in estimators.fit_predict(classifier, {}, seed, problem, pairs):
            p[pairs[i][1]] += values / n_seeds
    return fit_temperature(p, problem.y)


def split_subjects(n_folds: int, problem: Problem, positions: np.ndarray, owner: str) -> list[Pair]:
    """Split `positions` into at most `n_folds` parts of whole subjects with similar label counts.

    Parameters
    ----------
    n_folds : int
    problem : Problem
    positions : (n,) int
    owner : str
        Whose clips these are, for the message.

    Returns
    -------
    list of ((n_fit,) int, (n_test,) int)
        Positions to fit on and to predict.

    Raises
    ------
    BadInput
        If some part would leave one label to fit on.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    subjects, y = problem.subjects[positions], problem.y[positions]
    n_folds = min(n_folds, len(set(subjects)))
    if n_folds > 1:
        split = StratifiedGroupKFold(n_folds, shuffle=True, random_state=0).split(y, y, subjects)
        pairs = [(positions[fit], positions[test]) for fit, test in split if len(test)]
        if all(len(set(problem.y[fit])) > 1 for fit, _ in pairs):
            return pairs
    n_subjects, n_parts = format_count(len(set(subjects)), "subject"), format_count(n_folds, "part")
    raise BadSetting(
        f"`search` and `calibration` cannot choose inside {owner}: no split of {n_subjects} into {n_parts} "
        "leaves two labels to fit on. Remove both settings or add subjects."
    )


def _choose_best(
    config: CvConfig, candidates: list[dict[str, Any]], p_by_candidate: list[np.ndarray], y: np.ndarray
) -> Choice:
    """Return the candidate with the highest UF1 on the training clips, and its temperature."""
    classes = list(range(p_by_candidate[0].shape[1]))
    uf1 = [
        float(metrics.compute_scores(metrics.confusion_matrix(y, p.argmax(1), classes))["uf1"])
        for p in p_by_candidate
    ]
    best = int(np.argmax(uf1))
    temperature = fit_temperature(p_by_candidate[best], y) if config.calibration == "temperature" else 1.0
    return Choice(candidates[best], temperature, uf1)
