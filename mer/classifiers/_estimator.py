"""Base class of all classifiers: a scikit-learn estimator that is stored as tensors and never pickled."""

from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from mer.classifiers._stored import Stored, Tensors


class StoredClassifier(ClassifierMixin, BaseEstimator, Stored):
    """A classifier that can be fitted; samples may have any number of dimensions."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def check_params(self) -> None:
        """Raise `BadInput` for parameters that do not go together, before anything is read or fitted."""

    @abstractmethod
    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None):
        """Fit to X (N, ...) float and labels y (N,); `groups` (N,) are the clips' subjects."""

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the most probable label of each sample, (N,)."""
        check_is_fitted(self)
        best = self.predict_proba(X).argmax(1)
        return self.classes_[best]

    def state(self) -> tuple[Tensors, dict[str, Any]]:
        check_is_fitted(self)
        return super().state()

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
