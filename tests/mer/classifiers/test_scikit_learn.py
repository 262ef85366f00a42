"""Every classifier is a scikit-learn estimator."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from mer.classifiers import ststnet
from mer.evaluation.splits import LeaveOneSubjectOut, subject_ids
from mer_core import registry
from tests.mer.classifiers.test_classifiers import FAST, NAMES

TAKES_ROWS = ["linear_svm", "logistic", "majority"]  # the others take maps, and their tags say so


def unfitted(name):
    return registry.load("mer.classifiers", name).Classifier(**FAST.get(name, {}))


@pytest.mark.parametrize("name", TAKES_ROWS)
def test_the_checks_of_scikit_learn_pass(name):
    results = check_estimator(unfitted(name), on_skip=None)
    assert len(results) > 40


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(TAKES_ROWS)))
def test_classifiers_of_maps_say_that_they_take_no_rows(name):
    assert not unfitted(name).__sklearn_tags__().input_tags.two_d_array


@pytest.mark.parametrize("name", NAMES)
def test_labels_may_be_words_and_parameters_survive_cloning(name, small):
    table, X = small
    classifier = clone(unfitted(name))
    assert classifier.get_params() == unfitted(name).get_params()
    with pytest.raises(NotFittedError):
        classifier.predict(X)
    classifier.fit(X, table["label"].to_numpy(), groups=subject_ids(table))
    assert classifier.get_params() == unfitted(name).get_params()
    assert classifier.classes_.tolist() == sorted(set(table["label"]))
    assert set(classifier.predict(X)) <= set(table["label"])


def test_rows_are_maps_again_where_their_shape_is_given(small):
    table, X = small
    y, rows = table["label"].to_numpy(), X.reshape(len(X), -1)
    by_maps = ststnet.Classifier(epochs=3).fit(X, y).predict_proba(X)
    by_rows = ststnet.Classifier(epochs=3, map_shape=X.shape[1:]).fit(rows, y).predict_proba(rows)
    assert np.array_equal(by_maps, by_rows)
    pipeline = make_pipeline(StandardScaler(), ststnet.Classifier(epochs=3, map_shape=X.shape[1:]))
    assert pipeline.fit(rows, y).predict_proba(rows).shape == (len(X), 3)


@pytest.mark.parametrize("name, grid", [("ststnet", {"epochs": [1, 15]}), ("logistic", {"C": [1e-6, 1e-3]})])
def test_settings_are_searched_by_scikit_learn_without_mixing_subjects(name, grid, small):
    table, X = small
    search = GridSearchCV(unfitted(name), grid, cv=LeaveOneSubjectOut(), scoring="f1_macro")
    search.fit(X, table["label"].to_numpy(), groups=subject_ids(table))
    assert search.n_splits_ == 4 and search.best_score_ > 0.5


def test_scikit_learn_cross_validates_with_the_splitter(small):
    table, X = small
    y, subjects = table["label"].to_numpy(), subject_ids(table)
    predicted = cross_val_predict(unfitted("logistic"), X, y, groups=subjects, cv=LeaveOneSubjectOut())
    assert (predicted == y).mean() > 0.9
