"""Any scikit-learn classifier is evaluated, stored without pickle and scored with; what could run code is
refused.
"""

import json

import numpy as np
import pytest
import skops.io
from click.testing import CliRunner
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from mer import bundle, stored_estimators, training
from mer.cli.main import cli
from mer.evaluation import cross_validation, estimators, inputs
from mer.evaluation.config import CvConfig
from mer.evaluation.estimators import FitFailed, PredictionFailed
from mer.evaluation.splits import LeaveOneSubjectOut
from mer_core.errors import BadInput, BadPlugin, BadSetting, ChangedSettings, UnreadableFile

PIPELINE = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, class_weight="balanced", max_iter=1000))
LABELS = ["negative", "positive", "surprise"]


def test_a_pipeline_gives_what_the_same_model_of_ours_gives(small, tmp_path):
    foreign = cross_validation.cross_validate(*small, CvConfig(classifier=PIPELINE, seeds=1), tmp_path / "a")
    ours = cross_validation.cross_validate(*small, CvConfig(classifier="logistic"), tmp_path / "b")
    numbers = [f"p_{label}" for label in LABELS]
    assert np.allclose(foreign[numbers], ours[numbers], atol=1e-3)


def test_each_seed_reaches_every_random_state(small, tmp_path):
    classifier = make_pipeline(StandardScaler(), RandomForestClassifier(5))
    run = [
        cross_validation.cross_validate(*small, CvConfig(classifier=classifier, seeds=2), tmp_path / name)
        for name in "ab"
    ]
    assert run[0].equals(run[1])
    by_seed = [part["p_negative"].to_numpy() for _, part in run[0].groupby("seed")]
    assert not np.array_equal(*by_seed)


@pytest.mark.parametrize(
    "classifier, search, n_seeds",
    [
        (PIPELINE, {}, 1),
        (LogisticRegression(solver="saga"), {}, 3),
        (LogisticRegression(), {"solver": ["lbfgs", "saga"]}, 3),
        (CalibratedClassifierCV(SVC(), ensemble=False), {}, 1),
        (make_pipeline(StandardScaler(), SVC(probability=True)), {}, 3),
        (GridSearchCV(LogisticRegression(), {"solver": ["lbfgs", "saga"]}), {}, 3),
        (BaggingClassifier(LogisticRegression()), {}, 3),
        (RandomForestClassifier(), {}, 3),
        (KNeighborsClassifier(), {}, 1),
        ("logistic", {}, 1),
        ("ststnet", {}, 3),
    ],
)
def test_a_deterministic_classifier_runs_once_whatever_the_number_of_seeds(classifier, search, n_seeds):
    config = CvConfig(classifier=classifier, search=search or None)
    assert estimators.resolve_classifier(config, 3).n_seeds(3) == n_seeds


def test_settings_are_chosen_inside_the_training_subjects_by_the_splitter(small, tmp_path):
    search = GridSearchCV(PIPELINE, {"logisticregression__C": [1e-4, 1e-2]}, cv=LeaveOneSubjectOut())
    predictions = cross_validation.cross_validate(*small, CvConfig(classifier=search, seeds=1), tmp_path)
    assert (predictions["label"] == predictions["prediction"]).mean() > 0.9


def test_settings_and_search_of_a_configuration_apply(small, tmp_path):
    config = CvConfig(
        classifier=PIPELINE, search={"logisticregression__C": [1e-9, 1e-2]}, seeds=1, inner_folds=2
    )
    cross_validation.cross_validate(*small, config, tmp_path / "run")
    chosen = json.loads((tmp_path / "run" / "choices.json").read_text())["chosen"]
    assert len(chosen) == 4 and all(
        list(choice["settings"]) == ["logisticregression__C"] for choice in chosen
    )
    with pytest.raises(BadSetting, match="Pipeline"):
        estimators.resolve_classifier(CvConfig(classifier=PIPELINE, classifier_settings={"C": 1}), 3)


def test_a_run_goes_on_with_the_same_classifier_only(small, tmp_path):
    cross_validation.cross_validate(*small, CvConfig(classifier=PIPELINE, seeds=1), tmp_path)
    cross_validation.cross_validate(*small, CvConfig(classifier=PIPELINE, seeds=1), tmp_path)
    other = make_pipeline(StandardScaler(), LogisticRegression(C=1.0))
    with pytest.raises(ChangedSettings, match="classifier"):
        cross_validation.cross_validate(*small, CvConfig(classifier=other, seeds=1), tmp_path)
    with pytest.raises(BadSetting):
        estimators.resolve_classifier(
            CvConfig(classifier=CvConfig(classifier=PIPELINE).model_dump()["classifier"]), 3
        )


@pytest.mark.parametrize("classifier", [SVC(), object(), 3], ids=["no-probabilities", "object", "number"])
def test_what_is_no_classifier_with_probabilities_is_refused(classifier):
    with pytest.raises(ValueError, match="classifier"):
        CvConfig(classifier=classifier)


def test_what_fails_inside_is_one_message(small, tmp_path):
    class Broken(LogisticRegression):
        def fit(self, X, y):
            raise RuntimeError("no luck")

    with pytest.raises(FitFailed, match="Broken.*RuntimeError: no luck"):
        cross_validation.cross_validate(*small, CvConfig(classifier=Broken(), seeds=1), tmp_path / "fit")
    greedy = CvConfig(classifier=KNeighborsClassifier(1000), seeds=1)
    with pytest.raises(PredictionFailed, match="KNeighborsClassifier.*ValueError"):
        cross_validation.cross_validate(*small, greedy, tmp_path / "predict")


@pytest.mark.parametrize(
    "classifier",
    [PIPELINE, RandomForestClassifier(5), CalibratedClassifierCV(SVC(), cv=2, ensemble=False)],
    ids=["pipeline", "forest", "calibrated"],
)
def test_a_bundle_of_it_comes_back_to_the_last_bit(classifier, prepared, two_labels, tmp_path):
    config = CvConfig(classifier=classifier, protocol=two_labels, feature_settings={"size": 8}, seeds=2)
    before = training.fit([prepared], config)
    bundle.save(before, tmp_path / "b")
    after = bundle.load(tmp_path / "b")
    X = inputs.read_inputs([prepared], config).X
    assert np.array_equal(after.predict_proba(X), before.predict_proba(X))
    assert after.recipe.stored_as == "skops" and not (tmp_path / "b" / "weights.safetensors").exists()
    bundle.save(training.fit([prepared], config, tmp_path / "b"), tmp_path / "b")  # the same again


def test_types_outside_the_list_are_neither_stored_nor_loaded(tmp_path):
    class Own(LogisticRegression):
        pass

    X, y = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12) % 2
    with pytest.raises(stored_estimators.UntrustedType) as raised:
        stored_estimators.save([Own().fit(X, y)], tmp_path / "own.skops")
    assert raised.value.code == "untrusted-type" and not (tmp_path / "own.skops").exists()
    import os

    harmful = make_pipeline(FunctionTransformer(os.system), LogisticRegression())
    (tmp_path / "harmful.skops").write_bytes(skops.io.dumps([harmful]))
    with pytest.raises(stored_estimators.UntrustedType, match="system"):
        stored_estimators.load(tmp_path / "harmful.skops")


def test_a_damaged_file_is_one_message(tmp_path):
    X, y = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12) % 2
    path = tmp_path / "forest.skops"
    stored_estimators.save([RandomForestClassifier(2).fit(X, y)], path)
    data = path.read_bytes()
    for damaged in (data[: len(data) // 2], b"", b"not a zip file"):
        path.write_bytes(damaged)
        with pytest.raises(UnreadableFile):
            stored_estimators.load(path)


def test_a_tree_that_points_outside_its_nodes_is_refused(tmp_path):
    X, y = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12) % 2
    forest = RandomForestClassifier(2).fit(X, y)
    state = forest.estimators_[0].tree_.__getstate__()
    state["nodes"]["left_child"][0] = 10**6
    forest.estimators_[0].tree_.__setstate__(state)
    stored_estimators.save([forest], tmp_path / "forest.skops")
    with pytest.raises(UnreadableFile):
        stored_estimators.load(tmp_path / "forest.skops")


def test_a_file_with_a_classifier_on_the_command_line_only(prepared, tmp_path):
    (tmp_path / "my_models.py").write_text(
        "from sklearn.linear_model import LogisticRegression\n\n\ndef make():\n    return "
        "LogisticRegression(C=1e-3)\n\n\ndef crash():\n    return 1 / 0\n"
    )
    typed = ["cv", str(prepared), "--protocol", "casme2-3", "--seeds", "1", "--out", str(tmp_path / "run")]
    done = CliRunner().invoke(cli, [*typed, "--classifier", f"{tmp_path / 'my_models.py'}:make"])
    assert done.exit_code == 0 and (tmp_path / "run" / "report.html").is_file(), done.output
    (tmp_path / "c.yaml").write_text(f"classifier: {tmp_path / 'my_models.py'}:make\n")
    refused = CliRunner().invoke(
        cli, [*typed[:-1], str(tmp_path / "two"), "--config", str(tmp_path / "c.yaml")]
    )
    assert isinstance(refused.exception, BadInput) and not (tmp_path / "two").exists()
    failed = CliRunner().invoke(cli, [*typed, "--classifier", f"{tmp_path / 'my_models.py'}:crash"])
    assert isinstance(failed.exception, BadPlugin) and "ZeroDivisionError" in str(failed.exception)
