"""Frames in memory are prepared as the same frames in files are."""

import numpy as np
import pandas as pd
import pytest

import mer
from data_prep.image_files.images import write_image
from data_prep.prepared import PreparedDataset
from mer_core.errors import BadSetting, ChangedSettings, OccupiedOutput
from tests.recordings import FPS, moved_face


@pytest.fixture(scope="module")
def frames():
    return {"anna": np.stack(moved_face(0, True)), "ben": np.stack(moved_face(1, False))}


def table_of(files: dict) -> pd.DataFrame:
    rows = [{"subject": name, "file": file, "clip": "one", "label": "joy"} for name, file in files.items()]
    return pd.DataFrame(rows).assign(onset=1, apex=6, fps=FPS)


def test_arrays_are_prepared_as_their_files(frames, tmp_path):
    for name, images in frames.items():
        (tmp_path / "files" / name).mkdir(parents=True)
        for number, image in enumerate(images):
            write_image(tmp_path / "files" / name / f"{number}.png", image)
    table_of({name: name for name in frames}).to_csv(tmp_path / "files" / "clips.csv", index=False)
    of_files = mer.prepare("table", tmp_path / "files" / "clips.csv", tmp_path / "a", jobs=1)
    table = table_of(frames)
    of_arrays = mer.prepare("table", table, tmp_path / "b", jobs=1)
    assert of_arrays.equals(of_files) and list(of_files["outcome"]) == ["ok", "ok"]
    first, second = PreparedDataset(tmp_path / "a"), PreparedDataset(tmp_path / "b")
    for clip_id in of_files["clip_id"]:
        assert first.faces_id(clip_id) == second.faces_id(clip_id)

    # The content of an array is its identity: equal ones are kept, another one is prepared anew.
    landmarks = {name: tmp_path / "b" / "faces" / name / "one" / "landmarks.npz" for name in frames}
    before = {name: file.stat().st_mtime_ns for name, file in landmarks.items()}
    mer.prepare("table", table_of(frames | {"ben": frames["ben"] // 2}), tmp_path / "b", jobs=1)
    kept = {name for name, file in landmarks.items() if file.stat().st_mtime_ns == before[name]}
    assert kept == {"anna"}


def test_a_table_in_memory_goes_into_a_folder_of_its_own(frames, tmp_path):
    table = table_of(frames)
    with pytest.raises(BadSetting, match="casme2"):
        mer.prepare("casme2", table, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(OccupiedOutput):
        mer.prepare("table", table, tmp_path / "mine")
    (tmp_path / "mine" / "prepare.json").write_text('{"dataset": "casme2"}')
    with pytest.raises(ChangedSettings, match="casme2"):
        mer.prepare("table", table, tmp_path / "mine")
    assert {path.name for path in (tmp_path / "mine").iterdir()} == {"notes.txt", "prepare.json"}
