"""Tables of own recordings: a spreadsheet, ELAN files, BIDS events."""

import re
from datetime import time

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pympi.Elan import Eaf

from data_prep.own_recordings.recording_table import BadTable, read_recordings
from data_prep.sheets.annotation_sheets import MissingColumns
from data_prep.sheets.elan import UnreadableElan
from data_prep.sheets.sheet_cells import to_seconds


def write(path, *rows: dict):
    plain = {"file": "a.mp4", "subject": "anna", "label": "joy"}
    table = pd.DataFrame([plain | row for row in rows])
    table.to_csv(path, index=False) if path.suffix == ".csv" else table.to_excel(path, index=False)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_every_column_is_read(tmp_path, suffix):
    row = {
        "file": "videos\\a.mp4", "clip": "c1", "onset": 3, "apex": "7", "offset_s": "0:01.5",
        "fps": "29.97",
        "Action Units": "4＋7",
    }  # fmt: skip
    (one,), sources = read_recordings(write(tmp_path / f"mine{suffix}", row))
    assert (one.file, one.subject, one.label, one.clip) == ("videos/a.mp4", "anna", "joy", "c1")
    assert (one.frames, one.seconds, one.fps) == ({"onset": 3, "apex": 7}, {"offset": 1.5}, 29.97)
    assert (one.action_units, one.problem, one.line) == ("4+7", "", 2)
    assert sources.files_read[0][0] == tmp_path / f"mine{suffix}"


def test_spellings_of_subjects_and_labels_are_one_and_said(tmp_path):
    path = write(
        tmp_path / "a.csv", {}, {"subject": "Anna ", "label": "Joy"}, {"subject": "ben"}, {"subject": "anna"}
    )
    recordings, sources = read_recordings(path)
    assert [one.subject for one in recordings] == ["anna", "anna", "ben", "anna"]
    assert {one.label for one in recordings} == {"joy"}
    assert "'anna' = 'Anna'" in sources.remarks[0] and "'joy' = 'Joy'" in sources.remarks[1]


@pytest.mark.parametrize(
    "row, problem",
    [
        ({"onset": "1,46"}, "onset printed as '1,46'"),
        ({"onset_s": "1,250"}, "onset_s printed as '1,250', which may be 1.250 or 1250"),
        ({"offset_s": "soon"}, "offset_s printed as 'soon'"),
        ({"fps": "fast"}, "fps printed as 'fast'"),
        ({"fps": 0}, "fps printed as '0', which is no frame rate"),
        ({"fps": "1,000"}, "may be 1.000 or 1000"),
    ],
)
def test_a_cell_that_cannot_be_read_is_the_problem_of_its_row(tmp_path, row, problem):
    (bad, good), _ = read_recordings(write(tmp_path / "a.csv", row, {}))
    assert problem in bad.problem and good.problem == "" and good.line == 3


@pytest.mark.parametrize("empty", ["", "n/a", "NA", "-", "nan"])
def test_empty_is_not_a_problem(tmp_path, empty):
    (one,), _ = read_recordings(write(tmp_path / "a.csv", {"onset": empty, "apex_s": empty, "fps": empty}))
    assert one.problem == "" and one.frames == {} and one.seconds == {}


def test_a_number_with_a_word_is_read_and_noted(tmp_path):
    (one,), _ = read_recordings(write(tmp_path / "a.csv", {"onset": "246帧"}))
    assert one.frames == {"onset": 246} and one.note == "onset printed as '246帧', read as 246"


def test_a_german_excel_file_is_read(tmp_path):
    path = tmp_path / "clips.csv"
    path.write_bytes("\ufefffile;subject;label;onset_s;fps\r\na.mp4;Bär;Freude;0,5;29,97\r\n".encode())
    (one,), _ = read_recordings(path)
    assert (one.subject, one.seconds, one.fps, one.problem) == ("Bär", {"onset": 0.5}, 29.97, "")


def test_a_misspelt_label_is_asked_about(tmp_path):
    labels = ("surprise", "surprise", "suprise", "anger", "angry")
    _, sources = read_recordings(write(tmp_path / "a.csv", *({"label": label} for label in labels)))
    assert sources.remarks == [
        "Labels that differ by little: 'suprise' (1) and 'surprise' (2). Correct one if it is misspelt"
    ]


@pytest.mark.parametrize(
    "cell, seconds",
    [
        (1.25, 1.25), ("1.25", 1.25), ("0:01.25", 1.25), ("1:02:03", 3723), (time(0, 1, 2), 62),
        (0, 0), ("1e-3", 0.001),
        ("1,25", 1.25), ("0:01,25", 1.25), ("0,125", 0.125), ("1,250", None), ("1,2,3", None),
        ("-1", None), ("", None), (None, None), ("1.2.3", None), (True, None),
        ("inf", None),
    ],
)  # fmt: skip
def test_seconds(cell, seconds):
    assert to_seconds(cell) == seconds


@given(st.one_of(st.text(), st.floats(), st.integers(), st.none(), st.times(), st.booleans()))
def test_any_cell_is_a_time_from_0_on_or_none(cell):
    seconds = to_seconds(cell)
    assert seconds is None or seconds >= 0


def elan(path, tiers: dict[str, list[tuple]], media="film.mp4", participant="anna"):
    eaf = Eaf()
    eaf.remove_tier("default")
    for tier, annotations in tiers.items():
        eaf.add_tier(tier, part=participant)
        for annotation in annotations:
            eaf.add_annotation(tier, *annotation)
    if media:
        eaf.add_linked_file(f"file:///elsewhere/{media}", relpath=f"./{media}", mimetype="video/mp4")
    eaf.to_file(str(path))
    return path


def test_elan_annotations_are_rows(tmp_path):
    (tmp_path / "film.mp4").touch()
    path = elan(
        tmp_path / "coding.eaf", {"emotion": [(500, 900, "joy"), (1200, 1500, "disgust")], "empty": []}
    )
    first, second = read_recordings(path)[0]
    assert (first.file, first.subject, first.label, first.seconds) == (
        "film.mp4", "anna", "joy", {"onset": 0.5, "offset": 0.9},
    )  # fmt: skip
    assert (second.line, second.label, second.problem) == (2, "disgust", "")


def test_elan_files_that_leave_a_choice_are_refused(tmp_path):
    (tmp_path / "film.mp4").touch()
    both = {"emotion": [(500, 900, "joy")], "gaze": [(500, 900, "left")]}
    with pytest.raises(BadTable, match="2 tiers .emotion, gaze.") as caught:
        read_recordings(elan(tmp_path / "a.eaf", both))
    assert caught.value.code == "bad-table"
    (tmp_path / "broken.eaf").write_text("<ANNOTATION_DOCUMENT")
    with pytest.raises(UnreadableElan, match="broken.eaf"):
        read_recordings(tmp_path / "broken.eaf")
    (tmp_path / "film.mp4").unlink()
    (one,), _ = read_recordings(elan(tmp_path / "b.eaf", {"emotion": [(500, 900, "joy")]}))
    assert one.problem == "b.eaf should have one recording beside it, and has no video"


def test_bids_events_are_rows_and_a_folder_of_them_is_a_table(tmp_path):
    for subject in ("01", "02"):
        folder = tmp_path / f"sub-{subject}" / "beh"
        folder.mkdir(parents=True)
        (folder / f"sub-{subject}_task-films_video.mp4").touch()
        (folder / f"sub-{subject}_task-films_events.tsv").write_text(
            "onset\tduration\ttrial_type\tapex\n0.5\t0.4\tjoy\t0.7\nn/a\t0.4\tjoy\tn/a\n"
        )
    recordings, sources = read_recordings(tmp_path)
    assert len(sources.files_read) == 2 and [one.subject for one in recordings] == ["01", "01", "02", "02"]
    assert recordings[0].file == "sub-01/beh/sub-01_task-films_video.mp4" and recordings[0].label == "joy"
    assert recordings[0].seconds == pytest.approx({"onset": 0.5, "offset": 0.9, "apex": 0.7})
    assert "onset printed as 'n/a'" in recordings[1].problem


def test_one_damaged_file_of_several_is_a_row(tmp_path):
    (tmp_path / "a.mp4").touch()
    elan(tmp_path / "a.eaf", {"emotion": [(500, 900, "joy")]})
    (tmp_path / "broken.eaf").write_text("<ANNOTATION_DOCUMENT")
    (tmp_path / "sub-02_task-x_events.tsv").write_text("onset\ttrial_type\n1\tjoy\n")
    recordings, sources = read_recordings(tmp_path)
    assert [bool(one.problem) for one in recordings] == [False, True, True]
    assert [one.file for one in recordings[1:]] == ["broken.eaf", "sub-02_task-x_events.tsv"]
    assert "duration" in recordings[2].problem and recordings[2].subject == "02"
    assert [file.name for file, _ in sources.files_read] == ["a.eaf"]


def test_what_is_no_table_is_one_message(tmp_path):
    for path, fact in ((tmp_path / "absent.csv", "absent.csv"), (tmp_path, "clips.csv")):
        with pytest.raises(BadTable, match=fact):
            read_recordings(path)
    (tmp_path / "a.csv").write_text("name,who\nx,y\n")
    with pytest.raises(MissingColumns, match="file, subject, label.*name, who"):
        read_recordings(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("file,subject,label\n")
    with pytest.raises(BadTable, match="b.csv"):
        read_recordings(tmp_path / "b.csv")
    for name in ("clips.csv", "clips.xlsx"):
        write(tmp_path / name, {})
    with pytest.raises(BadTable, match="clips.csv and clips.xlsx"):
        read_recordings(tmp_path)


def test_a_film_of_a_longer_name_is_not_that_of_the_elan_file(tmp_path):
    (tmp_path / "p10.mp4").touch()
    path = elan(tmp_path / "p1.eaf", {"emotion": [(500, 900, "joy")]}, media="gone.mp4")
    (one,), _ = read_recordings(path)
    assert "has no video" in one.problem
    (tmp_path / "p1_face.mp4").touch()
    (one,), _ = read_recordings(path)
    assert (one.file, one.problem) == ("p1_face.mp4", "")


def test_sound_beside_the_film_is_no_second_recording(tmp_path):
    (tmp_path / "film.mp4").touch(), (tmp_path / "film.wav").touch()
    path = elan(tmp_path / "a.eaf", {"emotion": [(500, 900, "joy")]})
    text = path.read_text()
    link = re.search("<MEDIA_DESCRIPTOR.*?/>", text)[0]
    path.write_text(text.replace(link, link + link.replace("film.mp4", "film.wav")))
    (one,), _ = read_recordings(path)
    assert (one.file, one.problem) == ("film.mp4", "")


@pytest.mark.parametrize(
    "before, after, reason",
    [
        ("<MEDIA_DESCRIPTOR", '<MEDIA_DESCRIPTOR TIME_ORIGIN="1500"', "by 1500 ms"),
        ('TIME_VALUE="900"', "", "has no times"),
        ('TIME_VALUE="900"', 'TIME_VALUE="90"', "ends before it begins"),
    ],
)
def test_elan_times_that_are_not_those_of_the_film_are_refused(tmp_path, before, after, reason):
    path = elan(tmp_path / "a.eaf", {"emotion": [(500, 900, "joy")]})
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(UnreadableElan, match=reason) as caught:
        read_recordings(path)
    assert caught.value.code == "unreadable-elan"


@pytest.mark.parametrize("column", ["onset_ms", "Apex Frame", "OffsetF", "onset (ms)", "frame rate"])
def test_times_in_columns_that_are_not_read_are_refused(tmp_path, column):
    with pytest.raises(BadTable, match=re.escape(column)):
        read_recordings(write(tmp_path / "a.csv", {column: 5}))


def test_columns_of_other_things_are_not_in_the_way(tmp_path):
    row = {"onset": 5, "onset_source": "annotated", "apex_confidence": 0.5, "remarks": "blinks"}
    (one,), _ = read_recordings(write(tmp_path / "a.csv", row))
    assert one.frames == {"onset": 5}


@pytest.mark.parametrize("first, second", [("0.4", "1.25"), ("0,4", "2,5")])
def test_seconds_in_the_column_of_frames_are_refused(tmp_path, first, second):
    rows = [{"onset": first}, {"onset": "1"}, {"onset": second}]
    with pytest.raises(BadTable, match="line 2: 0.4.*onset_s"):
        read_recordings(write(tmp_path / "a.csv", *rows))
