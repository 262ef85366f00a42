"""SAMM: preamble, padding, wrong numbers and their corrections."""

import pandas as pd
import pytest

from data_prep.annotations import read_clips
from data_prep.datasets import samm
from data_prep.layouts.samm import HEADER as SAMM_HEADER
from tests.data_prep.folders import first, spreadsheet, touch

SAMM = "SAMM_Micro_FACS_Codes_v2.xlsx"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_spreadsheet_saved_as_csv_is_read_whatever_parts_its_cells(tmp_path, delimiter):
    row = ("006", "006_1_2", 1, 5562, 5588, 5632, 71, "Micro - 1/2", "4+7", "Anger", 3, "a note; with, both")
    rows = pd.DataFrame([("about this file",), SAMM_HEADER, row])
    rows.to_csv(
        tmp_path / "SAMM_Micro_FACS_Codes_v2.csv",
        sep=delimiter,
        header=False,
        index=False,
        encoding="utf-8-sig",
    )
    found = first(samm.read_annotations(tmp_path))
    assert (found.clip_id, found.onset, found.apex, found.emotion) == (
        "samm/006/006_1_2",
        5562,
        5588,
        "anger",
    )


@pytest.mark.parametrize("preamble", [0, 13])
def test_samm_header_is_searched(tmp_path, preamble):
    row = (
        6,
        "006_1_2",
        1,
        5562,
        5588,
        5632,
        "=F2-D2+1",
        "Micro - 1/2",
        "(R6 or R12)+R15",
        "Others",
        3,
        "text",
    )
    spreadsheet(tmp_path / SAMM, [("about this file",)] * preamble + [SAMM_HEADER, row])
    found = first(samm.read_annotations(tmp_path))
    assert found.clip_id == "samm/006/006_1_2"
    assert (found.onset, found.apex, found.offset, found.emotion) == (5562, 5588, 5632, "other")
    assert found.action_units == "(R6 or R12)+R15"


@pytest.mark.parametrize("name", ["006_05562.jpg", "006_5562.jpg"])
def test_samm_frames_are_indexed_by_number_whatever_the_padding(tmp_path, name):
    spreadsheet(
        tmp_path / SAMM, [SAMM_HEADER, ("006", "006_1_2", 1, 5562, 5588, 5632, 71, "", 4, "Anger", 3, "")]
    )
    touch(tmp_path / "SAMM" / "SAMM" / "006" / "006_1_2", name)
    assert list(samm.frame_files(tmp_path, first(samm.read_annotations(tmp_path)))) == [5562]


def test_samm_apex_outside_its_clip_is_none_and_then_corrected(tmp_path):
    rows = [
        ("028", "028_4_1", 4, 1071, 1366, 1134, 64, "", "A14C", "Contempt", 7, ""),
        ("032", "032_3_1", 3, 4896, -1, 4970, 75, "", "4A", "Anger", 3, ""),
        ("006", "006_1_2", 1, 5562, 0, 5632, 71, "", 4, "Anger", 3, ""),
    ]
    spreadsheet(tmp_path / SAMM, [SAMM_HEADER, *rows])
    read = read_clips("samm", tmp_path)
    assert list(read.table["apex"]) == [1105, 4945, pd.NA]
    assert list(read.table["apex_source"]) == ["corrected", "corrected", ""]
    assert read.table.loc[0, "note"].startswith(
        "apex printed as 1366, outside 1071 to 1134; apex corrected from none to 1105"
    )
    assert [row["clip_id"] for row in read.corrections] == ["samm/028/028_4_1", "samm/032/032_3_1"]
    plain = read_clips("samm", tmp_path, corrections=False)
    assert plain.table["apex"].isna().all() and plain.corrections == []


@pytest.mark.parametrize("printed", [5600, 5700, 573])
def test_samm_a_wrong_offset_does_not_cost_the_right_apex(tmp_path, printed):
    row = ("013", "013_1_9", 1, 5650, 5710, printed, 90, "", "4", "Anger", 3, "")
    spreadsheet(tmp_path / SAMM, [SAMM_HEADER, row])
    touch(tmp_path / "SAMM" / "013" / "013_1_9", "013_5650.jpg", "013_5710.jpg", "013_5739.jpg")
    plain = read_clips("samm", tmp_path, corrections=False).table.loc[0]
    assert (plain["apex"], plain["apex_source"]) == (5710, "annotated") and pd.isna(plain["offset"])
    mended = read_clips("samm", tmp_path).table.loc[0]
    assert (mended["apex"], mended["offset"], mended["apex_source"]) == (5710, 5739, "annotated")
    assert (
        f"offset printed as {printed}" in mended["note"]
        and "offset corrected from none to 5739" in mended["note"]
    )
