"""CAS(ME)^2: a workbook without headers, clips and intervals."""

from pathlib import Path

import pandas as pd

from data_prep.annotations import read_clips
from data_prep.datasets import casme_squared
from data_prep.interval_table import read_intervals
from data_prep.layouts import write_workbook
from tests.data_prep.folders import touch

SQUARED = "CAS(ME)^2code_final(Updated).xlsx"


def squared_book(root: Path, *rows: tuple) -> None:
    write_workbook(
        root / SQUARED,
        CASFEcode_final=list(rows),
        **{
            "naming rule1": [(15, "s15", 1), (40, "s40", 22)],
            "naming rule2": [(101, "disgust1"), ("0503", "anger1")],
        },
    )


def test_casme_squared_has_no_header_numbers_for_names_and_macro_expressions(tmp_path):
    squared_book(
        tmp_path,
        (1, "anger1_1", 557, 570, 572, "4", "negative", "macro-expression", "anger"),
        (1, "anger1_2", 2, 5, 10, "4+7", "Negative", "micro-expression", "anger"),
        (22, "disgust1_1", 100, 105, 0, 12, "others", "Micro-expression", "disgust"),
    )
    touch(tmp_path / "rawpic" / "s15" / "15_0503unnyfarting", "img10.jpg", "img2.jpg")
    touch(tmp_path / "rawpic" / "s40" / "40_0101disgustingteeth", "img100.jpg")
    table = casme_squared.read_annotations(tmp_path)
    assert list(table["clip_id"]) == ["casme_squared/s15/0503_anger1_2", "casme_squared/s40/0101_disgust1_1"]
    assert [list(casme_squared.frame_files(tmp_path, row)) for row in table.itertuples()] == [[2, 10], [100]]
    read = read_clips("casme_squared", tmp_path).table
    assert (
        pd.isna(read.loc[1, "offset"])
        and read.loc[1, "apex"] == 105
        and list(read["emotion"]) == ["negative", "others"]
    )


def test_casme_squared_has_macro_expressions_as_intervals(tmp_path):
    squared_book(
        tmp_path,
        (1, "anger1_1", 557, 570, 572, "4", "negative", "macro-expression", "anger"),
        (1, "anger1_2", 2, 5, 10, "4+7", "Negative", "micro-expression", "anger"),
        (22, "disgust1_1", 100, 0, 0, 12, "others", "Micro-expression", "disgust"),
        (22, "disgust1_2", 300, 310, 290, 12, "others", "not an expression", "disgust"),
    )
    touch(tmp_path / "rawpic" / "s15" / "15_0503unnyfarting", "img10.jpg", "img2.jpg")
    table = read_intervals("casme_squared", tmp_path)
    assert list(table["kind"]) == ["macro", "micro", "micro"]
    assert list(table["video"]) == ["15_0503", "15_0503", "40_0101"] and list(table["subject"]) == [
        "s15",
        "s15",
        "s40",
    ]
    assert list(table.loc[:1, "onset"]) == [557, 2] and list(table.loc[:1, "offset"]) == [572, 10]
    assert pd.isna(table.loc[2, "apex"]) and pd.isna(table.loc[2, "offset"])
    assert list(casme_squared.video_files(tmp_path, table.loc[0, "video"])) == [2, 10]
