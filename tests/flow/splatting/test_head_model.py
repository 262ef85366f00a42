"""Head models of scans: files are checked, and the model's landmarks come to lie on the face's."""

import numpy as np
import pytest

from data_prep.landmarks import N_POINTS
from flow.splatting.head_fit import JAW, MEDIAPIPE_LANDMARKS, fit_head
from flow.splatting.head_model import LANDMARK_VERTICES, load_head_model
from flow.splatting.held_out import held_out_names, in_split
from flow.splatting.reduced_head import load_reduced_head, write_reduced_head
from mer_core.errors import BadSetting, UnknownName, UnreadableFile
from tests.flow.splatting.synthetic_head import BUMPS, write_head_model


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_head_model(tmp_path_factory.mktemp("head") / "head.npz")


def test_a_head_model_keeps_its_expressions_by_name(path):
    model = load_head_model(path)
    assert model.expression_names == tuple(BUMPS)
    assert model.expression[model.expression_index("jawOpen")][:, 1].min() == pytest.approx(-1.5, abs=0.01)
    with pytest.raises(UnknownName, match="jawClosed"):
        model.expression_index("jawClosed")


@pytest.mark.parametrize(
    "change, fact",
    [
        ({"neutral": None}, "neutral"),
        ({"neutral": np.zeros((100, 3), np.float32)}, "100"),
        ({"expression_names": np.array(["jawOpen"] * len(BUMPS))}, "same name"),
        ({"faces": np.full((4, 4), 30_000, np.int32), "face_uv": np.zeros((4, 4), np.int32)}, "faces"),
        ({"uv": np.full((1, 2), np.nan, np.float32)}, "uv"),
    ],
)
def test_a_file_that_is_no_head_model_is_refused(path, tmp_path, change, fact):
    with np.load(path) as file:
        arrays = {key: value for key, value in {**file, **change}.items() if value is not None}
    np.savez(tmp_path / "broken.npz", **arrays)
    with pytest.raises(UnreadableFile, match=fact):
        load_head_model(tmp_path / "broken.npz")


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "text.npz").write_text("not an archive")
    with pytest.raises(UnreadableFile, match="mer flow head-model"):
        load_head_model(tmp_path / "text.npz")
    with pytest.raises(UnreadableFile, match="absent"):
        load_head_model(tmp_path / "absent.npz")


def test_landmarks_coincide_and_expressions_keep_their_direction(path):
    model = load_head_model(path)
    rng = np.random.default_rng(1)
    head = model.neutral + np.tensordot(
        rng.normal(0, 1, 30).astype(np.float32), model.identity.astype(np.float32), 1
    )
    landmarks = np.zeros((N_POINTS, 2))
    landmarks[MEDIAPIPE_LANDMARKS] = (
        head[LANDMARK_VERTICES, :2] * [9, -8] + [120, 130] + rng.normal(0, 1, (68, 2))
    )
    fit = fit_head(model, landmarks)
    apart = np.linalg.norm(fit.places[LANDMARK_VERTICES] - landmarks[MEDIAPIPE_LANDMARKS], axis=1)
    assert apart[JAW.stop :].max() < 0.05 and apart[JAW].mean() < 5
    assert fit.camera[0, 0] == pytest.approx(9, rel=0.1) and fit.camera[1, 1] == pytest.approx(-8, rel=0.1)
    smile = fit.project(model.skin_expression[model.expression_index("mouthSmile_L")])
    right, down = smile[LANDMARK_VERTICES[54]]
    assert right > 2 and down < -2  # the person's left is on the right of the picture


def test_what_is_held_out_has_both_sides_and_never_meets_training():
    expressions = held_out_names("expression")
    sides = {"_L": "_R", "_R": "_L", "Left": "Right", "Right": "Left"}
    for name in expressions:
        side = next(side for side in sides if name.endswith(side))
        assert name.removesuffix(side) + sides[side] in expressions
    assert len(expressions) >= 16 and len(held_out_names("portrait")) >= 63
    names = ["jawOpen", *sorted(expressions)]
    assert in_split("expression", names, "train") == ["jawOpen"]
    assert in_split("expression", names, "held_out") == sorted(expressions)
    with pytest.raises(BadSetting, match="test"):
        in_split("expression", names, "test")


def test_the_shipped_head_holds_no_expression_that_is_kept_for_measuring():
    model = load_reduced_head()
    assert len(model.expression_names) == 31 and not held_out_names("expression") & set(
        model.expression_names
    )
    assert model.neutral.shape == (9409, 3) and LANDMARK_VERTICES.max() < len(model.neutral)
    smile = model.expression[model.expression_index("mouthSmile_L")]
    # In cm, on the person's left.
    assert smile[LANDMARK_VERTICES[54], 0] > 0.3 > abs(smile[LANDMARK_VERTICES[48], 0])


def test_a_head_model_is_reduced_to_its_face(path, tmp_path):
    write_reduced_head(load_head_model(path), tmp_path / "small.safetensors")
    model, small = load_head_model(path), load_reduced_head(tmp_path / "small.safetensors")
    jaw = [head.expression[head.expression_index("jawOpen")][:9409] for head in (model, small)]
    assert np.allclose(*jaw, atol=0.01)
    assert set(small.expression_names) == set(BUMPS) - held_out_names("expression") - {"eyeLookUp_L"}
    with pytest.raises(UnreadableFile, match="head-reduced"):
        load_reduced_head(tmp_path / "head-reduced.safetensors")
