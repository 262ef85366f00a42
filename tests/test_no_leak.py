"""No prediction may depend on the held-out subject's labels, nor on its other clips.

Every classifier (and the scalers in it), feature, calibration and nested search is asked, by its name in the
folder listing or the settings. That these tests can fail is shown in test_planted_leaks.py; how they look is
in leaks.py.
"""

import inspect

import numpy as np
import pytest

from mer.evaluation import metrics
from mer_core import registry
from tests.leaks import (
    CALIBRATIONS,
    CLASSIFIERS,
    FAST,
    FEATURES,
    LABELS,
    choosing,
    experiment,
    honest,
    leaks,
    leaks_inside,
    remembers,
    two_datasets,
)


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_predictions_do_not_depend_on_the_held_out_subject(classifier, tmp_path):
    assert leaks(honest(classifier, tmp_path), *experiment()) == []


def switched(classifier):
    """The fast settings with every switch of the classifier turned the other way: what is done only then must
    not leak either.
    """
    parameters = inspect.signature(registry.load("mer.classifiers", classifier).Classifier).parameters
    return {
        **{name: not p.default for name, p in parameters.items() if isinstance(p.default, bool)},
        **FAST.get(classifier, {}),
    }


@pytest.mark.parametrize("classifier", [name for name in CLASSIFIERS if switched(name) != FAST.get(name, {})])
def test_switches_turned_the_other_way_do_not_leak(classifier, tmp_path):
    assert (
        leaks(honest(classifier, tmp_path, classifier_settings=switched(classifier)), *experiment(subjects=3))
        == []
    )


def test_a_held_out_dataset_is_held_out(tmp_path):
    assert leaks(honest("logistic", tmp_path, "lodo"), *two_datasets(), of="dataset") == []


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_what_is_fitted_never_saw_the_held_out_subject(classifier, tmp_path, monkeypatch):
    assert leaks_inside(classifier, tmp_path, monkeypatch) == []


@pytest.mark.parametrize("calibration", CALIBRATIONS)
@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_what_is_chosen_does_not_depend_on_the_held_out_subject(classifier, calibration, tmp_path):
    assert leaks(choosing(classifier, tmp_path, calibration), *experiment(subjects=3)) == []


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_is_made_from_one_clip_and_no_label(feature):
    extract = registry.load("mer.features", feature).extract
    parameters = list(inspect.signature(extract).parameters)
    assert parameters[:2] == ["flow", "landmarks"] and "label" not in parameters
    assert not remembers(extract)


@pytest.mark.parametrize("classifier", [name for name in CLASSIFIERS if name != "majority"])
def test_shuffled_labels_give_chance(classifier, tmp_path):
    table, X = experiment(subjects=8, clips=15, signal=1.0)
    pipeline = honest(classifier, tmp_path)

    def accuracy(table):
        p = pipeline(table, X)
        return metrics.compute_scores(metrics.confusion_matrix(p["label"], p["prediction"], LABELS))[
            "accuracy"
        ]

    shuffled = table.assign(label=np.random.default_rng(0).permutation(table["label"]))
    deviation = np.sqrt(1 / 3 * 2 / 3 / len(table))  # of the fraction of right guesses among so many clips
    assert accuracy(shuffled) == pytest.approx(1 / 3, abs=3 * deviation)
    assert accuracy(table) > 1 / 3 + 6 * deviation
