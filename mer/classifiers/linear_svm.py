"""Linear support vector machine on standardised features: the classifier of LBP-TOP, Bi-WOOF and MDMO.

Source: Cortes and Vapnik, "Support-vector networks", Machine Learning 20, 1995; scikit-learn's LinearSVC
(liblinear: squared hinge loss, L2, one class against the rest), with class weights N / (C N_c).

A margin is no probability: `predict_proba` returns the softmax of the margins, which is not calibrated.
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
        Order of liblinear's passes, which all converge to the same optimum.
    C : float
        Inverse strength of the penalty; 1e-3 as in `logistic`, see docs/results/real-flow-dev.md.
    """

    def __init__(self, classes: Sequence[Any] | None = None, random_state: int = 0, C: float = 1e-3):
        self.classes = classes
        self.random_state = random_state
        self.C = C

    def model(self) -> Any:
        from sklearn.svm import LinearSVC

        return LinearSVC(C=self.C, class_weight="balanced", random_state=self.random_state, max_iter=10000)
