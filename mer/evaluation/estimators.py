"""What is fitted in a cross-validation, and on what: classifiers made from settings, fitted on some clips to predict others.

Which clips these are, and which settings, is decided in mer/evaluation/folds.py and mer/evaluation/nested.py.
"""

import inspect
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mer.evaluation import splits
from mer.evaluation.config import CvConfig
from mer_core import registry
from mer_core.errors import BadInput
from mer_core.settings import checked

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


def fit_predict(
    make: Make, seed: int, X: np.ndarray, y: np.ndarray, pairs: list[tuple[np.ndarray, np.ndarray]]
) -> Iterator[tuple[int, np.ndarray]]:
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
