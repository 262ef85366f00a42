"""Base class of all classifiers: a scikit-learn estimator that is stored as tensors and never pickled."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

NOT_STORED = ("device", "map_shape")  # parameters that are no part of what was fitted
Tensors = dict[str, np.ndarray]


class StoredClassifier(ClassifierMixin, BaseEstimator, ABC):
    """A classifier that is stored and restored without running code.

    Subclasses have the parameter `classes`: the labels to expect, because the training clips of a fold may
    lack some (None: those of `y`). Samples may have any number of dimensions.
    """

    classes: Sequence[Any] | None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def check_params(self) -> None:
        """Raise `BadInput` for parameters that do not go together, before anything is read or fitted."""

    @abstractmethod
    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None):
        """Fit to X (N, ...) float and labels y (N,); `groups` (N,) are the clips' subjects."""

    @abstractmethod
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return (N, n_classes) float64 in the order of `classes_`, each row summing to 1."""

    @abstractmethod
    def tensors(self) -> Tensors:
        """Return what was fitted."""

    @abstractmethod
    def load_tensors(self, tensors: Tensors) -> None:
        """Restore what `tensors` returned; `classes_` is already set."""

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the most probable label of each sample, (N,)."""
        check_is_fitted(self)
        best = self.predict_proba(X).argmax(1)
        return self.classes_[best]

    def state(self) -> tuple[Tensors, dict[str, Any]]:
        """Return what was fitted, as tensors and as parameters that JSON can hold."""
        check_is_fitted(self)
        return self.tensors(), self.stored_params() | {"classes": self.classes_.tolist()}

    def stored_params(self) -> dict[str, Any]:
        """Return the parameters that `state` stores."""
        return {name: value for name, value in self.get_params().items() if name not in NOT_STORED}

    @classmethod
    def from_state(cls, tensors: Tensors, params: dict[str, Any]):
        """Return the classifier that `state` describes, on the CPU.

        Its predictions are equal to the last bit if it was fitted on the CPU too.
        """
        self = cls(**params)
        self.classes_ = np.unique(np.asarray(params["classes"]))
        self.load_tensors(tensors)
        return self

    def _check_training(self, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return X and the position of each label in `classes_`, which is set here."""
        X, y = validate_data(self, X, y, allow_nd=True)
        check_classification_targets(y)
        self.classes_ = np.unique(y if self.classes is None else np.asarray(self.classes))
        if unknown := set(np.unique(y)) - set(self.classes_):
            raise ValueError(f"y has labels that are not among classes: {sorted(unknown)}.")
        return X, np.searchsorted(self.classes_, y)

    def _copy_for_fold(self):
        """Return an unfitted copy that knows the labels and the number of features."""
        copy = clone(self)
        copy.classes_, copy.n_features_in_ = self.classes_, self.n_features_in_
        return copy

    def _check_samples(self, X: np.ndarray) -> np.ndarray:
        check_is_fitted(self)
        if not hasattr(self, "n_features_in_"):  # restored from tensors
            return np.asarray(X)
        return validate_data(self, X, reset=False, allow_nd=True)
