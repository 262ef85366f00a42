"""Files of cells are read for what they hold: formats, encodings, delimiters, merged and hidden cells."""

from datetime import datetime
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from data_prep.sheets import sheet_files
from data_prep.sheets.sheet_files import UnreadableSheet, read_sheets
from mer_core.errors import BadInput

ROWS = [["Subject", "Filename", "Onset"], ["sub01", "Zoë", "46"], ["sub02", "帧, or; so", "9"]]


def cells(path: Path) -> list[list]:
    (sheet,) = read_sheets(path)
    return sheet.cells.where(sheet.cells.notna(), None).to_numpy().tolist()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", list(",;\t|"))
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_text_is_read_in_every_encoding_and_with_every_delimiter(tmp_path, encoding, delimiter, ending):
    text = pd.DataFrame(ROWS).to_csv(sep=delimiter, header=False, index=False, lineterminator=ending)
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    assert cells(tmp_path / "a.csv") == ROWS


def test_a_line_that_tells_the_delimiter_is_no_row(tmp_path):
    (tmp_path / "a.csv").write_text("sep=;\nSubject;a,b,c\n1;x,y,z\n")
    assert cells(tmp_path / "a.csv") == [["Subject", "a,b,c"], ["1", "x,y,z"]]


def test_the_content_counts_and_not_the_suffix(tmp_path):
    book = Workbook()
    book.active.append(ROWS[0])
    book.save(tmp_path / "a.xlsx")
    assert cells((tmp_path / "a.xlsx").rename(tmp_path / "a.csv")) == ROWS[:1]


def test_merged_cells_are_filled_down_and_not_across(tmp_path):
    book = Workbook()
    for row in (["A", "B", "C"], ["s1", "x", 1], [None, "y", None], [None, "z", None]):
        book.active.append(row)
    book.active.merge_cells("A2:A4")
    book.active.merge_cells("B3:C3")
    book.save(tmp_path / "a.xlsx")
    (sheet,) = read_sheets(tmp_path / "a.xlsx")
    assert list(sheet.cells[0]) == ["A", "s1", "s1", "s1"] and sheet.filled_rows == {3, 4}
    assert sheet.cells.loc[3, 2] is None


def test_what_is_hidden_is_marked(tmp_path):
    book = Workbook()
    for row in (["A", "B"], ["s1", "x"], ["s2", "y"]):
        book.active.append(row)
    book.active.row_dimensions[3].hidden = True
    book.active.column_dimensions["B"].hidden = True
    book.create_sheet("old").sheet_state = "veryHidden"
    book.save(tmp_path / "a.xlsx")
    first, old = read_sheets(tmp_path / "a.xlsx")
    assert (first.name, first.hidden, first.hidden_rows, first.hidden_columns) == ("Sheet", False, {3}, {1})
    assert old.hidden and first.remark(3) == "row 3 is hidden in the sheet" and first.remark(2) == ""


def test_rows_and_columns_without_a_size_are_hidden(tmp_path):
    book = Workbook()
    book.active.append(["A", "B"])
    book.save(tmp_path / "a.xlsx")
    with ZipFile(tmp_path / "a.xlsx") as full, ZipFile(tmp_path / "b.xlsx", "w") as flat:
        for name in full.namelist():  # openpyxl writes no sizes of 0
            data = full.read(name).replace(b'<row r="1"', b'<row r="1" ht="0"')
            columns = b'<cols><col min="2" max="2" width="0" customWidth="1"/></cols><sheetData>'
            flat.writestr(name, data.replace(b"<sheetData>", columns))
    (sheet,) = read_sheets(tmp_path / "b.xlsx")
    assert (sheet.hidden_rows, sheet.hidden_columns) == ({1}, {1})


STRICT = {
    b"http://schemas.openxmlformats.org/spreadsheetml/2006/main": b"http://purl.oclc.org/ooxml/spreadsheetml/main",
    b"http://schemas.openxmlformats.org/officeDocument/2006/relationships": b"http://purl.oclc.org/ooxml/"
    b"officeDocument/relationships",
}


@pytest.mark.filterwarnings("ignore:File contains an invalid specification")
def test_sheets_that_cannot_be_read_are_not_left_out(tmp_path):
    Workbook().save(tmp_path / "a.xlsx")
    with ZipFile(tmp_path / "a.xlsx") as plain, ZipFile(tmp_path / "b.xlsx", "w") as strict:
        for name in plain.namelist():
            data = plain.read(name)
            for namespace, other in STRICT.items():
                data = data.replace(namespace, other)
            strict.writestr(name, data)
    with pytest.raises(UnreadableSheet, match="1 sheet cannot be read.*Strict"):
        read_sheets(tmp_path / "b.xlsx")


def test_a_password_is_named(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le")
    )
    with pytest.raises(UnreadableSheet, match="password"):
        read_sheets(path)


def test_a_text_in_a_formula_is_that_text(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('subject,file\n="01",="a.mp4"\n"=""02""",=A1+1\n')
    assert cells(path)[1:] == [["01", "a.mp4"], ["02", "=A1+1"]]


@pytest.mark.parametrize(
    "content, fact",
    [
        (b"", "is empty"),
        ("Zoë".encode("latin-1"), "byte 0xEB on line 1"),
        (b"<html><table></table></html>", "HTML"),
        (b"PK\x03\x04 broken", "damaged .xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 broken", ".xls"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\0\0\0\0\0", "neither text nor a spreadsheet"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_and_named(tmp_path, content, fact):
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(UnreadableSheet) as caught:
        read_sheets(tmp_path / "a.xlsx")
    assert fact in str(caught.value) and "a.xlsx" in str(caught.value)
    assert caught.value.code == "unreadable-sheet"


def test_an_archive_that_is_no_xlsx_and_one_that_unpacks_too_far_are_refused(tmp_path, monkeypatch):
    with ZipFile(tmp_path / "a.ods", "w") as archive:
        archive.writestr("content.xml", "<x/>")
    with pytest.raises(UnreadableSheet, match="a.ods"):
        read_sheets(tmp_path / "a.ods")
    monkeypatch.setattr(sheet_files, "MAX_BYTES", 3)
    (tmp_path / "a.csv").write_text("a,b\n")
    for name in ("a.ods", "a.csv"):
        with pytest.raises(UnreadableSheet, match=name):
            read_sheets(tmp_path / name)


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9),
    st.datetimes(datetime(1901, 1, 1)),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
)  # fmt: skip


@given(rows=st.lists(st.lists(CELLS, min_size=1, max_size=4), min_size=1, max_size=5))
def test_any_sheet_is_read_or_refused(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "a.xlsx"
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    try:
        (sheet,) = read_sheets(path)
    except UnreadableSheet:
        return
    assert len(sheet.cells) <= len(rows)


@given(
    data=st.binary(max_size=200),
    start=st.sampled_from([b"", b"PK\x03\x04", b"\xff\xfe", b"\xd0\xcf\x11\xe0"]),
)
def test_any_bytes_are_cells_or_one_message(data, start, tmp_path_factory):
    path = tmp_path_factory.mktemp("bytes") / "a.csv"
    path.write_bytes(start + data)
    try:
        read_sheets(path)
    except BadInput as error:
        assert str(path) in str(error)


def test_a_formula_without_a_stored_value_is_no_empty_cell(tmp_path):
    """As scripts write it; spreadsheet programs store the value beside the formula."""
    book = Workbook()
    for row in (["Subject", "Onset"], ["s1", "=40+6"], ["s2", None]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    assert cells(tmp_path / "a.xlsx") == [["Subject", "Onset"], ["s1", "=40+6"], ["s2", None]]


@pytest.mark.parametrize("row", ['"joy,3\nb.mp4,fear,4', '"joy" or "fear",3'])
def test_quotation_marks_that_swallow_rows_are_refused(tmp_path, row):
    (tmp_path / "a.csv").write_text(f"file,label,onset\na.mp4,{row}\nc.mp4,joy,5\n")
    with pytest.raises(UnreadableSheet, match="a.csv.* line") as caught:
        read_sheets(tmp_path / "a.csv")
    assert caught.value.code == "unreadable-sheet"


def test_blanks_after_the_delimiter_do_not_matter(tmp_path):
    (tmp_path / "a.csv").write_text('file, label\na.mp4, "joy, or so"\n')
    assert cells(tmp_path / "a.csv") == [["file", "label"], ["a.mp4", "joy, or so"]]
