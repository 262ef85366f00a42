"""CASME II: subjects, apexes, editions, and where the frames lie."""

import pandas as pd
import pytest

from data_prep.annotations import read_clips
from data_prep.dataset_files import find_folder
from data_prep.datasets import casme2
from data_prep.layouts.casme2 import HEADER as CASME2_HEADER
from tests.data_prep.folders import first, spreadsheet, touch

CASME2 = "CASME2-coding-20140508.xlsx"
CASME2_ROW = (1, "EP02_01f", None, 46, 59, 86, None, 12, "happiness")


@pytest.mark.parametrize("subject", [1, "01", "1", 1.0, "sub01"])
def test_casme2_subjects_come_as_text_or_integer(tmp_path, subject):
    spreadsheet(
        tmp_path / CASME2, [CASME2_HEADER, (subject, "EP02_01f", None, 46, 59, 86, None, 12, "Happiness ")]
    )
    row = first(casme2.read_annotations(tmp_path))
    assert row.clip_id == "casme2/sub01/EP02_01f"
    assert (row.onset, row.apex, row.offset, row.fps) == (46, 59, 86, 200)
    assert (row.emotion, row.action_units, row.apex_source, row.note) == ("happiness", "12", "annotated", "")


def test_casme2_slash_is_no_apex_and_blank_rows_and_sheets_are_passed_over(tmp_path):
    rows = [
        CASME2_HEADER,
        (4, "EP12_01f", None, 261, "/", 321, None, "4+L9+14", "disgust"),
        (None,) * 9,
        (5, "EP09_05f", None, 61, 61, 141, None, "?", "repression"),
        (12, "EP09_06", None, 61, 91, 91, None, "R6+R12", "happiness"),
    ]
    spreadsheet(tmp_path / CASME2, [], rows, [])
    table = casme2.read_annotations(tmp_path)
    assert list(table["clip_id"]) == [
        "casme2/sub04/EP12_01f",
        "casme2/sub05/EP09_05f",
        "casme2/sub12/EP09_06",
    ]
    assert pd.isna(table.loc[0, "apex"]) and table.loc[0, "apex_source"] == ""
    noted = read_clips("casme2", tmp_path).table
    assert list(noted["note"]) == [
        "apex printed as '/'",
        "apex is the onset frame",
        "apex is the offset frame",
    ]
    assert noted.loc[1, "apex"] == 61  # kept, only noted


def test_casme2_takes_the_first_edition_of_the_spreadsheet(tmp_path):
    editions = {
        "CASME2-coding-20190701.xlsx": 2,
        CASME2: 1,
        "CASME2-coding-updated.xlsx": 3,
        f"~${CASME2}": 4,
    }
    for name, onset in editions.items():
        spreadsheet(
            tmp_path / name, [CASME2_HEADER, (1, "EP02_01f", None, onset, 59, 86, None, 12, "happiness")]
        )
    assert first(casme2.read_annotations(tmp_path)).onset == 1
    (tmp_path / CASME2).unlink()
    assert first(casme2.read_annotations(tmp_path)).onset == 2


@pytest.mark.parametrize(
    "folder, pattern",
    [
        ("CASME2_RAW_selected", "img{}.jpg"),
        ("CASME2_RAW_selected/CASME2_RAW_selected", "img{}.jpg"),
        ("CASME2-RAW/CASME2-RAW", "img{}.jpg"),
        ("Cropped", "reg_img{}.jpg"),
        ("Cropped-updated/Cropped", "reg_img{}.jpg"),
        (".", "img{}.jpg"),
    ],
)
def test_casme2_frames_raw_cropped_and_nested(tmp_path, folder, pattern):
    spreadsheet(tmp_path / CASME2, [CASME2_HEADER, CASME2_ROW])
    touch(
        tmp_path / folder / "sub01" / "EP02_01f",
        *map(pattern.format, (100, 46, 59)),
        "Desktop - Shortcut.lnk",
    )
    touch(tmp_path / folder / "sub01", "Desktop - Shortcut.lnk")
    files = casme2.frame_files(tmp_path, first(casme2.read_annotations(tmp_path)))
    assert list(files) == [46, 59, 100]
    assert files[46].name == pattern.format(46)


def test_casme2_raw_goes_before_cropped(tmp_path):
    for folder in ("Cropped", "CASME2_RAW_selected"):
        touch(tmp_path / folder / "sub01" / "EP02_01f", "img46.jpg")
    assert find_folder(tmp_path, casme2.SUBJECT, casme2.FRAMES).name == "CASME2_RAW_selected"


@pytest.mark.parametrize("folder", ["Sub01/EP02_01f", "SUB01/ep02_01F"])
def test_casme2_folders_are_found_whatever_their_case(tmp_path, folder):
    spreadsheet(tmp_path / CASME2.upper(), [CASME2_HEADER, CASME2_ROW])
    touch(tmp_path / "casme2_raw_SELECTED" / folder, "img46.jpg")
    touch(tmp_path / "Cropped" / folder, "reg_img47.jpg")
    row = first(casme2.read_annotations(tmp_path))
    assert row.clip_id == "casme2/sub01/EP02_01f" and list(casme2.frame_files(tmp_path, row)) == [46]
