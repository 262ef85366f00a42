"""Leaks planted on purpose, of every kind that the field is known for; the tests of test_no_leak.py must find
each.
"""

import numpy as np
import pandas as pd
import pytest

from mer.evaluation import calibration, cross_validation, estimators, folds, nested, splits
from mer.evaluation.config import CvConfig
from mer_core import registry
from tests.leaks import (
    CALIBRATIONS,
    CLASSIFIERS,
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


def scaler_on_everything(table, X, out):
    scaled = (X - X.mean(0)) / X.std(0)
    return honest("logistic", out)(table, scaled)


def values_chosen_by_all_labels(table, X, out):
    flat = X.reshape(len(X), -1)
    means = np.stack([flat[table["label"] == label].mean(0) for label in LABELS])
    best = np.argsort(means.std(0))[-50:]
    return honest("logistic", out)(table, flat[:, best])


def epoch_chosen_on_the_held_out_subject(table, X, out):
    """What much public code does: keep the epoch that is best on the test subject."""
    y = np.array([LABELS.index(label) for label in table["label"]])
    rows = []
    for name, train, test in splits.loso(table):
        tries = []
        for epochs in (1, 3, 10, 30):
            settings = {"epochs": epochs, "learning_rate": 1e-2}
            problem = cross_validation.build_problem(table, X, LABELS, "loso")
            classifier = estimators.resolve_classifier(
                CvConfig(classifier="ststnet", classifier_settings=settings), 3
            )
            tries += [p for _, p in estimators.fit_predict(classifier, {}, 0, problem, [(train, test)])]
        best = max(tries, key=lambda p: (p.argmax(1) == y[test]).mean())
        rows.append(cross_validation._prediction_rows(table.iloc[test], name, 0, best, LABELS))
    return pd.concat(rows)


def one_clip_left_out_instead_of_one_subject(table, X, out):
    by_clip = table.assign(subject=table["clip_id"])
    return honest("logistic", out)(by_clip, X)


def thresholds_chosen_on_the_held_out_subject(table, X, out):
    """Probabilities stay as they are, and each label is given as readily as the subject's own answers
    suggest.
    """
    p = honest("logistic", out)(table, X)
    shown = pd.get_dummies(p["label"])[LABELS].groupby(p["fold"]).transform("mean").to_numpy()
    said = (p[[f"p_{label}" for label in LABELS]].to_numpy() * (shown + 0.1)).argmax(1)
    return p.assign(prediction=np.array(LABELS, dtype=object)[said])


@pytest.mark.parametrize(
    "leaking",
    [
        scaler_on_everything,
        values_chosen_by_all_labels,
        epoch_chosen_on_the_held_out_subject,
        one_clip_left_out_instead_of_one_subject,
        thresholds_chosen_on_the_held_out_subject,
    ],
    ids=lambda f: f.__name__,
)
def test_a_planted_pipeline_leak_is_found(leaking, tmp_path):
    runs = iter(range(1000))
    assert leaks(lambda table, X: leaking(table, X, tmp_path / str(next(runs))), *experiment())


def test_a_dataset_whose_other_subjects_stay_is_found(tmp_path, monkeypatch):
    monkeypatch.setitem(splits.SPLITS, "lodo", splits.loso)
    assert leaks(honest("logistic", tmp_path, "lodo"), *two_datasets(), of="dataset") == ["one", "two"]


def test_a_classifier_that_learns_from_the_clips_it_predicts_is_found(tmp_path, monkeypatch):
    module = registry.load("mer.classifiers", "logistic")

    class Leaking(module.Classifier):
        def predict_proba(self, X):
            flat = X.reshape(len(X), -1)
            self.mean_, self.scale_ = flat.mean(0), flat.std(0) + 1e-6
            return super().predict_proba(X)

    Leaking.__init__ = module.Classifier.__init__
    monkeypatch.setattr(module, "Classifier", Leaking)
    assert leaks(honest("logistic", tmp_path), *experiment()) == list("0123")
    assert leaks_inside("logistic", tmp_path / "inside", monkeypatch) == list("0123")


def held_out_clips_centre_the_maps(JointTraining):
    """Every fold subtracts the mean over all folds."""
    train = JointTraining.train

    def leaking(self, folds, means, *rest):
        return train(self, folds, means.mean(0).expand_as(means), *rest)

    return JointTraining, "train", leaking


def held_out_clips_are_fitted(JointTraining):
    """Every clip is in every fold's batch, whoever is left out."""
    train_block = JointTraining._train_block

    def leaking(self, is_inside, *rest):
        return train_block(self, np.ones_like(is_inside), *rest)

    return JointTraining, "_train_block", leaking


@pytest.mark.parametrize(
    "plant", [held_out_clips_centre_the_maps, held_out_clips_are_fitted], ids=lambda f: f.__name__
)
def test_a_leak_between_folds_fitted_at_once_is_found(plant, tmp_path, monkeypatch):
    from mer.classifiers.ststnet.folds import JointTraining

    monkeypatch.setattr(*plant(JointTraining))
    assert leaks(honest("ststnet", tmp_path), *experiment()) == list("0123")
    assert leaks_inside("ststnet", tmp_path / "inside", monkeypatch) == list("0123")


def test_a_split_that_lets_a_held_out_clip_in_is_found(tmp_path, monkeypatch):
    def leaking(table):
        return [(name, np.append(train, test[-1]), test) for name, train, test in loso(table)]

    loso = splits.loso
    monkeypatch.setitem(splits.SPLITS, "loso", leaking)
    assert leaks(honest("logistic", tmp_path), *experiment()) == list("0123")
    assert leaks_inside("logistic", tmp_path / "inside", monkeypatch) == list("0123")


def everything_is_fitted(classifier, params, seed, problem, pairs, fit_predict=estimators.fit_predict):
    """Each fold is also fitted on the clips it predicts: the plainest leak of all, in whatever the classifier
    fits, scalers too.
    """
    return fit_predict(
        classifier, params, seed, problem, [(np.append(train, test), test) for train, test in pairs]
    )


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_a_leak_planted_in_any_classifier_is_found(classifier, tmp_path, monkeypatch):
    monkeypatch.setattr(estimators, "fit_predict", everything_is_fitted)
    assert leaks(honest(classifier, tmp_path), *experiment(subjects=3)) == list("012")


def inner_folds_hold_the_test_subject(monkeypatch):
    split_subjects = nested.split_subjects

    def leaking(n_folds, problem, train, owner):
        return split_subjects(n_folds, problem, np.arange(len(problem.y)), owner)

    monkeypatch.setattr(nested, "split_subjects", leaking)


def settings_are_chosen_by_the_test_score(monkeypatch):
    def leaking(classifier, config, problem, seed, parts):
        pairs = [part[1:] for part in parts]
        tries = [
            dict(estimators.fit_predict(classifier, params, seed, problem, pairs))
            for params in classifier.candidates
        ]
        likely = [
            [p[k][np.arange(len(test)), problem.y[test]].mean() for p in tries]
            for k, (_, _, test) in enumerate(parts)
        ]
        return [nested.Choice(classifier.candidates[int(np.argmax(each))]) for each in likely]

    monkeypatch.setattr(nested, "choose", leaking)


def the_temperature_is_fitted_on_the_test_clips(monkeypatch):
    predict = folds.fit_and_predict

    def leaking(classifier, config, problem, seed, parts):
        for k, p, choice in predict(classifier, config, problem, seed, parts):
            yield (
                k,
                calibration.apply_temperature(p, calibration.fit_temperature(p, problem.y[parts[k][2]])),
                choice,
            )

    monkeypatch.setattr(folds, "fit_and_predict", leaking)


@pytest.mark.parametrize(
    "plant",
    [
        inner_folds_hold_the_test_subject,
        settings_are_chosen_by_the_test_score,
        the_temperature_is_fitted_on_the_test_clips,
    ],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("calibration", CALIBRATIONS)
@pytest.mark.parametrize("classifier", ["logistic", "ststnet"])
def test_a_leak_planted_in_what_is_chosen_is_found(classifier, calibration, plant, tmp_path, monkeypatch):
    plant(monkeypatch)
    assert leaks(choosing(classifier, tmp_path, calibration), *experiment(subjects=3))


@pytest.mark.parametrize("feature", FEATURES)
def test_a_leak_planted_in_any_feature_is_found(feature):
    """Features centred by the mean of all clips so far, held-out ones too."""
    extract, seen = registry.load("mer.features", feature).extract, []

    def leaking(flow, landmarks, remove_head_motion=False):
        """Honest until the head's motion is taken out."""
        seen.append(extract(flow, landmarks))
        return seen[-1] - np.mean(seen, axis=0) if remove_head_motion else seen[-1]

    assert remembers(leaking)
