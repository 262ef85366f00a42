"""Fitting a bundle: what it knows of its clips, and what it refuses before it fits."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from data_prep.identity import SubjectSpelling
from data_prep.prepared import PreparedDataset
from data_prep.sheets.annotation_sheets import MissingColumns
from flow import io, prepared_flow
from mer import bundle, training
from mer.evaluation import calibration, inputs
from mer.evaluation.config import CvConfig
from mer.experiment import cross_validate
from mer.inference.motion import SPOTTED_MOTION_RATIO, subtract_head
from mer.inference.predict import score, spot
from mer.recipe import NoClipInput, model_card
from mer_core import registry
from mer_core.errors import BadArray, BadSetting, ChangedSettings, Duplicate, InUse, OccupiedOutput
from mer_core.locks import hold_lock


@pytest.fixture
def config(two_labels):
    return CvConfig(protocol=two_labels, classifier="linear_svm", feature_settings={"size": 8}, seeds=2)


@pytest.mark.parametrize("subjects, protocol, fact", [(4, "casme2-3", "surprise"), (2, None, "2 subject")])
def test_clips_that_cannot_work_are_refused(prepared, config, subjects, protocol, fact):
    for number in range(subjects + 1, 5):
        for file in (prepared / "flow" / "srflownet" / f"sub0{number}").glob("*.npz"):
            file.unlink()
    with pytest.raises(training.Untrainable) as raised:
        training.fit([prepared], config.model_copy(update={"protocol": protocol} if protocol else {}))
    assert raised.value.code == "untrainable" and fact in str(raised.value)


def test_a_calibrated_bundle_has_a_temperature_and_predicts_with_it(prepared, config, tmp_path):
    plain = training.fit([prepared], config)
    calibrated = training.fit(
        [prepared], config.model_copy(update={"calibration": "temperature", "inner_folds": 2})
    )
    # All right, and too timid about it.
    assert plain.recipe.temperature == 1 and calibrated.recipe.temperature < 0.9
    bundle.save(calibrated, tmp_path / "b")
    X = inputs.read_inputs([prepared], config).X
    expected = calibration.apply_temperature(plain.predict_proba(X), calibrated.recipe.temperature)
    assert np.allclose(bundle.load(tmp_path / "b").predict_proba(X), expected) and not np.allclose(
        expected, plain.predict_proba(X), atol=0.01
    )
    assert f"{calibrated.recipe.temperature:.2f}" in (tmp_path / "b" / "README.md").read_text()
    with pytest.raises(BadSetting, match="C"):
        training.fit([prepared], config.model_copy(update={"search": {"C": [1e-3, 1e-2]}}))


def test_a_bundle_knows_the_weights_of_its_flow_and_refuses_those_it_cannot_hold(prepared, config):
    assert training.fit([prepared], config).recipe.flow_weights == "0123456789abcdef"
    file = prepared / "flow" / "srflownet" / "flow.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"options": {"weights": "mine.safetensors"}}))
    with pytest.raises(BadSetting, match="mine.safetensors"):
        training.fit([prepared], config)


@pytest.mark.parametrize("change, message", [
    ({"classifier_settings": {"C": 1.0}}, "linear_svm.C.*0.001.*1.0"),
    ({"seeds": 1}, "seeds.*2.*1"),
    ({"feature_settings": {"size": 12}}, "feature_settings.size"),
])  # fmt: skip
def test_training_refuses_the_folder_of_another_bundle_before_it_fits(
    prepared, config, tmp_path, monkeypatch, change, message
):
    bundle.save(training.fit([prepared], config, tmp_path / "b"), tmp_path / "b")
    bundle.save(training.fit([prepared], config, tmp_path / "b"), tmp_path / "b")
    monkeypatch.setattr(registry.load("mer.classifiers", "linear_svm").Classifier, "fit", None)
    with pytest.raises(ChangedSettings, match=message):
        training.fit([prepared], config.model_copy(update=change), tmp_path / "b")


@pytest.mark.parametrize("classifier", ["logistic", "off_apexnet", LogisticRegression()])
def test_a_bundle_of_arrays_predicts_arrays_and_no_clips(small, tmp_path, classifier):
    table, X = small
    settings = {"epochs": 1} if classifier == "off_apexnet" else {}
    config = CvConfig(classifier=classifier, classifier_settings=settings, seeds=1)
    fitted = training.train((table.drop(columns="clip_id"), X), config, tmp_path / "b")
    loaded = bundle.load(tmp_path / "b")
    assert loaded.recipe == fitted.recipe and loaded.recipe.input_shape == (3, 12, 12)
    p = loaded.predict_proba(X)
    assert p.shape == (24, 3) and np.array_equal(p, fitted.predict_proba(X))
    if classifier != "off_apexnet":
        assert [loaded.recipe.labels[i] for i in p.argmax(1)] == list(table["label"])
    with pytest.raises(BadArray, match="12"):
        loaded.predict_proba(X[:, :, 1:])
    with pytest.raises(BadArray):
        loaded.predict_proba(np.full_like(X, np.nan))
    assert "3 x 12 x 12" in str(loaded) and "real people" not in str(loaded)
    for clip_bundle in (loaded, tmp_path / "b"):
        for read in (score, spot):
            with pytest.raises(NoClipInput):
                read(tmp_path / "no clip is read.mp4", clip_bundle)
    with pytest.raises(NoClipInput):
        loaded.extract(np.zeros((8, 8, 2)), np.zeros((478, 2)))


@pytest.mark.parametrize(
    "change, error, fact",
    [
        (lambda t, X: (t.drop(columns="subject"), X), MissingColumns, "subject"),
        (lambda t, X: (t.assign(label=t["label"].where(t.index != 5)), X), BadArray, "label of row 5"),
        (lambda t, X: (t.assign(subject="s/" + t["subject"]), X), BadArray, "subject of row 0"),
        (lambda t, X: (t.assign(subject="-"), X), BadArray, "subject of row 0"),
        (lambda t, X: (t, X[1:]), BadArray, "24.*23"),
        (lambda t, X: [t, X], BadArray, "tuple"),
        (lambda t, X: X, BadArray, "tuple"),
        (lambda t, X: (t, X[:, 0, 0, 0]), BadArray, "24,"),
        (lambda t, X: (t, X * np.nan), BadArray, "24 of 24"),
        (lambda t, X: (t, X.astype(complex)), BadArray, "complex"),
        (lambda t, X: (t, X.astype(str)), BadArray, "<U"),
        (lambda t, X: (t.assign(subject=t["subject"].where(t.index > 0, "1")), X), SubjectSpelling, "01"),
        (lambda t, X: (t.assign(dataset="a"), X), Duplicate, "a/01/c0"),
        (lambda t, X: (t[t["dataset"] == "a"], X[:12]), training.Untrainable, "2 subjects"),
    ],
)
def test_wrong_arrays_are_refused_alike_in_training_and_evaluation(small, tmp_path, change, error, fact):
    arrays, config = change(*small), CvConfig(classifier="logistic")
    with pytest.raises(error, match=fact):
        training.train(arrays, config, tmp_path / "b")
    assert not (tmp_path / "b").exists()
    if error is not training.Untrainable:
        with pytest.raises(error, match=fact):
            cross_validate(arrays, config, tmp_path / "run")


def test_two_spellings_of_a_label_are_one_in_arrays_too(small, caplog):
    table, X = small
    spelled = table.assign(label=table["label"].where(table.index > 3, table["label"].str.title() + " "))
    recipe = training.train((spelled, X), CvConfig(classifier="logistic")).recipe
    assert recipe.clips_per_label == {"negative": 8, "positive": 8, "surprise": 8}
    assert "Negative" in caplog.text


def test_bundle_and_card_name_the_face_model_of_the_clips(prepared, config):
    file = prepared / "prepare.json"
    settings = json.loads(file.read_text()) | {"mediapipe": "1.2 with model 9-f00d"}
    file.write_text(json.dumps(settings))
    recipe = training.fit([prepared], config).recipe
    assert recipe.face_model == "1.2 with model 9-f00d"
    assert "MediaPipe 1.2 with model 9-f00d" in model_card(recipe)


def test_a_bundle_states_how_far_the_faces_moved_that_it_was_fitted_on(prepared, config, tmp_path):
    for made in prepared.rglob("c3.npz"):  # without a label, so not fitted on
        io.write(made, 100 * io.read(made))
    bundle.save(training.fit([prepared], config), tmp_path / "b")
    low, high = bundle.load(tmp_path / "b").recipe.validated_ranges["motion of the face"]
    folder, counted = PreparedDataset(prepared), inputs.read_inputs([prepared], config).table["clip_id"]
    shown = [
        subtract_head(prepared_flow.read(folder, "srflownet", clip_id), folder.landmarks(clip_id)[0]).strength
        for clip_id in counted
    ]
    weakest, strongest = min(shown) / SPOTTED_MOTION_RATIO, max(shown) * SPOTTED_MOTION_RATIO
    assert low <= weakest < low + 0.01 and high - 0.01 < strongest <= high and max(shown) > min(shown)
    assert f"{low:g} to {high:g} %" in (tmp_path / "b" / "README.md").read_text()


def test_training_refuses_the_folder_of_something_else_before_it_reads(config, tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(OccupiedOutput):
        training.fit([tmp_path / "nowhere"], config, tmp_path)


def test_a_second_training_into_the_same_folder_is_refused(prepared, config, tmp_path):
    with hold_lock(tmp_path, ".b.lock"), pytest.raises(InUse):
        training.train(prepared, config, tmp_path / "b")
    assert not (tmp_path / "b").exists()
    training.train(prepared, config, tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
