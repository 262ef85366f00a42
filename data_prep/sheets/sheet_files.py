"""Spreadsheet files (.xlsx, .xls, .csv, .tsv) as sheets of raw cells.

The content decides the format, not the suffix. Merged cells are filled down, because a subject may be merged
over the rows of its clips. Hidden sheets, rows and columns are marked; `annotation_sheets.py` decides whether
they are used.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import pandas as pd

from mer_core.errors import BadInput
from mer_core.text import format_count

SUFFIXES = (".xlsx", ".xls", ".csv", ".tsv")
MAX_BYTES = 200_000_000  # unpacked; published spreadsheets have less than a megabyte
MAX_CELLS = 5_000_000
DELIMITERS = ",;\t|"
SHEET = rb"<(?:\w+:)?sheet\s"  # in the list of a workbook
TEXT_FORMULA = r'^="([^"]*)"$'  # how exports keep Excel from taking 01 for a number
FORMULA_WITHOUT_VALUE = rb"</f>\s*(<v\s*/>|<v>\s*</v>)?\s*</c>"


class UnreadableSheet(BadInput):
    """A spreadsheet file is damaged, too large, or of an unsupported format."""

    code = "unreadable-sheet"


@dataclass(frozen=True)
class Sheet:
    """One sheet of a file."""

    name: str  # empty for a text file
    cells: pd.DataFrame  # without a header, merged cells filled down; the index is the row number, from 1
    hidden: bool = False
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()  # positions, from 0
    struck_rows: frozenset[int] = frozenset()  # rows whose text is struck through
    filled_rows: frozenset[int] = frozenset()  # rows with a value from a merged cell above

    def remark(self, row: int) -> str:
        """Return the note for a row; empty for most."""
        states = {"hidden": self.hidden_rows, "struck through": self.struck_rows}
        return "; ".join(
            f"row {row} is {state} in the sheet" for state, rows in states.items() if row in rows
        )


def read_sheets(path: Path) -> list[Sheet]:
    """Read all sheets of a file, including hidden ones; raise `UnreadableSheet` if it is no spreadsheet."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnreadableSheet(f"{path} has more than {MAX_BYTES // 10**6} MB. Is it a spreadsheet?")
        data = path.read_bytes()
        if not data.strip():
            raise UnreadableSheet(f"{path} is empty. Copy it again from the source.")
    except OSError as error:
        raise UnreadableSheet(f"{path} cannot be read: {error.strerror}.") from error
    try:
        if data.startswith(b"PK"):
            return list(_from_xlsx(path, data))
        if data.startswith(b"\xd0\xcf\x11\xe0"):
            return list(_from_xls(path, data))
        return [_from_text(path, data)]
    except UnreadableSheet:
        raise
    except Exception as error:  # the parsers raise many types on damaged archives and XML
        detail = f"{type(error).__name__}: {error}"
        raise UnreadableSheet(
            f"{path} cannot be read as a spreadsheet ({detail}). Copy it again from the source."
        ) from error


def _from_xlsx(path: Path, data: bytes) -> Iterator[Sheet]:
    from openpyxl import load_workbook

    try:
        with ZipFile(BytesIO(data)) as archive:
            names = archive.namelist()
            unpacked = sum(entry.file_size for entry in archive.infolist())
            parts = (
                [name for name in names if name.startswith("xl/worksheets/")] if unpacked <= MAX_BYTES else []
            )
            lacks_values = any(re.search(FORMULA_WITHOUT_VALUE, archive.read(name)) for name in parts)
            listed = archive.read("xl/workbook.xml") if "xl/workbook.xml" in names else b""
    except BadZipFile as error:
        raise UnreadableSheet(
            f"{path} is a damaged .xlsx ({error}). Copy it again from the source."
        ) from error
    if unpacked > MAX_BYTES:
        raise UnreadableSheet(f"{path} unpacks to {unpacked // 10**6} MB, more than {MAX_BYTES // 10**6}.")
    if "xl/workbook.xml" not in names:
        raise UnreadableSheet(
            f"{path} is not an .xlsx file (OpenDocument, Numbers or .xlsb?). Save it as .xlsx or .csv."
        )
    book = load_workbook(BytesIO(data), data_only=True, keep_links=False)
    if n_lacking := len(re.findall(SHEET, listed)) - len(book.sheetnames):
        raise UnreadableSheet(
            f"{path}: {format_count(n_lacking, 'sheet')} cannot be read. Is it a 'Strict Open XML "
            "Spreadsheet'? Save it as 'Excel Workbook (.xlsx)'."
        )
    formulas = load_workbook(BytesIO(data), keep_links=False) if lacks_values else None
    for sheet in book.worksheets:
        _check_size(path, sheet.max_row * sheet.max_column, sheet.title)
        columns = sheet.column_dimensions
        for letter in list(columns):
            columns[letter].reindex()  # one entry may stand for a range of columns
        rows = [list(row) for row in sheet.iter_rows(values_only=True)]
        if formulas:
            _show_formulas(rows, formulas[sheet.title].iter_rows(values_only=True))
        yield _build_sheet(
            sheet.title,
            rows,
            [(r.min_row - 1, r.max_row, r.min_col - 1) for r in sheet.merged_cells.ranges],
            hidden=sheet.sheet_state != "visible",
            hidden_rows=(
                number for number, row in sheet.row_dimensions.items() if row.hidden or row.height == 0
            ),
            struck_rows=filter(None, map(_struck_row, sheet.iter_rows())),
            hidden_columns=(
                position - 1
                for column in columns.values()
                if column.hidden or column.width == 0
                for position in range(column.min, column.max + 1)
            ),
        )


def _struck_row(cells: tuple) -> int:
    """Return the number of a row whose text is struck through, all of it; else 0."""
    texts = [cell for cell in cells if cell.value is not None]
    return texts[0].row if texts and all(cell.font.strike for cell in texts) else 0


def _show_formulas(rows: list[list], formulas: Iterable[tuple]) -> None:
    """Put the formula into each cell whose value was not stored: it must not pass for an empty one."""
    for row, with_formulas in zip(rows, formulas):
        for place, formula in enumerate(with_formulas):
            if place < len(row) and row[place] is None and formula is not None:
                row[place] = str(formula)


def _from_xls(path: Path, data: bytes) -> Iterator[Sheet]:
    import xlrd

    if "EncryptedPackage".encode("utf-16-le") in data:
        raise UnreadableSheet(f"{path} is locked with a password. Save it without one.")
    try:
        book = xlrd.open_workbook(file_contents=data, formatting_info=True, logfile=StringIO())
    except xlrd.XLRDError as error:
        raise UnreadableSheet(f"{path} is a damaged or locked .xls ({error}). Save it as .xlsx.") from error

    def value(cell):
        if cell.ctype == xlrd.XL_CELL_DATE:
            return xlrd.xldate_as_datetime(cell.value, book.datemode)
        if cell.ctype == xlrd.XL_CELL_ERROR:
            return xlrd.error_text_from_code.get(cell.value, "#ERROR")
        if cell.ctype == xlrd.XL_CELL_BOOLEAN:
            return bool(cell.value)
        return None if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK) else cell.value

    for sheet in book.sheets():
        _check_size(path, sheet.nrows * sheet.ncols, sheet.name)
        yield _build_sheet(
            sheet.name,
            [[value(cell) for cell in row] for row in sheet.get_rows()],
            [(top, bottom, left) for top, bottom, left, _ in sheet.merged_cells],
            hidden=sheet.visibility != 0,
            hidden_rows=(
                number + 1 for number, row in sheet.rowinfo_map.items() if row.hidden or row.height == 0
            ),
            hidden_columns=(
                position
                for position, column in sheet.colinfo_map.items()
                if column.hidden or column.width == 0
            ),
        )


def _from_text(path: Path, data: bytes) -> Sheet:
    text = _decode(path, data)
    if text.lstrip()[:1] == "<":
        raise UnreadableSheet(f"{path} holds HTML or XML, not cells. Save it as .xlsx or .csv.")
    if "\0" in text:
        raise UnreadableSheet(f"{path} is neither text nor a spreadsheet. Copy it again from the source.")
    text = text.removeprefix("\ufeff")
    declaration = re.match(r"sep=(.)\r?\n", text)  # a first line that declares the delimiter to Excel
    delimiter = declaration[1] if declaration else _detect_delimiter(text)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise UnreadableSheet(
            f"{path}, up to line {reader.line_num}: a quotation mark is not closed, or is followed by text "
            f"({error}). Correct it, or save the table as .xlsx."
        ) from error
    _check_size(path, len(rows) * max(map(len, rows), default=0), path.name)
    rows = [[re.sub(TEXT_FORMULA, r"\1", cell) for cell in row] for row in rows]
    return _build_sheet("", rows[1:] if declaration else rows, [])


def _decode(path: Path, data: bytes) -> str:
    """Decode UTF-8 or UTF-16; refuse other encodings, because a wrong guess still gives letters."""
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if data.startswith(mark):
            return data.decode(encoding)
    zeros = data[:1000].count(0)
    if zeros > len(data[:1000]) // 4:  # UTF-16 without a mark: every other byte is 0 in ASCII text
        return data.decode("utf-16-be" if data[0] == 0 else "utf-16-le")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableSheet(
            f"{path} is neither UTF-8 nor UTF-16: byte 0x{data[error.start]:02X} on line {line}. "
            "Save it as 'CSV UTF-8' or as .xlsx."
        ) from error


def _detect_delimiter(text: str) -> str:
    """Return the delimiter that splits most lines into the same number of cells, more than one."""

    def regularity(delimiter: str) -> tuple[int, int]:
        widths = pd.Series([len(row) for row in csv.reader(StringIO(text, newline=""), delimiter=delimiter)])
        counts = widths[widths > 1].value_counts()
        return (int(counts.iloc[0]), int(counts.index[0])) if len(counts) else (0, 0)

    return max(DELIMITERS, key=regularity)


def _build_sheet(
    name: str,
    rows: list[list],
    merged: Iterable[tuple[int, int, int]],
    hidden: bool = False,
    hidden_rows: Iterable[int] = (),
    hidden_columns: Iterable[int] = (),
    struck_rows: Iterable[int] = (),
) -> Sheet:
    """Build a sheet, filling down merged cells: (first row, row after the last, column), from 0."""
    filled = set()
    for top, bottom, column in merged:
        for row in range(top + 1, min(bottom, len(rows))):
            if rows[top][column] not in (None, "") and rows[row][column] in (None, ""):
                rows[row][column] = rows[top][column]
                filled.add(row + 1)
    cells = pd.DataFrame(rows, dtype=object)
    cells.index = pd.RangeIndex(1, len(cells) + 1)
    return Sheet(
        name,
        cells,
        hidden,
        frozenset(hidden_rows),
        frozenset(hidden_columns),
        frozenset(struck_rows),
        frozenset(filled),
    )


def refuse_overlong_rows(path: Path, sheet: Sheet, header: int) -> None:
    """Refuse a text file with rows longer than the header: their cells may stand in wrong columns."""
    named = [place for place, cell in enumerate(sheet.cells.loc[header]) if not _is_blank(cell)]
    beyond = sheet.cells.loc[header + 1 :].iloc[:, max(named, default=-1) + 1 :]
    for line, *cells in beyond.itertuples(name=None):
        behind = next((cell for cell in cells if not _is_blank(cell)), None)
        if behind is not None and not sheet.name:
            raise UnreadableSheet(
                f"{path}, line {line}, has more cells than the header: {behind!r} stands behind its last "
                "column. Put numbers with a decimal comma, and texts with commas, into quotation marks."
            )


def _is_blank(cell: object) -> bool:
    return cell is None or not str(cell).strip()


def _check_size(path: Path, n_cells: int, sheet: str) -> None:
    if n_cells > MAX_CELLS:
        raise UnreadableSheet(
            f"{path}, sheet {sheet!r}, has {n_cells} cells, more than {MAX_CELLS}. "
            "Delete its empty rows and columns."
        )
