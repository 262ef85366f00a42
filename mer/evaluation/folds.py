"""The folds of one cross-validation: fit on the training clips, predict the test clips, and nothing else.

Where settings are to be searched, or probabilities calibrated, `mer/evaluation/nested.py` decides it on the training clips of the fold
before they are fitted. Folds go all at once where the classifier can do that, otherwise one by one, in processes if wanted.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

import numpy as np

from mer.evaluation import estimators, nested, splits
from mer.evaluation.config import CvConfig
from mer.evaluation.estimators import Problem
from mer.evaluation.nested import Choice


def predict_all(
    config: CvConfig, problem: Problem, missing: set[tuple[int, str]], jobs: int = 1
) -> Iterator[tuple[int, str, np.ndarray, Choice]]:
    """Yield seed, name of the fold, probabilities of its test clips and what was chosen, for each of `missing`, as they become known.

    A classifier that has `fit_folds` is fitted for all folds of a seed at once. They are then fitted together even where only
    some are missing, so that a run that was stopped ends with the same numbers, to the last bit, as one that was not.
    """
    if hasattr(estimators.maker(config, problem.classes, **estimators.candidates(config)[0])(0), "fit_folds"):
        for seed in sorted({seed for seed, _ in missing}):
            for k, p, choice in predict(config, problem, seed, problem.folds):
                if (seed, problem.folds[k][0]) in missing:
                    yield seed, problem.folds[k][0], p, choice
        return
    tasks = [
        (seed, k)
        for seed in sorted({seed for seed, _ in missing})
        for k, (name, _, _) in enumerate(problem.folds)
        if (seed, name) in missing
    ]
    results = (
        _in_processes(config, problem, tasks, jobs)
        if jobs > 1
        else (_task(config, problem, *task) for task in tasks)
    )
    for seed, k, p, choice in results:
        yield seed, problem.folds[k][0], p, choice


def predict(
    config: CvConfig, problem: Problem, seed: int, folds: list[splits.Fold]
) -> Iterator[tuple[int, np.ndarray, Choice]]:
    """Yield number of the fold, probabilities of its test clips and what was chosen on its training clips, for `folds`."""
    options = estimators.candidates(config)
    makers = [estimators.maker(config, problem.classes, **settings) for settings in options]
    if config.chooses:
        choices = nested.choose(config, problem, options, makers, seed, folds)
    else:
        choices = [Choice()] * len(folds)
    for settings, make in zip(options, makers):
        mine = [k for k, choice in enumerate(choices) if choice.settings == settings]
        for i, p in estimators.fit_predict(make, seed, problem.X, problem.y, [folds[k][1:] for k in mine]):
            yield mine[i], nested.sharpen(p, choices[mine[i]].temperature), choices[mine[i]]


def _task(config: CvConfig, problem: Problem, seed: int, k: int) -> tuple[int, int, np.ndarray, Choice]:
    ((_, p, choice),) = predict(config, problem, seed, [problem.folds[k]])
    return seed, k, p, choice


def _in_processes(
    config: CvConfig, problem: Problem, tasks: list[tuple[int, int]], jobs: int
) -> Iterator[tuple[int, int, np.ndarray, Choice]]:
    """Yield each task's result as it ends. Processes get the problem once, and share out the processor's cores."""
    threads = max(1, (os.cpu_count() or 1) // jobs)
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _start, (config, problem, threads))
    try:
        yield from (done.result() for done in as_completed([pool.submit(_one, task) for task in tasks]))
    finally:  # also when the consumer stops: what has not begun never will
        pool.shutdown(cancel_futures=True)


def _start(config: CvConfig, problem: Problem, threads: int) -> None:
    """What each process does first: keep the problem, and load the classifier's libraries before limiting their threads."""
    import sys

    from threadpoolctl import threadpool_limits

    global _here
    _here = config, problem
    estimators.check(config, problem.classes)
    threadpool_limits(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def _one(task: tuple[int, int]) -> tuple[int, int, np.ndarray, Choice]:
    return _task(*_here, *task)
