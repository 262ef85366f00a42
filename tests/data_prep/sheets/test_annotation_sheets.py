"""Which spreadsheet and sheet is read, and the remarks about it."""

from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.styles import Font

from data_prep.sheets.annotation_sheets import (
    AmbiguousSheet,
    HiddenSheet,
    MissingColumns,
    find_table,
    find_tables,
    read_table,
)
from data_prep.sheets.sheet_files import UnreadableSheet
from mer_core.errors import NotFound

COLUMNS = ("subject", "filename", "onset")
HEADER = ("Subject", "File name", "Onset ")


def workbook(path: Path, **sheets: list[tuple]) -> Workbook:
    """Write sheets by name; one called hidden_... is hidden."""
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if name.startswith("hidden"):
            sheet.sheet_state = "hidden"
    book.save(path)
    return book


def test_the_visible_sheet_is_read_and_the_others_are_named(tmp_path):
    draft, final = [HEADER, ("1", "a", 1)], [HEADER, ("1", "a", 2)]
    workbook(tmp_path / "a.xlsx", hidden_draft=draft, Final=final, Later=draft)
    table = read_table(tmp_path / "a.xlsx", COLUMNS)
    assert table.sheet == "Final" and list(table.rows["onset"]) == [2]
    assert table.remarks == [
        "a.xlsx: hidden sheet 'hidden_draft' has the same columns and is not read",
        "a.xlsx: sheet 'Later' has the same columns and is not read",
    ]


def test_a_sheet_that_only_lies_hidden_is_refused(tmp_path):
    workbook(tmp_path / "a.xlsx", Sheet1=[("nothing",)], hidden_one=[HEADER, ("1", "a", 1)])
    with pytest.raises(HiddenSheet, match="hidden_one") as caught:
        read_table(tmp_path / "a.xlsx", COLUMNS)
    assert caught.value.code == "hidden-sheet"


def test_hidden_rows_merged_cells_and_rows_without_a_name_are_said(tmp_path):
    rows = [HEADER, ("s1", "a", 1), (None, "b", 2), ("s2", "c", 3), (None, "d", 4), ("\u3003", "e", 5)]
    book = workbook(tmp_path / "a.xlsx", One=rows)
    book["One"].merge_cells("A2:A3")
    book["One"].row_dimensions[4].hidden = True
    book.save(tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx", COLUMNS)
    assert list(table.rows["subject"]) == ["s1", "s1", "s2"]
    assert list(table.rows["remark"]) == ["", "", "row 4 is hidden in the sheet"]
    assert [remark.split(": ", 1)[1] for remark in table.remarks] == [
        "2 rows are left out: no subject or filename; first: row 5",
        "1 row is hidden in the sheet (by a filter?) but read; first: row 4",
        "1 row is filled from a merged cell above; first: row 3",
    ]


def test_of_two_columns_of_one_name_the_visible_one_is_read(tmp_path):
    book = workbook(tmp_path / "a.xlsx", One=[("Onset", *HEADER), (9, "s1", "a", 1)])
    book["One"].column_dimensions["A"].hidden = True
    book.save(tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx", COLUMNS)
    assert list(table.rows["onset"]) == [1] and "2 columns are called onset" in table.remarks[0]


def test_lacking_columns_are_named_beside_those_that_are_there(tmp_path):
    workbook(tmp_path / "a.xlsx", One=[("about",), ("Subject", "Filename", "Start")])
    with pytest.raises(MissingColumns, match="onset.*Subject, Filename, Start"):
        read_table(tmp_path / "a.xlsx", COLUMNS)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".CSV"])
def test_a_table_saved_as_text_is_found(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_text("Subject;Filename;Onset\n1;a;7\n")
    sources, rows = find_table(tmp_path, ("a.xlsx",), COLUMNS, "(?!)")
    assert list(rows["onset"]) == ["7"] and sources.files_read == [(tmp_path / f"a{suffix}", "")]


def test_equally_good_files_that_differ_are_refused_and_copies_are_not(tmp_path):
    for name, onset in (("A v1.xlsx", 1), ("A v2.xlsx", 2), ("~$A v1.xlsx", 3), ("._A v1.xlsx", 4)):
        workbook(tmp_path / name, One=[HEADER, ("1", "a", onset)])
    with pytest.raises(AmbiguousSheet, match="A v1.xlsx and .*A v2.xlsx differ") as caught:
        find_table(tmp_path, ("A*.xlsx",), COLUMNS, "(?!)")
    assert caught.value.code == "ambiguous-sheet"
    (tmp_path / "A v2.xlsx").rename(tmp_path / "A v1 - Copy.xlsx")
    sources, rows = find_table(tmp_path, ("A*.xlsx",), COLUMNS, "(?!)")
    assert list(rows["onset"]) == [1] and [path.name for path in sources.files_unread] == ["A v1 - Copy.xlsx"]


def test_tables_in_clutter_are_not_found(tmp_path):
    for folder in ("__MACOSX", "@eaDir", ".Trash-1000", "$RECYCLE.BIN"):
        (tmp_path / folder).mkdir()
        workbook(tmp_path / folder / "a.xlsx", One=[HEADER, ("1", "a", 1)])
    with pytest.raises(NotFound):
        list(find_tables(tmp_path, ("*.xlsx",), COLUMNS, "(?!)"))


def test_a_format_that_is_not_read_is_named(tmp_path):
    (tmp_path / "a.ods").touch()
    with pytest.raises(NotFound, match="a.ods.*.xlsx"):
        find_table(tmp_path, ("a.xlsx",), COLUMNS, "(?!)")


def test_a_row_longer_than_its_header_is_refused_in_text(tmp_path):
    """29,97 without quotation marks is two cells: the rate would be 29, and the rest shifted."""
    path = tmp_path / "a.csv"
    path.write_text("file,onset,fps\na.mp4,3,25,,\nb.mp4,4,29,97\n")
    with pytest.raises(UnreadableSheet, match="line 3.*'97'"):
        read_table(path, ("file", "onset"), ("fps",))
    path.write_text("file,onset,fps\na.mp4,3,25,,\n")
    assert len(read_table(path, ("file", "onset"), ("fps",)).rows) == 1


def test_a_header_that_comes_again_is_left_out_and_one_in_another_order_is_refused(tmp_path):
    rows = [HEADER, ("1", "a", 1), (None,) * 3, HEADER, ("2", "b", 2)]
    workbook(tmp_path / "a.xlsx", Sheet1=rows)
    table = read_table(tmp_path / "a.xlsx", COLUMNS)
    assert list(table.rows["subject"]) == ["1", "2"] and any("row 4" in remark for remark in table.remarks)
    workbook(tmp_path / "b.xlsx", Sheet1=[*rows[:3], HEADER[::-1], (2, "b", "2")])
    with pytest.raises(AmbiguousSheet, match="row 1 and row 4"):
        read_table(tmp_path / "b.xlsx", COLUMNS)
    with pytest.raises(AmbiguousSheet, match="row 1 and row 4"):  # the order of optional columns counts too
        read_table(tmp_path / "b.xlsx", COLUMNS[1:2], ("subject", "onset"), n_named=1)


def test_rows_that_are_struck_through_are_said(tmp_path):
    book = workbook(tmp_path / "a.xlsx", Sheet1=[HEADER, ("1", "a", 1), ("2", "b", 2)])
    for cell in book["Sheet1"][3]:
        cell.font = Font(strike=True)
    book["Sheet1"]["C2"].font = Font(strike=True)  # one cell is not the row
    book.save(tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx", COLUMNS)
    assert list(table.rows["remark"]) == ["", "row 3 is struck through in the sheet"]
    assert any("struck through" in remark and "row 3" in remark for remark in table.remarks)
