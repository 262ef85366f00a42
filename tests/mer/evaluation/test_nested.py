"""What is chosen inside the training subjects: by hand, and that nothing else has a say."""

import json

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from mer.evaluation import calibration, cross_validation, estimators, folds, nested
from mer.evaluation.config import CvConfig
from mer_core.errors import BadSetting
from mer_core.parallel import Workers

LABELS = ["negative", "positive", "surprise"]


def overconfident(rng, n=4000, temperature=2.5):
    """Probabilities that are right about their order and too sure of themselves, and labels drawn from the
    honest ones.
    """
    logits = rng.normal(0, 1.5, (n, 3))
    honest = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    y = np.array([rng.choice(3, p=p) for p in honest])
    return calibration.apply_temperature(honest, 1 / temperature), y


def test_a_known_temperature_is_found():
    p, y = overconfident(np.random.default_rng(0))
    found = calibration.fit_temperature(p, y)
    assert found == pytest.approx(2.5, rel=0.1)
    cooled = calibration.apply_temperature(p, found)
    assert np.array_equal(cooled.argmax(1), p.argmax(1)) and np.allclose(cooled.sum(1), 1)


def test_apply_temperature_is_softmax_of_divided_logits():
    logits = np.array([[1.0, 2.0, 4.0], [0.0, -3.0, 1.0]])
    softmax = lambda z: np.exp(z) / np.exp(z).sum(1, keepdims=True)
    assert np.allclose(calibration.apply_temperature(softmax(logits), 3.0), softmax(logits / 3.0))
    # A class ruled out stays ruled out.
    assert calibration.apply_temperature(np.array([[0.0, 0.4, 0.6]]), 2.0)[0, 0] == 0


def problem(small):
    table, X = cross_validation.sort_clips(*small, LABELS)
    return cross_validation.build_problem(table, X, LABELS, "loso")


def test_inner_folds_part_the_training_subjects(small):
    given = problem(small)
    for name, train, test in given.folds:
        parts = nested.split_subjects(2, given, train, name)
        # Each training clip is held out once.
        assert sorted(np.concatenate([held for _, held in parts])) == sorted(train)
        for fit, held in parts:
            assert not set(given.subjects[fit]) & set(given.subjects[held])
            assert name not in given.subjects[fit] and name not in given.subjects[held]
            assert not set(test) & (set(fit) | set(held))


def test_two_subjects_are_too_few_to_choose_in(small, tmp_path):
    table, X = small
    two = table["dataset"].eq("a").to_numpy()
    with pytest.raises(BadSetting, match="fold a/01.* 1 subject "):
        cross_validation.cross_validate(
            table[two], X[two], CvConfig(classifier="logistic", calibration="temperature"), tmp_path
        )


def test_the_setting_that_does_better_inside_is_taken_and_recorded(small, tmp_path):
    """A network whose steps are too small stays where it began."""
    plain = CvConfig(classifier="ststnet", classifier_settings={"epochs": 6}, seeds=1, inner_folds=3)
    config = plain.model_copy(update={"search": {"learning_rate": [1e-9, 1e-2]}})
    searched = cross_validation.cross_validate(*small, config, tmp_path / "searched")
    record = json.loads((tmp_path / "searched" / "choices.json").read_text())
    assert record["candidates"] == [{"learning_rate": 1e-9}, {"learning_rate": 1e-2}]
    assert [choice["settings"] for choice in record["chosen"]] == [{"learning_rate": 1e-2}] * 4
    assert all(choice["inner_uf1"][1] > choice["inner_uf1"][0] + 0.2 for choice in record["chosen"])
    fixed = CvConfig(**{**plain.model_dump(), "classifier_settings": {"epochs": 6, "learning_rate": 1e-2}})
    assert searched.equals(cross_validation.cross_validate(*small, fixed, tmp_path / "fixed"))


def test_folds_that_choose_differently_are_each_fitted_with_their_own(small, tmp_path, monkeypatch):
    """Whether folds are fitted one by one or all at once."""
    choices = [nested.Choice({"epochs": 1 + k % 2}) for k in range(4)]
    monkeypatch.setattr(nested, "choose", lambda *args: choices)
    given = problem(small)
    searching = CvConfig(
        classifier="ststnet", classifier_settings={"learning_rate": 1e-2}, search={"epochs": [1, 2]}, seeds=1
    )
    classifier = estimators.resolve_classifier(searching, 3)
    got = {
        k: (p, choice) for k, p, choice in folds.fit_and_predict(classifier, searching, given, 0, given.folds)
    }
    for k, choice in enumerate(choices):
        pairs = [fold[1:] for fold in given.folds]
        alone = dict(estimators.fit_predict(classifier, choice.settings, 0, given, pairs))
        assert got[k][1] == choice and np.allclose(got[k][0], alone[k], atol=1e-5)


@pytest.mark.parametrize("classifier", ["logistic", "ststnet"])
def test_calibration_changes_how_sure_and_not_what(small, tmp_path, classifier):
    plain = CvConfig(classifier=classifier, seeds=1, inner_folds=3)
    calibrated = plain.model_copy(update={"calibration": "temperature"})
    before = cross_validation.cross_validate(*small, plain, tmp_path / "before")
    after = cross_validation.cross_validate(*small, calibrated, tmp_path / "after")
    record = json.loads((tmp_path / "after" / "choices.json").read_text())["chosen"]
    temperature = {choice["fold"]: choice["temperature"] for choice in record}
    assert (
        before["prediction"].equals(after["prediction"])
        and not (tmp_path / "before" / "choices.json").exists()
    )
    columns = [f"p_{label}" for label in LABELS]
    by_hand = np.stack(
        [
            calibration.apply_temperature(row[None], temperature[fold])[0]
            for fold, row in zip(before["fold"], before[columns].to_numpy())
        ]
    )
    assert np.allclose(after[columns], by_hand, atol=1e-5) and not np.allclose(
        after[columns], before[columns], atol=1e-3
    )


class TooSure(ClassifierMixin, BaseEstimator):
    """Knows the labels that it was fitted on for certain, and says of other clips what is true of them, but
    too surely.
    """

    def __init__(self, honest=None, random_state=None):
        self.honest, self.random_state = honest, random_state

    def fit(self, X, y):
        self.known, self.classes_ = dict(zip(X[:, 0].astype(int), y)), np.unique(y)
        return self

    def predict_proba(self, X):
        return np.stack(
            [np.eye(3)[self.known[i]] if i in self.known else self.honest[i] for i in X[:, 0].astype(int)]
        )


def test_a_temperature_for_every_clip_is_fitted_on_those_left_out():
    too_sure, y = overconfident(np.random.default_rng(0), n=2000)
    X = np.arange(len(y), dtype=np.float32)[:, None]
    given = estimators.Problem(X, y, np.array([f"d/{i % 10}" for i in range(len(y))]), [], 3)
    classifier = estimators.resolve_classifier(CvConfig(classifier=TooSure(too_sure)), 3)
    found = nested.temperature_for_all(classifier, 5, given, 2)
    assert found == pytest.approx(
        calibration.fit_temperature(too_sure, y), rel=1e-6
    ) and found == pytest.approx(2.5, rel=0.15)
    one_person = estimators.Problem(X, y, np.full(len(y), "d/0"), [], 3)
    with pytest.raises(BadSetting, match=" 1 subject "):
        nested.temperature_for_all(classifier, 5, one_person, 1)


def test_a_setting_the_classifier_lacks_is_refused_before_anything_is_written(small, tmp_path):
    with pytest.raises(BadSetting, match="logistic.*'D'.*C"):
        cross_validation.cross_validate(
            *small, CvConfig(classifier="logistic", search={"D": [1, 2]}), tmp_path / "run"
        )
    assert not (tmp_path / "run").exists()


def test_processes_give_what_one_process_gives(small, tmp_path):
    config = CvConfig(
        classifier="linear_svm", search={"C": [1e-3, 1e-2]}, calibration="temperature", seeds=2, inner_folds=2
    )
    alone = cross_validation.cross_validate(*small, config, tmp_path / "alone")
    shared = cross_validation.cross_validate(*small, config, tmp_path / "shared", workers=Workers(2))
    numbers = [f"p_{label}" for label in LABELS]
    assert alone.drop(columns=numbers).equals(shared.drop(columns=numbers))
    assert np.allclose(alone[numbers], shared[numbers], atol=1e-9)


def test_a_stopped_run_keeps_what_its_processes_had_finished(small, tmp_path):
    config = CvConfig(classifier="linear_svm", seeds=2)
    given, classifier = problem(small), estimators.resolve_classifier(config, 3)
    missing = {(seed, name) for seed in range(2) for name, _, _ in given.folds}
    work = folds.predict_folds(classifier, config, given, missing, Workers(2))
    seed, name, p, _ = next(work)
    work.close()  # as an interruption does; must not wait for the other folds
    ((_, train, test),) = [fold for fold in given.folds if fold[0] == name]
    ((_, alone),) = estimators.fit_predict(classifier, {}, seed, given, [(train, test)])
    assert np.allclose(p, alone, atol=1e-9)
