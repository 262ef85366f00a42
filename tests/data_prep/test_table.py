"""Own recordings: every row of the table is a clip, or a row with a reason, and the rest goes on."""

import json
import shutil
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from data_prep.annotations import read_clips
from data_prep.clip_search import locate_clips
from data_prep.dataset_check import check_dataset
from data_prep.datasets import table as own_recordings
from data_prep.datasets.table import BadRow
from data_prep.image_files.images import write_image
from mer.cli.main import cli

FPS = 50


def film(path: Path, n_frames: int = 30, shade: int = 0) -> Path:
    """A video of grey frames, each brighter than the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.width = stream.height = 64
        for number in range(n_frames):
            image = np.full((64, 64, 3), shade + 4 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture
def folder(tmp_path):
    """Two videos and a folder of frames 101 to 130."""
    film(tmp_path / "videos" / "a.mp4"), film(tmp_path / "videos" / "b.mp4", shade=7)
    (tmp_path / "frames" / "c").mkdir(parents=True)
    for number in range(101, 131):
        write_image(tmp_path / "frames" / "c" / f"{number}.png", np.full((8, 8, 3), number, np.uint8))
    return tmp_path


def index(folder: Path, *rows: dict) -> Path:
    plain = {"file": "videos/a.mp4", "subject": "anna", "label": "joy"}
    pd.DataFrame([plain | row for row in rows]).to_csv(folder / "mine.csv", index=False)
    return folder / "mine.csv"


def read(folder: Path, *rows: dict):
    path = index(folder, *rows)
    annotations = read_clips("table", path)
    return annotations.table, locate_clips("table", path, annotations, "midpoint")


def test_frames_and_seconds_name_the_same_moments(folder):
    rows = [
        {"clip": "frames", "onset": 10, "apex": 15, "offset": 20},
        {"clip": "seconds", "onset_s": 0.2, "apex_s": 0.3, "offset_s": 0.4},
        {"clip": "both", "onset": 10, "onset_s": 0.21, "apex": 15, "apex_s": 0.3, "offset_s": 0.4},
        {"clip": "folder", "file": "frames/c", "onset_s": 0.05, "apex_s": 0.075, "offset": 121, "fps": 200},
    ]
    table, found = read(folder, *rows)
    assert table[["onset", "apex", "offset"]].values.tolist() == [[10, 15, 20]] * 3 + [[111, 116, 121]]
    assert list(table["fps"]) == [FPS] * 3 + [200] and set(table["onset_source"]) == {"annotated"}
    assert [clip.outcome for clip in found] == [None, "duplicate", "duplicate", None]
    assert [sorted(found[row].files) for row in (0, 3)] == [[10, 15], [111, 116]]


def test_a_rate_that_is_given_replaces_that_of_the_video(folder):
    table, _ = read(folder, {"onset_s": 0.1, "apex_s": 0.15, "fps": 100})
    assert table.loc[0, ["onset", "apex", "fps"]].tolist() == [10, 15, 100]


def test_clips_without_a_name_are_called_as_their_files(folder):
    film(folder / "videos" / "more" / "b.mp4", shade=9)
    rows = [
        {"onset": 1, "apex": 2}, {"onset": 3, "apex": 4}, {"file": "videos/b.mp4", "onset": 1, "apex": 2},
        {"file": "videos/more/b.mp4", "onset": 1, "apex": 2}, {"file": "frames/c", "onset": 101, "apex": 102},
    ]  # fmt: skip
    table, found = read(folder, *rows)
    assert list(table["clip"]) == ["a_1", "a_3", "videos_b", "videos_more_b", "c"]
    assert not any(clip.outcome for clip in found)


@pytest.mark.parametrize(
    "row, fact",
    [
        ({"file": "videos/absent.mp4"}, "line 3: there is no videos/absent.mp4"),
        ({"file": "../mine.mp4"}, "'../mine.mp4' leaves the folder"),
        ({"file": "videos/../../mine.mp4"}, "leaves the folder"),
        ({"file": "/etc/hostname"}, "leaves the folder"),
        ({"file": "C:\\film.mp4"}, "leaves the folder"),
        ({"file": ""}, "no file is given"),
        ({"file": "mine.csv"}, "is neither a video"),
        ({"file": "videos/broken.mp4"}, "broken.mp4"),
        ({"file": "videos"}, "holds no numbered images"),
        ({"file": "videos/copy.mp4", "subject": "ben"}, "a copy of videos/a.mp4, which is"),
        (
            {"file": "videos/b.mp4", "onset": 10, "onset_s": 0.4},
            "onset 10 and onset_s 0.4 disagree: frame 10 is at 0.200 s, and 0.4 s is frame 20",
        ),
        ({"file": "videos/b.mp4", "onset_s": 9}, "onset_s 9 is after the last frame, at 0.580 s"),
        ({"file": "frames/c", "onset_s": 0.1}, "times in seconds need fps"),
        ({"file": "videos/b.mp4", "onset": "1,46"}, "onset printed as '1,46'"),
        ({"file": "videos/b.mp4", "fps": "fast"}, "fps printed as 'fast'"),
        ({"file": "videos/b.mp4", "subject": ""}, "line 3: no subject is given"),
        ({"subject": ""}, "line 3: no subject is given"),
        ({"subject": '"'}, "line 3: no subject is given"),
        ({"clip": "a", "fps": 0}, "line 3: fps printed as '0'"),
        ({"file": "videos/b.mp4", "apex": 9}, "line 3: onset 10, apex 9 are not in this order"),
        ({"file": "videos/b.mp4", "offset": 14}, "onset 10, apex 15, offset 14 are not in this order"),
    ],
)  # fmt: skip
def test_a_bad_row_has_a_reason_and_the_others_go_on(folder, row, fact):
    shutil.copy(folder / "videos" / "a.mp4", folder / "videos" / "copy.mp4")
    (folder / "videos" / "broken.mp4").write_bytes(b"no video")
    good = {"onset": 10, "apex": 15}
    _, (first, bad, last) = read(folder, good, good | row, {"file": "frames/c", "onset": 101, "apex": 102})
    assert (first.outcome, last.outcome) == (None, None)
    assert bad.outcome == "bad row" and fact in bad.reason and str(folder) not in bad.reason
    check = check_dataset("table", folder / "mine.csv")
    assert check.usable and not check.passed and any(fact in line for line in check.lines)
    assert check.lines[-1] == "2 of 3 clips can be prepared."


def test_one_recording_of_two_subjects_is_refused_in_both_rows(folder):
    rows = [{"onset": 1, "apex": 2}, {"file": "./videos//a.mp4", "subject": "ben", "onset": 5, "apex": 6}]
    _, found = read(folder, *rows)
    assert [clip.outcome for clip in found] == ["bad row"] * 2
    assert "listed for 'anna' and, in line 3, for 'ben'" in found[0].reason


def test_a_row_twice_is_one_clip_and_a_frame_that_is_not_there_is_said(folder):
    row = {"onset": 1, "apex": 2}
    _, (first, twice, late) = read(folder, row, row, {"onset": 90, "apex": 95})
    assert (first.outcome, twice.outcome, late.outcome) == (None, "duplicate", "bad row")
    assert twice.reason == "line 3: repeats line 2"
    assert late.reason == "line 4: onset 90 is after the last frame: frames 0 to 29 are there"


def test_an_offset_after_the_last_frame_is_refused(folder):
    """30 frames from 0: a table that counts from 1 would name every frame one too late."""
    _, (late,) = read(folder, {"onset": 1, "apex": 2, "offset": 30})
    assert late.outcome == "bad row" and "offset 30 is after the last frame" in late.reason


def test_a_rate_that_differs_from_the_film_s_is_said(folder):
    table, (clip,) = read(folder, {"onset": 1, "apex": 2, "fps": 200})
    assert clip.outcome is None and "200 replaces the 50 frames per second" in table.loc[0, "note"]


def test_two_labels_of_one_expression_refuse_both_rows(folder):
    row = {"onset": 1, "apex": 2}
    _, (first, other) = read(folder, row, {"onset_s": 0.02, "apex_s": 0.04, "label": "fear", "clip": "mine"})
    assert [first.outcome, other.outcome] == ["bad row"] * 2
    assert all(
        "line 2 and line 3 label one expression 'joy' and 'fear'" in clip.reason for clip in (first, other)
    )


def test_a_name_that_was_used_before_is_refused_and_the_first_clip_stays(folder):
    rows = [{"onset": 1, "apex": 2, "clip": "x"}, {"file": "videos/absent.mp4", "clip": "x"}]
    rows.append({"file": "videos/b.mp4", "clip": "x"})
    _, found = read(folder, *rows)
    assert [clip.outcome for clip in found] == [None, "bad row", "duplicate"]
    assert "there is no videos/absent.mp4" in found[1].reason and "as line 2" in found[2].reason


@pytest.mark.parametrize("label", ["", "nan", "N/A", "#N/A", "NULL"])
def test_a_clip_without_a_label_is_said_and_can_be_prepared(folder, label):
    path = index(
        folder, {"onset": 1, "apex": 2, "label": label}, {"file": "videos/b.mp4", "onset": 1, "apex": 2}
    )
    check = check_dataset("table", path)
    assert check.lines[-1] == "2 of 2 clips can be prepared." and check.passed
    assert any("1 clip with no label" in line and "line 2" in line for line in check.lines)


def test_a_mark_of_a_missing_value_is_no_subject(folder):
    _, (clip,) = read(folder, {"subject": "nan", "onset": 1, "apex": 2})
    assert clip.outcome == "bad row" and "no subject" in clip.reason


def test_columns_that_are_not_read_are_said(folder):
    path = index(folder, {"onset": 1, "apex": 2, "peak": 2, "age": 30})
    assert "  Columns of mine.csv not read: peak, age." in check_dataset("table", path).lines


@pytest.mark.parametrize("name", ["VIDEOS/Zoe\u0301.MP4", "videos/Zo\u00e9.mp4", "videos/zo\u00e9.mp4"])
def test_a_name_may_differ_in_case_and_unicode_form(folder, name):
    film(folder / "videos" / "Zo\u00e9.mp4", shade=3)
    path = index(folder, {"file": name, "onset": 1, "apex": 2})
    clip = locate_clips("table", path, read_clips("table", path), "midpoint")[0]
    assert clip.outcome is None and clip.clip_id.startswith("table/anna/")
    note = read_clips("table", path).table["note"][0]
    assert ("is read as" in note) == (name != "videos/Zo\u00e9.mp4")


def test_of_two_names_that_differ_in_case_none_is_chosen(folder):
    if (folder / "VIDEOS").exists():
        pytest.skip("the file system ignores case")
    for name in ("C.mp4", "c.mp4"):
        film(folder / "videos" / name)
    _, (clip,) = read(folder, {"file": "videos/C.MP4", "onset": 1, "apex": 2})
    assert clip.outcome == "bad row" and "there is no videos/C.MP4" in clip.reason


def test_the_exit_code_of_a_check_is_0_only_if_every_row_can_be_used(folder):
    good = [{"onset": 1, "apex": 2}, {"file": "videos/b.mp4"}]
    for rows, ready in ((good, 2), ([*good, {"file": "videos/absent.mp4"}], 2), ([{"file": "absent"}], 0)):
        command = ["prepare", "table", "--index", str(index(folder, *rows)), "--check"]
        passed = ready == len(rows)
        assert CliRunner().invoke(cli, command).exit_code == (0 if passed else 1)
        found = CliRunner().invoke(cli, [*command, "--json"])
        facts = json.loads(found.stdout)
        assert found.exit_code == (0 if passed else 1) and facts["usable"] == bool(ready)
        assert (facts["passed"], facts["clips"], facts["ready"]) == (passed, len(rows), ready)


def test_open_rows_are_said_by_check_and_not_refused(folder):
    path = index(
        folder, {}, {"onset": 3, "offset": 9, "file": "videos/b.mp4"}, {"file": "frames/c", "apex": 105}
    )
    check = check_dataset("table", path)
    assert check.usable and "  3 clips lack an onset or apex, which mer prepare spots." in check.lines


def test_a_table_can_be_replaced_between_two_readings(folder):
    table, _ = read(folder, {"onset": 1, "apex": 2})
    table, _ = read(folder, {"onset": 3, "apex": 4})
    assert table.loc[0, "onset"] == 3
    row = next(table.assign(clip="other").itertuples())
    with pytest.raises(BadRow, match="other of anna") as caught:
        own_recordings.frame_files(folder / "mine.csv", row)
    assert caught.value.code == "bad-row"
