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

from mer.evaluation.config import CvConfig, is_object_text
from mer.evaluation.splits import Fold
from mer_core import registry
from mer_core.errors import BadArray, BadInput, BadSetting, MerError
from mer_core.settings import check_options

SET_BY_MER = ("classes", "random_state", "device", "map_shape")  # parameters that are no settings
Pair = tuple[np.ndarray, np.ndarray]  # positions to fit on, positions to predict
# Classifiers of scikit-learn that use their `random_state` only with these values of a parameter, as its
# documentation says; any other one with that parameter counts as random.
RANDOM_ONLY_WITH: dict[str, tuple[str, tuple[Any, ...]]] = {
    "LogisticRegression": ("solver", ("liblinear", "sag", "saga")),
    "LogisticRegressionCV": ("solver", ("liblinear", "sag", "saga")),
    "LinearSVC": ("dual", (True, "auto")),
    "NuSVC": ("probability", (True,)),
    "RidgeClassifier": ("solver", ("sag", "saga")),
    "SVC": ("probability", (True,)),
}


class FitFailed(BadInput):
    """An estimator of another library cannot be fitted to the clips."""

    code = "fit-failed"


class PredictionFailed(BadInput):
    """A fitted estimator of another library cannot predict the held-out clips."""

    code = "prediction-failed"


@dataclass(frozen=True)
class Problem:
    """A classification problem: clips in `clip_id` order, and how they are split."""

    X: np.ndarray  # (N, ...) float32
    y: np.ndarray  # (N,) int
    subjects: np.ndarray  # (N,) dataset/subject
    folds: list[Fold]
    n_classes: int


@dataclass(frozen=True)
class ClassifierSpec:
    """An unfitted classifier and how it is fitted; built by `resolve_classifier`."""

    name: str
    # scikit-learn estimator, of which only clones are fitted.
    prototype: Any
    # Parameters to choose among inside the training subjects; [{}] without a search.
    candidates: list[dict[str, Any]]
    n_classes: int

    @property
    def fits_all_folds(self) -> bool:
        """Does the estimator fit all folds at once, with `fit_folds`?"""
        return hasattr(self.prototype, "fit_folds")

    @property
    def is_random(self) -> bool:
        """Does the fit depend on a seed?"""
        return any(_is_random(clone(self.prototype).set_params(**params)) for params in self.candidates)

    @property
    def is_foreign(self) -> bool:
        """Is it an estimator of another library, which cannot be stored as tensors?"""
        return not hasattr(self.prototype, "state")

    def n_seeds(self, requested: int) -> int:
        """Return how many seeds to fit: one if the seed changes nothing."""
        return requested if self.is_random else 1

    def new(self, seed: int, **params: Any) -> Any:
        """Return an unfitted estimator with `params`, and `seed` as every `random_state` in it."""
        estimator = clone(self.prototype).set_params(**params)
        return estimator.set_params(**dict.fromkeys(_seed_params(estimator), seed))

    def fit(self, estimator: Any, X: np.ndarray, y: np.ndarray, groups: np.ndarray) -> Any:
        """Fit `estimator` to samples X (n, ...), labels y (n,) and subjects (n,).

        Raises
        ------
        FitFailed
            For whatever an estimator of another library raises, with its name.
        """
        accepts_groups = "groups" in inspect.signature(estimator.fit).parameters
        extra = {"groups": groups} if accepts_groups or isinstance(estimator, BaseSearchCV) else {}
        try:
            return estimator.fit(as_input(estimator, X), y, **extra)
        except MerError:
            raise
        except Exception as error:  # foreign code may raise anything
            raise FitFailed(f"{self.name} cannot be fitted: {type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class FittedForeign:
    """A fitted estimator of another library, with the interface of ours."""

    estimator: Any
    n_classes: int

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return (N, n_classes) float64 for samples X (N, ...)."""
        return predict_probabilities(self.estimator, X, self.n_classes)


def resolve_classifier(config: CvConfig, n_classes: int) -> ClassifierSpec:
    """Return the classifier that `config` names or holds, after checking all its parameters.

    Raises
    ------
    UnknownName
        For a name that is not known.
    BadInput
        For a parameter it does not have or cannot take.
    """
    if not isinstance(config.classifier, str):
        name, prototype, candidates = _from_object(config)
    elif is_object_text(config.classifier):
        raise BadSetting(
            f"{config.classifier} is the text of a classifier that was passed as an object; a file cannot "
            "rebuild it. Pass it again, from Python or with --classifier FILE.py:FUNCTION."
        )
    else:
        name, prototype, candidates = _from_registry(config)
    params = prototype.get_params()
    if "classes" in params:
        prototype.set_params(classes=list(range(n_classes)))
    if "device" in params:
        prototype.set_params(device=config.device)
    spec = ClassifierSpec(name, prototype, candidates, n_classes)
    for candidate in candidates:
        if check_params := getattr(spec.new(0, **candidate), "check_params", None):
            check_params()
    return spec


def fit_predict(
    classifier: ClassifierSpec, params: dict[str, Any], seed: int, problem: Problem, pairs: list[Pair]
) -> Iterator[tuple[int, np.ndarray]]:
    """Fit on the first positions of each pair and predict the second ones.

    Nothing else in a cross-validation fits a classifier.

    Yields
    ------
    k : int
        Number of the pair.
    p : (n_test, n_classes) float64
        Probabilities.
    """
    if not pairs:
        return
    X, y, subjects = problem.X, problem.y, problem.subjects
    estimator = classifier.new(seed, **params)
    if classifier.fits_all_folds:
        fitted = estimator.fit_folds(X, y, [train for train, _ in pairs], groups=subjects)
    else:
        fitted = (
            (k, classifier.fit(clone(estimator), X[train], y[train], subjects[train]))
            for k, (train, _) in enumerate(pairs)
        )
    for k, one in fitted:
        yield k, predict_probabilities(one, X[pairs[k][1]], problem.n_classes)


def predict_probabilities(fitted: Any, X: np.ndarray, n_classes: int) -> np.ndarray:
    """Return (N, n_classes) float64; a class that `fitted` has not seen gets 0.

    Raises
    ------
    PredictionFailed
        For whatever an estimator of another library raises, with its name.
    """
    name, p = type(fitted).__name__, np.zeros((len(X), n_classes))
    try:
        p[:, np.asarray(fitted.classes_, dtype=int)] = fitted.predict_proba(as_input(fitted, X))
    except MerError:
        raise
    except Exception as error:  # foreign code may raise anything
        raise PredictionFailed(f"{name} cannot predict: {type(error).__name__}: {error}") from error
    if not np.isfinite(p).all():
        raise BadArray(f"{name} predicts probabilities that are NaN or infinite.")
    return p


def as_input(estimator: Any, X: np.ndarray) -> np.ndarray:
    """Return samples in a shape that `estimator` takes: rows (N, D), unless it takes any shape."""
    try:
        takes_any_shape = get_tags(estimator).input_tags.three_d_array
    except (AttributeError, TypeError):  # the estimator has no tags
        takes_any_shape = False
    return X if takes_any_shape else X.reshape(len(X), -1)


def _from_registry(config: CvConfig) -> tuple[str, Any, list[dict[str, Any]]]:
    """Return name, prototype and candidates of a listed classifier, checked by name and type."""
    name, owner = config.classifier, f"The classifier {config.classifier}"
    Classifier = registry.load("mer.classifiers", name).Classifier
    variant = name.partition(":")[2]  # of timm:resnet18
    settings = {**({"backbone": variant} if variant else {}), **config.classifier_settings}
    prototype = Classifier(**check_options(settings, Classifier, SET_BY_MER, owner))
    candidates = [check_options(candidate, Classifier, SET_BY_MER, owner) for candidate in _grid(config)]
    return name, prototype, candidates


def _from_object(config: CvConfig) -> tuple[str, Any, list[dict[str, Any]]]:
    """Return name, prototype and candidates of a scikit-learn classifier."""
    name, prototype = type(config.classifier).__name__, clone(config.classifier)
    candidates = _grid(config)
    for candidate in ({}, *candidates):
        params = {**config.classifier_settings, **candidate}
        try:
            clone(prototype).set_params(**params)
        except ValueError as error:
            raise BadSetting(f"{name} cannot take {params}: {error}") from error
    return name, prototype.set_params(**config.classifier_settings), candidates


def _grid(config: CvConfig) -> list[dict[str, Any]]:
    """Return every combination of the values in `config.search`; [{}] without a search."""
    search = {name: list(dict.fromkeys(values)) for name, values in (config.search or {}).items()}
    return [dict(zip(search, values)) for values in itertools.product(*search.values())]


def _is_random(estimator: Any) -> bool:
    """Return whether an estimator, or one in it, has a `random_state` and uses it."""
    parts = {"": estimator, **estimator.get_params()}
    owners = [parts[name.rpartition("__")[0]] for name in _seed_params(estimator)]
    is_searched = any(isinstance(part, BaseSearchCV) for part in parts.values())  # it may set any parameter
    return any(is_searched or _uses_seed(owner) for owner in owners)


def _uses_seed(estimator: Any) -> bool:
    kind = type(estimator)
    if kind.__name__ not in RANDOM_ONLY_WITH or not kind.__module__.startswith("sklearn."):
        return True
    name, values = RANDOM_ONLY_WITH[kind.__name__]
    return getattr(estimator, name) in values


def _seed_params(estimator: Any) -> list[str]:
    return [name for name in estimator.get_params() if name.split("__")[-1] == "random_state"]
