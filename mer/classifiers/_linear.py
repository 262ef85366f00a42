"""Base class of the linear classifiers; each of them only chooses the scikit-learn model."""

from abc import abstractmethod
from typing import Any

import numpy as np

from mer.classifiers._estimator import StoredClassifier
from mer.classifiers._stored import Tensors


class LinearClassifier(StoredClassifier):
    """A linear model per class on features standardised by the training clips; softmax of their values.

    Subclasses have the parameter C, the inverse strength of the L2 penalty.
    """

    C: float

    @abstractmethod
    def model(self) -> Any:
        """Return the unfitted scikit-learn model."""

    def two_rows(self, row: np.ndarray) -> np.ndarray:
        """Expand the one row (1, ...) that scikit-learn fits to two classes into one per class, (2, ...)."""
        return np.concatenate([-row, row])

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> "LinearClassifier":
        """Fit to X (N, ...) float, flattened per clip, and labels y (N,) of at least two classes."""
        X, codes = self._check_training(X, y)
        if len(set(codes)) < 2:
            raise ValueError("A linear classifier needs clips of at least two classes; y has one class.")
        flat = _flat(X)
        self.mean_, self.scale_ = flat.mean(0), flat.std(0)
        self.scale_[self.scale_ == 0] = 1.0  # a constant value stays 0
        model = self.model().fit((flat - self.mean_) / self.scale_, codes)
        weight, bias = model.coef_, model.intercept_
        if len(model.classes_) == 2:
            weight, bias = self.two_rows(weight), self.two_rows(bias)
        # A bias of -inf gives probability 0 to a class that the training clips lack.
        n_classes = len(self.classes_)
        self.weight_, self.bias_ = np.zeros((n_classes, flat.shape[1])), np.full(n_classes, -np.inf)
        self.weight_[model.classes_], self.bias_[model.classes_] = weight, bias
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return (N, n_classes) float64 for X (N, ...) float of the shape that was fitted."""
        X = self._check_samples(X)
        values = ((_flat(X) - self.mean_) / self.scale_) @ self.weight_.T + self.bias_
        odds = np.exp(values - values.max(1, keepdims=True))
        return odds / odds.sum(1, keepdims=True)

    def tensors(self) -> Tensors:
        return {"mean": self.mean_, "scale": self.scale_, "weight": self.weight_, "bias": self.bias_}

    def load_tensors(self, tensors: Tensors) -> None:
        for name in ("mean", "scale", "weight", "bias"):
            setattr(self, f"{name}_", tensors[name])


def _flat(X: np.ndarray) -> np.ndarray:
    """Flatten (N, ...) float to (N, D) float64."""
    return np.asarray(X, dtype=np.float64).reshape(len(X), -1)
