"""A table in memory is read as the same table and recordings on disk are."""

import numpy as np
import pandas as pd
import pytest

from data_prep.annotations import read_clips
from data_prep.clip_search import locate_clips
from data_prep.image_files.images import write_image
from data_prep.own_recordings.recording_table import BadTable
from data_prep.own_recordings.recordings_in_memory import write_recordings
from mer_core.errors import BadArray

FRAMES = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 9, 3), np.uint8)
PLAIN = {"file": FRAMES, "subject": "anna", "label": "joy", "onset": 1, "apex": 4}


@pytest.fixture
def read(tmp_path):
    def read(*rows: dict, index=None):
        path = write_recordings(pd.DataFrame([PLAIN | row for row in rows], index), tmp_path / "memory")
        annotations = read_clips("table", path)
        return annotations.table, locate_clips("table", path, annotations, "midpoint")

    return read


def test_clips_of_arrays_are_called_as_their_rows_or_as_named(read):
    rows = [{}, {"onset": 2}, {"file": FRAMES + 1, "clip": "second"}, {"file": FRAMES[..., 0]}]
    table, found = read(*rows, index=["a", "b", "c", "d"])
    assert list(table["clip_id"]) == [f"table/anna/{name}" for name in ("a", "b", "second", "d")]
    assert [clip.outcome for clip in found] == [None] * 4
    assert found[0].files[4] == found[1].files[4] != found[2].files[4]  # one recording, one file
    assert [sorted(clip.files) for clip in found] == [[1, 4], [2, 4], [1, 4], [1, 4]]


@pytest.mark.parametrize(
    "row, outcome, fact",
    [
        ({"file": FRAMES[0]}, "bad row", "(8, 9, 3)"),
        ({"file": FRAMES * np.nan}, "bad row", "float64"),
        ({"file": FRAMES[:1]}, "bad row", "frames 0 to 0 are there"),
        ({"file": FRAMES[:0]}, "bad row", "(0, 8, 9, 3)"),
        ({"apex": 6}, "bad row", "apex 6 is after the last frame"),
        ({"file": FRAMES + 9, "apex_s": 0.1}, "bad row", "need fps"),
        ({"file": FRAMES, "subject": "ben"}, "bad row", "in training and in test"),
        ({"file": FRAMES, "label": "joy"}, "duplicate", "repeats line 2"),
        ({"file": "absent.mp4"}, "bad row", "absent.mp4"),
        ({"file": None}, "bad row", "no file is given"),
        ({"file": np.nan}, "bad row", "no file is given"),
    ],
)
def test_a_wrong_array_is_a_row_with_a_reason_and_the_others_go_on(read, row, outcome, fact):
    _, (_, wrong, other) = read({}, row, {"file": FRAMES + 20, "subject": "cleo"})
    assert wrong.outcome == outcome and fact in wrong.reason and other.outcome is None


def test_two_spellings_of_a_subject_are_one_person(read):
    table, found = read({}, {"file": FRAMES + 1, "subject": " Anna"})
    assert table["subject"].nunique() == 1 and [clip.outcome for clip in found] == [None, None]


def test_paths_are_relative_to_the_working_directory(read, tmp_path, monkeypatch):
    (tmp_path / "data" / "eva.2").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "data")
    np.save("ben.npy", FRAMES + 1)
    for number, image in enumerate(FRAMES):
        write_image(tmp_path / "data" / "eva.2" / f"{number}.png", image)
    rows = [
        {"file": "ben.npy"},
        {"file": tmp_path / "data" / "eva.2", "subject": "eva"},
        {"file": FRAMES + 2},
    ]
    for _ in range(2):  # links stay
        table, found = read(*rows)
    assert list(table["clip"]) == ["ben", "eva.2", "2"] and [clip.outcome for clip in found] == [None] * 3


@pytest.mark.parametrize("cell", [[FRAMES[0], FRAMES[1]], np.array([{}, 1]), 7, b"a.mp4"])
def test_a_cell_that_is_neither_path_nor_array_is_refused_before_anything_is_written(cell, tmp_path):
    with pytest.raises(BadArray, match="First: row 1"):
        write_recordings(pd.DataFrame([PLAIN, PLAIN | {"file": cell}]), tmp_path / "memory")
    assert not (tmp_path / "memory").exists()


def test_a_table_without_recordings_is_refused(tmp_path):
    with pytest.raises(BadTable, match="subject, label"):
        write_recordings(pd.DataFrame({"subject": ["a"], "label": ["b"]}), tmp_path / "memory")
