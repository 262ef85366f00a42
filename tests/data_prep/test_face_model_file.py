"""Which face model is used, what a missing one says, and that folders of two models are never mixed."""

import numpy as np
import pytest

from data_prep import face_model_file
from data_prep.face_model_file import VARIABLE, describe_model, is_same_model, model_file
from data_prep.face_models import TaskDetector, TaskMesh
from data_prep.landmarks import FaceMesh, interocular
from data_prep.prepare import prepare
from mer_core.errors import ChangedSettings, MissingDependency, NotFound, UnreadableFile


@pytest.fixture
def none_inside(monkeypatch, tmp_path):
    """A MediaPipe without models inside, and an empty place for the default file."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(face_model_file, "BUILT_IN", "nowhere")
    monkeypatch.setattr(face_model_file, "DEFAULT_FILE", tmp_path / "face_landmarker.task")
    return tmp_path / "face_landmarker.task"


def test_a_missing_model_says_where_to_get_it(none_inside):
    with pytest.raises(MissingDependency) as error:
        FaceMesh()
    assert all(fact in str(error.value) for fact in (face_model_file.URL, "--face-model", VARIABLE))


def test_the_default_file_is_used_where_none_is_inside(none_inside, monkeypatch):
    none_inside.write_bytes(b"model")
    assert model_file() == none_inside
    other = none_inside.with_name("other.task")
    monkeypatch.setenv(VARIABLE, str(other))
    with pytest.raises(NotFound, match="other.task"):
        model_file()
    other.write_bytes(b"another")
    assert model_file() == other


def test_a_file_that_is_no_model_is_refused(tmp_path):
    file = tmp_path / "face_landmarker.task"
    for content in (b"", b"no archive"):
        file.write_bytes(content)
        for kind in (TaskMesh, lambda file: TaskDetector(file, 0.5)):
            with pytest.raises(UnreadableFile, match="face_landmarker.task"):
                kind(file)


def test_the_two_models_agree_on_a_face(face_model, face):
    found = {}
    for kind in ("built in", "model file"):
        with face_model(kind), FaceMesh() as mesh:
            found[describe_model()] = mesh.landmarks(face)
    assert len(found) == 2
    first, second = found.values()
    apart = np.linalg.norm(first - second, axis=1) / interocular(first)
    assert 0 < np.median(apart) < 0.04 and apart.max() < 0.2  # typical: docs/install.md


def test_a_model_file_is_the_same_in_every_release():
    assert is_same_model("0.10.21", "0.10.21") and is_same_model("1.0 with model 9-f0", "1.1 with model 9-f0")
    assert not is_same_model("0.10.21", "0.10.21 with model 9-f0")
    assert not is_same_model("1.0 with model 9-f0", "1.0 with model 9-f1")


def test_two_models_do_not_share_a_prepared_folder(make_replica, face_model, tmp_path):
    root = make_replica("smic", clips_each=1)
    with face_model("built in"):
        prepare("smic", root, tmp_path / "out")
    with face_model("model file"), pytest.raises(ChangedSettings, match="mediapipe"):
        prepare("smic", root, tmp_path / "out")
