"""Majority: always predict the most frequent label of the training clips. The baseline of every score."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mer.classifiers._estimator import StoredClassifier
from mer.classifiers._stored import Tensors


class Classifier(StoredClassifier):
    """Predict the label frequencies of the training clips, whatever the input.

    Parameters
    ----------
    classes : sequence or None
        Labels to expect; None: those of `y`.
    """

    def __init__(self, classes: Sequence[Any] | None = None):
        self.classes = classes

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> "Classifier":
        """Count the labels y (N,); X (N, ...) is ignored."""
        _, codes = self._check_training(X, y)
        self.frequencies_ = np.bincount(codes, minlength=len(self.classes_)) / len(codes)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return (N, n_classes) float64, the same row for every clip of X (N, ...)."""
        n_clips = len(self._check_samples(X))
        return np.tile(self.frequencies_, (n_clips, 1))

    def tensors(self) -> Tensors:
        return {"frequencies": self.frequencies_}

    def load_tensors(self, tensors: Tensors) -> None:
        self.frequencies_ = tensors["frequencies"]
