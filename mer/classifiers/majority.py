"""Majority: always the most frequent label of the training clips. The floor that every other score is read against."""

import numpy as np


class Classifier:
    """Predicts the label frequencies of the training clips, whatever the input; a tie goes to the first class."""

    def __init__(self, classes: int, seed: int):
        self.classes, self.seed = classes, seed  # no randomness here; the seed keeps the contract

    def fit(self, X: np.ndarray, y: np.ndarray) -> "Classifier":
        """X : (N, ...), only counted; y : (N,) int in 0..classes-1."""
        self.frequencies = np.bincount(y, minlength=self.classes) / len(y)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return (N, classes) float64, the same row for every clip of X (N, ...)."""
        return np.tile(self.frequencies, (len(X), 1))

    def state(self) -> tuple[dict[str, np.ndarray], dict]:
        """Return what was fitted, as tensors and as settings that JSON can hold."""
        return {"frequencies": self.frequencies}, {"classes": self.classes, "seed": self.seed}

    @classmethod
    def from_state(cls, tensors: dict[str, np.ndarray], settings: dict) -> "Classifier":
        """The classifier that `state` came from; it predicts the same to the last bit."""
        self = cls(**settings)
        self.frequencies = tensors["frequencies"]
        return self
