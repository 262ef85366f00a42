"""Fit each fold on its training clips and predict its test clips.

nested.py first chooses settings and temperature on the training clips, where the configuration asks for it.
A classifier that can fits all folds at once; any other fits them one by one, in processes if wanted.
"""

import functools
from collections.abc import Iterator

import numpy as np

from mer.evaluation import calibration, estimators, nested
from mer.evaluation.config import CvConfig
from mer.evaluation.estimators import ClassifierSpec, Problem
from mer.evaluation.nested import Choice
from mer.evaluation.splits import Fold
from mer_core import parallel
from mer_core.device import n_cores

# Seed, name of the fold, probabilities (n_test, n_classes) of its test clips, what was chosen for it.
Prediction = tuple[int, str, np.ndarray, Choice]


def predict_folds(
    classifier: ClassifierSpec,
    config: CvConfig,
    problem: Problem,
    missing: set[tuple[int, str]],
    workers: parallel.Workers = parallel.Workers(),
) -> Iterator[Prediction]:
    """Yield the predictions of each of `missing`, (seed, name of the fold), as they end."""
    if classifier.fits_all_folds:
        return _predict_all_at_once(classifier, config, problem, missing)
    tasks = [
        (seed, k)
        for seed in sorted({seed for seed, _ in missing})
        for k, (name, _, _) in enumerate(problem.folds)
        if (seed, name) in missing
    ]
    work = functools.partial(_predict_fold, classifier, config, problem)
    if workers.scheduler:
        return parallel.map_items(work, tasks, None, scheduler=workers.scheduler)
    if workers.jobs == 1:
        return map(work, tasks)
    # Send the problem to each process once, not with each task.
    setup = functools.partial(_share, classifier, config, problem)
    threads = max(1, n_cores() // (workers.jobs or n_cores()))
    return parallel.map_items(_predict_shared, tasks, None, jobs=workers.jobs, threads=threads, setup=setup)


def _predict_all_at_once(
    classifier: ClassifierSpec, config: CvConfig, problem: Problem, missing: set[tuple[int, str]]
) -> Iterator[Prediction]:
    """Fit all folds of a seed together, even if only some are missing: a resumed run gets the same bits."""
    for seed in sorted({seed for seed, _ in missing}):
        for k, p, choice in fit_and_predict(classifier, config, problem, seed, problem.folds):
            name = problem.folds[k][0]
            if (seed, name) in missing:
                yield seed, name, p, choice


def _predict_fold(
    classifier: ClassifierSpec, config: CvConfig, problem: Problem, task: tuple[int, int]
) -> Prediction:
    """Predict one fold; `task` is its seed and its position in `problem.folds`."""
    seed, k = task
    ((_, p, choice),) = fit_and_predict(classifier, config, problem, seed, [problem.folds[k]])
    return seed, problem.folds[k][0], p, choice


def fit_and_predict(
    classifier: ClassifierSpec, config: CvConfig, problem: Problem, seed: int, folds: list[Fold]
) -> Iterator[tuple[int, np.ndarray, Choice]]:
    """Yield position in `folds`, probabilities of the test clips and what was chosen, for each fold."""
    choices = [Choice()] * len(folds)
    if config.chooses:
        choices = nested.choose(classifier, config, problem, seed, folds)
    for params in classifier.candidates:
        positions = [k for k, choice in enumerate(choices) if choice.settings == params]
        pairs = [folds[k][1:] for k in positions]
        for i, p in estimators.fit_predict(classifier, params, seed, problem, pairs):
            k = positions[i]
            yield k, calibration.apply_temperature(p, choices[k].temperature), choices[k]


_shared: tuple[ClassifierSpec, CvConfig, Problem]  # in a worker process, set by `_share`


def _share(classifier: ClassifierSpec, config: CvConfig, problem: Problem) -> None:
    global _shared
    _shared = classifier, config, problem


def _predict_shared(task: tuple[int, int]) -> Prediction:
    return _predict_fold(*_shared, task)
