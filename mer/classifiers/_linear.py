"""What the linear classifiers share: standardised features, one weight row per class, softmax of the rows' values.

Each of them says only which scikit-learn model finds the weights.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np


class LinearClassifier(ABC):
    """Balanced linear model; each feature value is centred and scaled by the training clips.

    C : inverse strength of the L2 penalty
    """

    def __init__(self, classes: int, seed: int, C: float = 1e-3):
        self.classes, self.seed, self.C = classes, seed, C

    @abstractmethod
    def model(self) -> Any:
        """The scikit-learn model, not fitted."""

    def two_rows(self, row: np.ndarray) -> np.ndarray:
        """Weights or bias of two classes, (2, ...), from the one row (1, ...) that scikit-learn gives for two."""
        return np.concatenate([-row, row])

    def fit(self, X: np.ndarray, y: np.ndarray) -> "LinearClassifier":
        """X : (N, ...) float, flattened per clip; y : (N,) int in 0..classes-1, at least two classes."""
        flat = _flat(X)
        self.mean, self.scale = flat.mean(0), flat.std(0)
        self.scale[self.scale == 0] = 1.0  # a value that never changes carries nothing, and stays 0
        model = self.model().fit((flat - self.mean) / self.scale, y)
        weight, bias = model.coef_, model.intercept_
        if len(model.classes_) == 2:
            weight, bias = self.two_rows(weight), self.two_rows(bias)
        # A class that the training clips lack gets probability 0.
        self.weight, self.bias = np.zeros((self.classes, flat.shape[1])), np.full(self.classes, -np.inf)
        self.weight[model.classes_], self.bias[model.classes_] = weight, bias
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return (N, classes) float64 for X (N, ...) float of the shape that was fitted."""
        values = ((_flat(X) - self.mean) / self.scale) @ self.weight.T + self.bias
        odds = np.exp(values - values.max(1, keepdims=True))
        return odds / odds.sum(1, keepdims=True)

    def state(self) -> tuple[dict[str, np.ndarray], dict]:
        """Return what was fitted, as tensors and as settings that JSON can hold."""
        tensors = {"mean": self.mean, "scale": self.scale, "weight": self.weight, "bias": self.bias}
        return tensors, {"classes": self.classes, "seed": self.seed, "C": self.C}

    @classmethod
    def from_state(cls, tensors: dict[str, np.ndarray], settings: dict) -> "LinearClassifier":
        """The classifier that `state` came from; it predicts the same to the last bit."""
        self = cls(**settings)
        self.mean, self.scale, self.weight, self.bias = (
            tensors[name] for name in ("mean", "scale", "weight", "bias")
        )
        return self


def _flat(X: np.ndarray) -> np.ndarray:
    """(N, ...) float -> (N, D) float64."""
    return np.asarray(X, dtype=np.float64).reshape(len(X), -1)
