"""Linear support vector machine on standardised features, as the field puts it behind LBP-TOP, Bi-WOOF and MDMO.

Source: Cortes and Vapnik, "Support-vector networks", Machine Learning 20, 1995; scikit-learn's LinearSVC (liblinear: squared
hinge loss, L2, one class against the rest). Classes weigh N / (C N_c), so that rare ones count as much.

What differs: a margin is not a probability. `predict_proba` is the softmax of the margins, so that the greatest margin wins
and rows sum to 1; it is not calibrated and should not be read as a degree of belief.
"""

import numpy as np


class Classifier:
    """One linear margin per class; each feature value is centred and scaled by the training clips.

    C : inverse strength of the L2 penalty; 1e-3 as in `logistic`, not tuned here.
    """

    def __init__(self, classes: int, seed: int, C: float = 1e-3):
        self.classes, self.seed, self.C = classes, seed, C  # the seed orders liblinear's passes, which end at one optimum

    def fit(self, X: np.ndarray, y: np.ndarray) -> "Classifier":
        """X : (N, ...) float, flattened per clip; y : (N,) int in 0..classes-1, at least two classes."""
        from sklearn.svm import LinearSVC

        flat = _flat(X)
        self.mean, self.scale = flat.mean(0), flat.std(0)
        self.scale[self.scale == 0] = 1.0  # a value that never changes carries nothing, and stays 0
        model = LinearSVC(C=self.C, class_weight="balanced", random_state=self.seed, max_iter=10000).fit((flat - self.mean) / self.scale, y)
        # A class that the training clips lack gets probability 0. Two classes come as one row: margin of the second.
        weight, bias = model.coef_, model.intercept_
        if len(model.classes_) == 2:
            weight, bias = np.vstack([-weight, weight]), np.concatenate([-bias, bias])
        self.weight, self.bias = np.zeros((self.classes, flat.shape[1])), np.full(self.classes, -np.inf)
        self.weight[model.classes_], self.bias[model.classes_] = weight, bias
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return (N, classes) float64 for X (N, ...) float of the shape that was fitted."""
        margins = ((_flat(X) - self.mean) / self.scale) @ self.weight.T + self.bias
        odds = np.exp(margins - margins.max(1, keepdims=True))
        return odds / odds.sum(1, keepdims=True)

    def state(self) -> tuple[dict[str, np.ndarray], dict]:
        """Return what was fitted, as tensors and as settings that JSON can hold."""
        tensors = {"mean": self.mean, "scale": self.scale, "weight": self.weight, "bias": self.bias}
        return tensors, {"classes": self.classes, "seed": self.seed, "C": self.C}

    @classmethod
    def from_state(cls, tensors: dict[str, np.ndarray], settings: dict) -> "Classifier":
        """The classifier that `state` came from; it predicts the same to the last bit."""
        self = cls(**settings)
        self.mean, self.scale, self.weight, self.bias = (tensors[name] for name in ("mean", "scale", "weight", "bias"))
        return self


def _flat(X: np.ndarray) -> np.ndarray:
    """(N, ...) float -> (N, D) float64."""
    return np.asarray(X, dtype=np.float64).reshape(len(X), -1)
