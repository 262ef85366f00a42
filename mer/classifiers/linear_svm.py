"""Linear support vector machine on standardised features, as the field puts it behind LBP-TOP, Bi-WOOF and MDMO.

Source: Cortes and Vapnik, "Support-vector networks", Machine Learning 20, 1995; scikit-learn's LinearSVC (liblinear: squared
hinge loss, L2, one class against the rest). Classes weigh N / (C N_c), so that rare ones count as much.

What differs: a margin is not a probability. `predict_proba` is the softmax of the margins, so that the greatest margin wins
and rows sum to 1; it is not calibrated and should not be read as a degree of belief.
"""

from mer.classifiers._linear import LinearClassifier


class Classifier(LinearClassifier):
    """One linear margin per class. C : 1e-3 as in `logistic`, see docs/results/real-flow-dev.md for what was tried."""

    def model(self):
        """The seed orders liblinear's passes, which end at one optimum."""
        from sklearn.svm import LinearSVC

        return LinearSVC(C=self.C, class_weight="balanced", random_state=self.seed, max_iter=10000)
