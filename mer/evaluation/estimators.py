"""The classifier of a cross-validation, resolved once: an unfitted estimator and how it is fitted to folds.

Which clips it is fitted on, and with which parameters, is decided in folds.py and nested.py.
"""

import inspect
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import get_tags

from mer.evaluation import splits
from mer.evaluation.config import CvConfig
from mer_core import registry
from mer_core.errors import BadInput, MerError
from mer_core.settings import check_options

NOT_SETTINGS = ("classes", "random_state", "device", "map_shape")  # parameters that mer sets itself
Pair = tuple[np.ndarray, np.ndarray]  # positions to fit on, positions to predict


@dataclass(frozen=True)
class Problem:
    """What is cross-validated: clips in `clip_id` order, and how they are split."""

    X: np.ndarray  # (N, ...) float32
    y: np.ndarray  # (N,) int
    subjects: np.ndarray  # (N,) dataset/subject
    folds: list[splits.Fold]
    n_classes: int


@dataclass(frozen=True)
class ClassifierSpec:
    """An unfitted classifier with all that decides how it is fitted; made by `resolve` and passed on from
    there.
    """

    name: str
    prototype: Any  # scikit-learn estimator; only clones of it are fitted
    candidates: list[
        dict[str, Any]
    ]  # parameters to choose among inside the training subjects; [{}] where none are
    n_classes: int

    @property
    def fits_all_folds(self) -> bool:
        """Is it fitted to all folds at once, by `fit_folds`?"""
        return hasattr(self.prototype, "fit_folds")

    @property
    def is_random(self) -> bool:
        """Does a seed change what is fitted?"""
        return bool(self._seeded(self.prototype))

    @property
    def is_foreign(self) -> bool:
        """Is it no classifier of ours, whose state is tensors?"""
        return not hasattr(self.prototype, "state")

    def n_seeds(self, wanted: int) -> int:
        """Return how many seeds are worth fitting: one where none changes anything."""
        return wanted if self.is_random else 1

    def new(self, seed: int, **params: Any) -> Any:
        """Return an unfitted estimator with `params` and with `seed` for every `random_state` in it."""
        estimator = clone(self.prototype).set_params(**params)
        return estimator.set_params(**dict.fromkeys(self._seeded(estimator), seed))

    def fit(self, estimator: Any, X: np.ndarray, y: np.ndarray, groups: np.ndarray) -> Any:
        """Fit `estimator` to samples X (n, ...), labels y (n,) and subjects (n,).

        Raises
        ------
        BadInput
            Whatever a foreign estimator raises, with its name.
        """
        takes_groups = "groups" in inspect.signature(estimator.fit).parameters or isinstance(
            estimator, BaseSearchCV
        )
        try:
            return estimator.fit(inputs(estimator, X), y, **({"groups": groups} if takes_groups else {}))
        except MerError:
            raise
        except Exception as error:  # foreign code may raise anything
            raise BadInput(f"{self.name} cannot be fitted: {type(error).__name__}: {error}") from error

    @staticmethod
    def _seeded(estimator: Any) -> list[str]:
        return [name for name in estimator.get_params() if name.split("__")[-1] == "random_state"]


@dataclass(frozen=True)
class FittedForeign:
    """A fitted estimator that is not ours, to be used like one of ours."""

    estimator: Any
    n_classes: int

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return (N, n_classes) float64 for samples X (N, ...)."""
        return probabilities(self.estimator, X, self.n_classes)


def inputs(estimator: Any, X: np.ndarray) -> np.ndarray:
    """Return samples as `estimator` takes them: rows (N, D) where it takes no other shape."""
    try:
        rows_only = not get_tags(estimator).input_tags.three_d_array
    except (AttributeError, TypeError):  # an estimator of a library that knows no tags
        rows_only = True
    return X.reshape(len(X), -1) if rows_only else X


def probabilities(fitted: Any, X: np.ndarray, n_classes: int) -> np.ndarray:
    """Return (N, n_classes) float64; a class that `fitted` has not seen gets 0."""
    p = np.zeros((len(X), n_classes))
    p[:, np.asarray(fitted.classes_, dtype=int)] = fitted.predict_proba(inputs(fitted, X))
    if not np.isfinite(p).all():
        raise BadInput(f"{type(fitted).__name__} gives probabilities that are not numbers.")
    return p


def resolve(config: CvConfig, n_classes: int) -> ClassifierSpec:
    """Return the classifier that `config` names or holds, after checking all its parameters.

    Raises
    ------
    UnknownName
        For a name that is not known.
    BadInput
        For a parameter it does not have or cannot take.
    """
    if isinstance(config.classifier, str) and "(" in config.classifier:
        raise BadInput(
            f"The classifier {config.classifier} is no name: it was passed in as an object, and a file "
            "cannot rebuild it. "
            "Pass it again, from Python or with --classifier FILE.py:FUNCTION."
        )
    if isinstance(config.classifier, str):
        name, prototype = config.classifier, _listed(config)
        searched = [
            check_options(one, type(prototype), NOT_SETTINGS, f"The classifier {name}")
            for one in _grid(config)
        ]
    else:
        name, prototype = type(config.classifier).__name__, clone(config.classifier)
        for params in ({}, *_grid(config)):
            _set_params(prototype, {**config.classifier_settings, **params}, name)
        prototype.set_params(**config.classifier_settings)
        searched = _grid(config)
    known = prototype.get_params()
    prototype.set_params(**({"classes": list(range(n_classes))} if "classes" in known else {}))
    prototype.set_params(**({"device": config.device} if "device" in known else {}))
    spec = ClassifierSpec(name, prototype, searched, n_classes)
    for params in searched:
        if check_params := getattr(spec.new(0, **params), "check_params", None):
            check_params()
    return spec


def fit_predict(
    classifier: ClassifierSpec, params: dict[str, Any], seed: int, problem: Problem, pairs: list[Pair]
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield number and probabilities (len(test), n_classes) of each pair of positions (to fit on, to
    predict).

    This is the one place where anything is fitted in a cross-validation, and it is fitted on the first of
    each pair.
    """
    X, y, subjects = problem.X, problem.y, problem.subjects
    if not pairs:
        return
    estimator = classifier.new(seed, **params)
    if classifier.fits_all_folds:
        fitted = estimator.fit_folds(X, y, [train for train, _ in pairs], groups=subjects)
    else:
        fitted = (
            (k, classifier.fit(clone(estimator), X[train], y[train], subjects[train]))
            for k, (train, _) in enumerate(pairs)
        )
    for k, one in fitted:
        yield k, probabilities(one, X[pairs[k][1]], problem.n_classes)


def _listed(config: CvConfig) -> Any:
    """Return the classifier listed under `config.classifier` with its settings, checked by name and type."""
    Classifier = registry.load("mer.classifiers", config.classifier).Classifier
    variant = config.classifier.partition(":")[2]  # timm:resnet18
    settings = {**({"backbone": variant} if variant else {}), **config.classifier_settings}
    return Classifier(
        **check_options(settings, Classifier, NOT_SETTINGS, f"The classifier {config.classifier}")
    )


def _grid(config: CvConfig) -> list[dict[str, Any]]:
    """Return every combination of the values in `config.search`; one without any setting where there is no
    search.
    """
    search = {name: list(dict.fromkeys(values)) for name, values in (config.search or {}).items()}
    return [dict(zip(search, values)) for values in itertools.product(*search.values())]


def _set_params(prototype: Any, params: dict[str, Any], name: str) -> None:
    try:
        clone(prototype).set_params(**params)
    except ValueError as error:
        raise BadInput(f"{name} cannot take {params}: {error}") from error
