"""The folds of one cross-validation: fit on the training clips, predict the test clips, and nothing else.

Where settings are to be searched, or probabilities calibrated, nested.py decides it on the training clips of
the fold before they are fitted. Folds go all at once where the classifier can do that, otherwise one by one,
in processes if wanted.
"""

import functools
from collections.abc import Iterator

import numpy as np

from mer.evaluation import estimators, nested, splits
from mer.evaluation.config import CvConfig
from mer.evaluation.estimators import ClassifierSpec, Problem
from mer.evaluation.nested import Choice
from mer_core import parallel
from mer_core.device import n_cores

Prediction = tuple[
    int, str, np.ndarray, Choice
]  # seed, name of the fold, probabilities of its test clips, choice


def predict_all(
    classifier: ClassifierSpec,
    config: CvConfig,
    problem: Problem,
    missing: set[tuple[int, str]],
    workers: parallel.Workers = parallel.Workers(),
) -> Iterator[Prediction]:
    """Yield the predictions of each of `missing`, (seed, name of the fold), as they become known."""
    if classifier.fits_all_folds:
        return _all_at_once(classifier, config, problem, missing)
    tasks = [
        (seed, k)
        for seed in sorted({seed for seed, _ in missing})
        for k, (name, _, _) in enumerate(problem.folds)
        if (seed, name) in missing
    ]
    if workers.scheduler:
        work = functools.partial(_predict_task, classifier, config, problem)
        return parallel.map_items(work, tasks, None, scheduler=workers.scheduler)
    if workers.jobs == 1:
        return (_predict_one(classifier, config, problem, *task) for task in tasks)
    setup = functools.partial(_keep, classifier, config, problem)
    threads = max(1, n_cores() // (workers.jobs or n_cores()))
    return parallel.map_items(_predict_kept, tasks, None, jobs=workers.jobs, threads=threads, setup=setup)


def predict(
    classifier: ClassifierSpec, config: CvConfig, problem: Problem, seed: int, folds: list[splits.Fold]
) -> Iterator[tuple[int, np.ndarray, Choice]]:
    """Yield number of the fold, probabilities of its test clips and what was chosen on its training clips,
    for `folds`.
    """
    if config.chooses:
        choices = nested.choose(classifier, config, problem, seed, folds)
    else:
        choices = [Choice()] * len(folds)
    for params in classifier.candidates:
        mine = [k for k, choice in enumerate(choices) if choice.settings == params]
        pairs = [folds[k][1:] for k in mine]
        for i, p in estimators.fit_predict(classifier, params, seed, problem, pairs):
            yield mine[i], nested.apply_temperature(p, choices[mine[i]].temperature), choices[mine[i]]


def _all_at_once(classifier, config, problem: Problem, missing: set[tuple[int, str]]) -> Iterator[Prediction]:
    """Fit all folds of a seed together even where only some are missing, so that a resumed run ends with the
    same bits.
    """
    for seed in sorted({seed for seed, _ in missing}):
        for k, p, choice in predict(classifier, config, problem, seed, problem.folds):
            if (seed, problem.folds[k][0]) in missing:
                yield seed, problem.folds[k][0], p, choice


def _predict_one(classifier, config, problem: Problem, seed: int, k: int) -> Prediction:
    ((_, p, choice),) = predict(classifier, config, problem, seed, [problem.folds[k]])
    return seed, problem.folds[k][0], p, choice


def _predict_task(classifier, config, problem: Problem, task: tuple[int, int]) -> Prediction:
    return _predict_one(classifier, config, problem, *task)


_shared: tuple[ClassifierSpec, CvConfig, Problem]  # set by `_keep` in a worker process


def _keep(classifier: ClassifierSpec, config: CvConfig, problem: Problem) -> None:
    """Keep in a worker process what all of its tasks share."""
    global _shared
    _shared = classifier, config, problem


def _predict_kept(task: tuple[int, int]) -> Prediction:
    return _predict_one(*_shared, *task)
