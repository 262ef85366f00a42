"""A published head model is read from its folder of OBJ files; any other folder is one message."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from flow.splatting.head_model import LANDMARK_VERTICES, N_VERTICES, load_head_model
from flow.splatting.head_model_import import import_head_model
from mer.cli.main import cli
from mer_core.errors import UnreadableFile

EYELASHES = 5  # vertices after those that are kept


def write_obj(path, vertices):
    lines = ["# a model"] + [f"v {x:.6g} {y:.6g} {z:.6g}" for x, y, z in vertices]
    lines += ["vt 0 0", "vt 1 0", "vt 1 1", "vt 0 1", "f 1/1 2/2 3/3 4/4", "f 2/1 3/2 4/3"]
    lines += [f"f 1/1 2/2 3/3 {N_VERTICES + 1}/4"]  # an eyelash
    path.write_text("\n".join(lines))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "FaceXModel"
    folder.mkdir()
    neutral = np.random.default_rng(0).normal(0, 5, (N_VERTICES + EYELASHES, 3)).round(3)
    for number, name in enumerate(["generic_neutral_mesh", "identity000", "jawOpen", "mouthSmile_L"]):
        write_obj(folder / f"{name}.obj", neutral + 0.1 * number)
    (folder / "vertex_indices.json").write_text(
        json.dumps({"idx_to_landmark_verts": LANDMARK_VERTICES.tolist()})
    )
    return folder


def test_a_folder_becomes_a_head_model(folder, tmp_path):
    answer = CliRunner().invoke(cli, ["flow", "head-model", str(folder), "--out", str(tmp_path / "head.npz")])
    assert answer.exit_code == 0 and "1 components" in answer.output and "2 expressions" in answer.output
    model = load_head_model(tmp_path / "head.npz")
    assert model.expression_names == ("jawOpen", "mouthSmile_L") and len(model.neutral) == N_VERTICES
    assert np.allclose(model.expression[1], 0.3, atol=0.01) and np.allclose(model.identity[0], 0.1, atol=0.01)
    assert model.faces.tolist() == [[0, 1, 2, 3], [1, 2, 3, 3]] and model.face_uv[0].tolist() == [0, 1, 2, 3]


def break_landmarks(folder):
    (folder / "vertex_indices.json").write_text(json.dumps({"idx_to_landmark_verts": [1, 2]}))


def break_topology(folder):
    write_obj(folder / "jawOpen.obj", np.zeros((N_VERTICES, 3)))


def break_number(folder):
    (folder / "jawOpen.obj").write_text("v 1 2 three\n")


def drop_expressions(folder):
    for name in ("jawOpen", "mouthSmile_L"):
        (folder / f"{name}.obj").unlink()


@pytest.mark.parametrize(
    "damage, fact",
    [
        (lambda folder: (folder / "generic_neutral_mesh.obj").unlink(), "generic_neutral_mesh.obj"),
        (break_landmarks, "vertex_indices.json"),
        (break_topology, "jawOpen.obj"),
        (break_number, "three"),
        (drop_expressions, "0 expressions"),
    ],
)
def test_any_other_folder_is_refused_and_nothing_written(folder, tmp_path, damage, fact):
    damage(folder)
    with pytest.raises(UnreadableFile, match=fact) as refused:
        import_head_model(folder, tmp_path / "head.npz")
    assert "ICT-FaceKit" in str(refused.value) and not (tmp_path / "head.npz").exists()


def test_the_published_files_give_the_published_shapes(shared_data, tmp_path):
    sample = shared_data / "ict_facekit" / "FaceXModel_sample"
    if not sample.is_dir():
        pytest.skip("needs OBJ files of ICT Face Model Light, which are not distributed here")
    assert import_head_model(sample, tmp_path / "head.npz") == (2, 3)
    whole = load_head_model(shared_data / "ict_facekit" / "ict_light.npz")
    part = load_head_model(tmp_path / "head.npz")
    assert np.array_equal(part.neutral, whole.neutral) and np.array_equal(part.faces, whole.faces)
    for name in part.expression_names:
        pair = (model.expression[model.expression_index(name)] for model in (part, whole))
        assert np.array_equal(*pair)
