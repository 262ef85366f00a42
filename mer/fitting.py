"""What happens inside the folds of one cross-validation: fit on the training clips, predict the test clips, and nothing else.

Where settings are to be searched, or probabilities calibrated, `mer/nested.py` decides it on the training clips of the fold
before they are fitted. Folds go all at once where the classifier can do that, otherwise one by one, in processes if wanted.
"""

import inspect
import itertools
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Callable, Iterator

import numpy as np

from mer import nested, registry, splits
from mer.config import CvConfig
from mer.errors import BadInput
from mer.nested import Choice
from mer.settings import checked

Make = Callable[[int], Any]  # seed -> new classifier
NO_SETTINGS = ("classes", "seed", "device")  # what a classifier is given besides


@dataclass(frozen=True)
class Problem:
    """What is cross-validated: clips in `clip_id` order, and how they are split."""

    X: np.ndarray  # (N, ...) float32
    y: np.ndarray  # (N,) int
    subjects: np.ndarray  # (N,) dataset/subject
    folds: list[splits.Fold]
    classes: int


def maker(config: CvConfig, classes: int, **chosen: Any) -> Make:
    """Return a function seed -> new classifier, after checking the classifier's settings; `chosen` ones go before those of `config`.

    Raises `UnknownName` for a classifier that is not listed, `BadInput` for a setting it does not have or that is still to be chosen.
    """
    open_still = sorted(set(config.search or {}) - set(chosen))
    if open_still:
        raise BadInput(
            f"{', '.join(open_still)} of {config.classifier} is still to be searched, which mer cv does inside the folds. To fit on every clip, "
            "write a value into classifier_settings (RUN/choices.json says what the folds chose) and take `search` out."
        )
    Classifier = registry.load("mer.classifiers", config.classifier).Classifier
    settings = given(config, **chosen)
    if "device" in inspect.signature(Classifier).parameters:
        settings["device"] = config.device
    return lambda seed: Classifier(classes=classes, seed=seed, **settings)


def given(config: CvConfig, **chosen: Any) -> dict[str, Any]:
    """Return the classifier's settings that are not left at their defaults, checked; `chosen` ones go before those of `config`."""
    Classifier = registry.load("mer.classifiers", config.classifier).Classifier
    variant = config.classifier.partition(":")[2]  # timm:resnet18
    settings = {**({"backbone": variant} if variant else {}), **config.classifier_settings, **chosen}
    return checked(settings, Classifier, NO_SETTINGS, f"The classifier {config.classifier}")


def candidates(config: CvConfig) -> list[dict[str, Any]]:
    """Every combination of the values in `config.search`; one without any setting where there is no search."""
    search = {name: list(dict.fromkeys(values)) for name, values in (config.search or {}).items()}
    return [dict(zip(search, values)) for values in itertools.product(*search.values())]


def check(config: CvConfig, classes: int) -> None:
    """Raise `BadInput` for settings of the classifier that cannot be used, before anything is read or written."""
    for settings in candidates(config):
        maker(config, classes, **settings)(0)


def predict_all(config: CvConfig, problem: Problem, missing: set[tuple[int, str]], jobs: int = 1) -> Iterator[tuple[int, str, np.ndarray, Choice]]:
    """Yield seed, name of the fold, probabilities of its test clips and what was chosen, for each of `missing`, as they become known.

    A classifier that has `fit_folds` is fitted for all folds of a seed at once. They are then fitted together even where only
    some are missing, so that a run that was stopped ends with the same numbers, to the last bit, as one that was not.
    """
    if hasattr(maker(config, problem.classes, **candidates(config)[0])(0), "fit_folds"):
        for seed in sorted({seed for seed, _ in missing}):
            for k, p, choice in predict(config, problem, seed, problem.folds):
                if (seed, problem.folds[k][0]) in missing:
                    yield seed, problem.folds[k][0], p, choice
        return
    tasks = [(seed, k) for seed in sorted({seed for seed, _ in missing}) for k, (name, _, _) in enumerate(problem.folds) if (seed, name) in missing]
    results = _in_processes(config, problem, tasks, jobs) if jobs > 1 else (_task(config, problem, *task) for task in tasks)
    for seed, k, p, choice in results:
        yield seed, problem.folds[k][0], p, choice


def predict(config: CvConfig, problem: Problem, seed: int, folds: list[splits.Fold]) -> Iterator[tuple[int, np.ndarray, Choice]]:
    """Yield number of the fold, probabilities of its test clips and what was chosen on its training clips, for `folds`."""
    options = candidates(config)
    makers = [maker(config, problem.classes, **settings) for settings in options]
    if config.chooses:
        choices = nested.choose(config, problem, options, makers, seed, folds, fit_predict)
    else:
        choices = [Choice()] * len(folds)
    for settings, make in zip(options, makers):
        mine = [k for k, choice in enumerate(choices) if choice.settings == settings]
        for i, p in fit_predict(make, seed, problem.X, problem.y, [folds[k][1:] for k in mine]):
            yield mine[i], nested.sharpen(p, choices[mine[i]].temperature), choices[mine[i]]


def fit_predict(make: Make, seed: int, X: np.ndarray, y: np.ndarray, pairs: list[tuple[np.ndarray, np.ndarray]]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield number and probabilities (len(test), classes) of each pair of positions (to fit on, to predict).

    This is the one place where anything is fitted in a cross-validation, and it is fitted on the first of each pair.
    """
    together = getattr(make(seed), "fit_folds", None)
    if together and pairs:
        for k, fitted in together(X, y, [train for train, _ in pairs]):
            yield k, fitted.predict_proba(X[pairs[k][1]])
    elif not together:
        for k, (train, test) in enumerate(pairs):
            yield k, make(seed).fit(X[train], y[train]).predict_proba(X[test])


def _task(config: CvConfig, problem: Problem, seed: int, k: int) -> tuple[int, int, np.ndarray, Choice]:
    (_, p, choice), = predict(config, problem, seed, [problem.folds[k]])
    return seed, k, p, choice


def _in_processes(config: CvConfig, problem: Problem, tasks: list[tuple[int, int]], jobs: int) -> Iterator[tuple[int, int, np.ndarray, Choice]]:
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
    check(config, problem.classes)
    threadpool_limits(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def _one(task: tuple[int, int]) -> tuple[int, int, np.ndarray, Choice]:
    return _task(*_here, *task)
