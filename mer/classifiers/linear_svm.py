"""Linear support vector machine on standardised features, as the field puts it behind LBP-TOP, Bi-WOOF and
MDMO.

Source: Cortes and Vapnik, "Support-vector networks", Machine Learning 20, 1995; scikit-learn's LinearSVC
(liblinear: squared hinge loss, L2, one class against the rest). Classes weigh N / (C N_c), so that rare ones
count as much.

What differs: a margin is not a probability. `predict_proba` is the softmax of the margins, so that the
greatest margin wins and rows sum to 1; it is not calibrated and should not be read as a degree of belief.
"""

from collections.abc import Sequence
from typing import Any

from mer.classifiers._linear import LinearClassifier


class Classifier(LinearClassifier):
    """One linear margin per class.

    Parameters
    ----------
    classes : sequence or None
        Labels to expect; None: those of `y`.
    random_state : int
        Orders liblinear's passes, which end at one optimum.
    C : float
        Inverse strength of the penalty; 1e-3 as in `logistic`, see docs/results/real-flow-dev.md for what was
        tried.
    """

    def __init__(self, classes: Sequence[Any] | None = None, random_state: int = 0, C: float = 1e-3):
        self.classes = classes
        self.random_state = random_state
        self.C = C

    def model(self) -> Any:
        from sklearn.svm import LinearSVC

        return LinearSVC(C=self.C, class_weight="balanced", random_state=self.random_state, max_iter=10000)
