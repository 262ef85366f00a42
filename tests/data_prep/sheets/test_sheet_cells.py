"""Cells of spreadsheets: numbers, names and rates, in every form that spreadsheets print."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.sheets.sheet_cells import (
    cell_number,
    cell_rate,
    cell_text,
    format_subject,
    read_frame_cells,
    read_frame_number,
)


@pytest.mark.parametrize(
    "cell, value, doubt",
    [
        (46, 46, ""), (46.0, 46, ""), (" 46 ", 46, ""), ("４６", 46, ""), ("46.0", 46, ""),
        (None, None, ""), ("", None, ""),
        ("246帧", 246, "printed as '246帧', read as 246"),
        ("第246帧", 246, "printed as '第246帧', read as 246"),
        ("frame 46", 46, "printed as 'frame 46', read as 46"), ("1,46", None, "printed as '1,46'"),
        ("1,460", None, "printed as '1,460'"), (46.5, None, "printed as '46.5'"),
        ("/", None, "printed as '/'"),
        ("1,000", None, "printed as '1,000'"),
        (True, None, "printed as 'True'"), ("46a", None, "printed as '46a'"),
        ("0x2E", None, "printed as '0x2E'"),
        (datetime(2020, 2, 1), None, "is a date in the sheet, 2020-02-01 00:00:00"),
        ("46²", None, "printed as '46²'"), ("46 ②", None, "printed as '46 ②'"),
        ("#REF!", None, "printed as '#REF!'"),
        ("9" * 20, None, "printed as '" + "9" * 20 + "'"),
    ],
)  # fmt: skip
def test_frame_numbers_are_read_or_said(cell, value, doubt):
    assert read_frame_number(cell) == (value, doubt)


def test_the_columns_of_frames():
    assert read_frame_cells(1, "1,46", "/", "row 7 is hidden in the sheet") == {
        "onset": 1, "apex": None, "offset": None, "apex_source": "",
        "note": "row 7 is hidden in the sheet; offset printed as '1,46'; apex printed as '/'",
    }  # fmt: skip
    assert read_frame_cells(1, 3, 2)["apex_source"] == "annotated" and read_frame_cells(1, 3, 2)["note"] == ""
    assert read_frame_cells(1, 3)["note"] == "" and read_frame_cells(1, 3)["apex_source"] == ""


@pytest.mark.parametrize("cell", [1, 1.0, "1", "01", "1.0", "sub1", "Sub01", "SUB 001", "１", " sub_01 "])
def test_numbered_subjects_have_one_spelling(cell):
    assert format_subject(cell, "sub{:02d}") == "sub01"


def test_other_cells():
    assert [cell_rate(cell) for cell in (200, "200", "29.97 fps", "0", "", "a", None)] == [
        200,
        200,
        29.97,
    ] + [None] * 4
    assert [cell_text(cell) for cell in ("  a  b ", 1.0, None, float("nan"), "1.0", "Zoe\u0308")] == [
        "a b", "1", "", "", "1", "Zoë",
    ]  # fmt: skip


def test_numbers_and_texts_as_spreadsheets_print_them():
    assert [cell_number(cell) for cell in (46, 46.0, "46", " 46 ", "46.0", -1)] == [46, 46, 46, 46, 46, -1]
    assert [cell_number(cell) for cell in ("/", "", None, float("nan"), "46a", 46.5)] == [None] * 6
    assert [cell_text(cell) for cell in (12, 12.0, " 4+7 ", None, float("nan"))] == [
        "12",
        "12",
        "4+7",
        "",
        "",
    ]


@given(st.one_of(st.text(), st.integers(), st.floats(), st.datetimes(), st.booleans(), st.none()))
def test_any_cell_is_a_number_or_a_doubt_or_empty(cell):
    value, doubt = read_frame_number(cell)
    assert value is not None or doubt or cell_text(cell) == ""
    assert cell_number(cell) is None or cell_number(cell) == value


@given(st.integers(0, 10**7), st.sampled_from(["{}", " {} ", "{}.0", "{}.00", "0{}"]))
def test_a_number_is_read_however_it_is_printed(value, form):
    assert cell_number(form.format(value)) == value
