"""Balanced logistic regression on standardised features: the linear baseline that a network has to beat.

scikit-learn's LogisticRegression (L2, lbfgs), with class weights N / (C N_c).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mer.classifiers._linear import LinearClassifier


class Classifier(LinearClassifier):
    """Multinomial logistic regression.

    Parameters
    ----------
    classes : sequence or None
        Labels to expect; None: those of `y`.
    C : float
        Inverse strength of the penalty. 1e-3 is not tuned: with hundreds of clips and thousands of values, a
        weak penalty would fit the training clips perfectly.
    """

    def __init__(self, classes: Sequence[Any] | None = None, C: float = 1e-3):
        self.classes = classes
        self.C = C

    def model(self) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=self.C, class_weight="balanced", max_iter=1000)

    def two_rows(self, row: np.ndarray) -> np.ndarray:
        """Give each class half of the logit, so that their softmax is its sigmoid."""
        return np.concatenate([-row / 2, row / 2])
