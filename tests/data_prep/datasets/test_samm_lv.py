"""SAMM Long Videos: editions, clips and intervals."""

import pandas as pd
import pytest

from data_prep.annotations import read_clips
from data_prep.datasets import samm_lv
from data_prep.interval_table import read_intervals
from data_prep.layouts import write_workbook
from tests.data_prep.folders import first, touch


def test_samm_lv_has_macro_expressions_as_intervals(tmp_path):
    rows = [
        ("006", "006_1_1", 1, 1, 50, 900, 900, "Macro", "4", ""),
        (7, "007_3_1", 3, 60, -1, 90, 31, "Micro - 1/2", "", ""),
    ]
    write_workbook(tmp_path / "SAMM_LongVideos_V3_Release.xlsx", Sheet1=[("text",) + (None,) * 9, *rows])
    touch(tmp_path / "SAMM_longvideos" / "006_1", "006_1_0001.jpg")
    table = read_intervals("samm_lv", tmp_path)
    assert list(table["kind"]) == ["macro", "micro"] and list(table["video"]) == ["006_1", "007_3"]
    assert (table.loc[0, "onset"], table.loc[0, "offset"]) == (1, 900) and pd.isna(table.loc[1, "apex"])
    assert list(samm_lv.video_files(tmp_path, table.loc[0, "video"])) == [1]


@pytest.mark.parametrize("above", [0, 9, 10])
def test_samm_lv_data_starts_below_rows_that_differ_and_holds_macro_expressions(tmp_path, above):
    rows = [
        ("006", "006_1_1", 1, 1, 50, 900, 900, "Macro", "4", ""),
        ("006", "006_1_2", 1, 5562, 5588, 5632, 71, "Micro - 1/2", "4", ""),
        (7, "007_3_1", 3, 60, -1, 90, 31, "Micro - 1/2", "", ""),
    ]
    write_workbook(
        tmp_path / "SAMM_LongVideos_V2_Release.xlsx", Sheet1=[("text",) + (None,) * 9] * above + rows
    )
    touch(tmp_path / "SAMM_longvideos" / "SAMM_longvideos" / "006_1", "006_1_5562.jpg", "006_1_0001.jpg")
    table = samm_lv.read_annotations(tmp_path)
    assert list(table["clip_id"]) == ["samm_lv/006/006_1_2", "samm_lv/007/007_3_1"]
    assert list(samm_lv.frame_files(tmp_path, first(table))) == [1, 5562]
    assert pd.isna(read_clips("samm_lv", tmp_path).table.loc[1, "apex"])


def test_samm_lv_takes_the_latest_edition(tmp_path):
    for edition, onset in ((1, 10), (3, 30), (2, 20)):
        row = ("006", "006_1_2", 1, onset, 40, 50, 41, "Micro - 1/2", "4", "")
        write_workbook(tmp_path / f"SAMM_LongVideos_V{edition}_Release.xlsx", Sheet1=[row])
    assert first(samm_lv.read_annotations(tmp_path)).onset == 30
