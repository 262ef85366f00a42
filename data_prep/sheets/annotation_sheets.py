"""The published table of a dataset: its file, its sheet, and the rows below its header.

Nothing is chosen silently: hidden sheets are not read, several candidate files are refused, and further
oddities become remarks. `sheet_cells.py` parses single cells, `sheet_files.py` reads the file formats.
"""

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import pandas as pd

from data_prep.dataset_files import walk_folders
from data_prep.sheets.sheet_cells import cell_text, is_name
from data_prep.sheets.sheet_files import SUFFIXES, Sheet, read_sheets, refuse_overlong_rows
from mer_core.errors import BadInput, NotFound
from mer_core.text import format_count

_COPY = re.compile(r"copy|kopie|副本|backup|\bold\b|\(\d+\)|~", re.IGNORECASE)


class MissingColumns(BadInput):
    """A table lacks columns that its reader needs."""

    code = "missing-columns"


class HiddenSheet(BadInput):
    """The only sheet with the required columns is hidden."""

    code = "hidden-sheet"


class AmbiguousSheet(BadInput):
    """Several spreadsheets with different content could be the dataset's."""

    code = "ambiguous-sheet"


@dataclass
class AnnotationSources:
    """Where annotations come from."""

    files_read: list[tuple[Path, str]] = field(default_factory=list)  # with the sheet, "" in a text file
    files_unread: list[Path] = field(default_factory=list)  # whose names match too
    remarks: list[str] = field(default_factory=list)  # oddities of the files read


@dataclass(frozen=True)
class AnnotationTable:
    """The rows below a header."""

    rows: pd.DataFrame  # indexed by the row number in the sheet; the column `remark` is for the clip's note
    path: Path
    sheet: str
    remarks: list[str]
    unread_columns: list[str]  # as printed


def find_table(
    root: Path, files: tuple[str, ...], columns: tuple[str, ...], stop: str, optional: tuple[str, ...] = ()
) -> tuple[AnnotationSources, pd.DataFrame]:
    """Find and read the one spreadsheet of a dataset.

    Parameters
    ----------
    root : Path
        Folder to search.
    files : tuple of str
        Patterns of file names, the preferred edition first; an .xlsx may have been saved as .xls, .csv or
        .tsv.
    columns, optional : tuple of str
        As in `read_table`.
    stop : str
        Pattern of folder names that are not searched.

    Returns
    -------
    sources : AnnotationSources
        The file that was read, and others that match.
    rows : pandas.DataFrame
        As in `AnnotationTable.rows`.

    Raises
    ------
    BadInput
        If there is no such file, or `MissingColumns` or `HiddenSheet` as in `read_table`.
    AmbiguousSheet
        If files of equal rank differ.
    """
    ranked = _ranked_files(root, files, stop)
    for rank, path in ranked:
        table = _read_first_match(path, columns, optional)
        if table is None:
            continue
        for other in (other for other_rank, other in ranked if other_rank == rank and other != path):
            if (
                other.read_bytes() != path.read_bytes()
                and _read_first_match(other, columns, optional) is not None
            ):
                raise AmbiguousSheet(
                    f"{path} and {other} differ, and either could be the spreadsheet of the dataset. "
                    "Move the one that is not meant out of the folder."
                )
        unread = [other for _, other in ranked if other != path]
        return AnnotationSources([(path, table.sheet)], unread, table.remarks), table.rows
    raise _missing_columns(ranked[0][1], columns)


def find_tables(
    root: Path, files: tuple[str, ...], columns: tuple[str, ...], stop: str, optional: tuple[str, ...] = ()
) -> Iterator[AnnotationTable]:
    """Yield every spreadsheet with the columns, for a dataset in parts; arguments as in `find_table`."""
    paths = find_files(root, files, stop)
    tables = [table for path in paths if (table := _read_first_match(path, columns, optional)) is not None]
    if not tables:
        raise _missing_columns(paths[0], columns)
    yield from tables


def find_files(root: Path, files: tuple[str, ...], stop: str) -> list[Path]:
    """Return the files that match, earlier patterns first; arguments and errors as in `find_table`."""
    return [path for _, path in _ranked_files(root, files, stop)]


def read_table(
    path: Path, columns: Sequence[str], optional: Sequence[str] = (), n_named: int = 2
) -> AnnotationTable:
    """Read the table of one file, whose header may stand below other rows.

    Parameters
    ----------
    path : Path
        Spreadsheet or text file.
    columns, optional : sequence of str
        Column names in the form of `column_key` ("onsetframe"). A missing optional column is empty.
    n_named : int
        How many of the first `columns` identify a row; a row without them is left out, with a remark.

    Raises
    ------
    MissingColumns
        If no visible sheet has the columns; the message lists those of the likeliest header.
    HiddenSheet
        If only a hidden sheet has them.
    UnreadableSheet
        As in `read_sheets`.
    """
    table = _read_first_match(path, tuple(columns), tuple(optional), n_named)
    if table is None:
        raise _missing_columns(path, columns)
    return table


def visible_sheets(path: Path) -> list[Sheet]:
    """Read the sheets of a file that are not hidden, for a table without a header."""
    return [sheet for sheet in read_sheets(path) if not sheet.hidden]


def column_key(name: object) -> str:
    """Return a column name in the form used for comparison: letters and digits only, lower case."""
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", str(name))).lower()


def _ranked_files(root: Path, files: tuple[str, ...], stop: str) -> list[tuple[tuple, Path]]:
    """Return matching files with their rank, best first; files of one rank are equally good."""
    paths = [folder / name for folder, _ in walk_folders(root, stop) for name in sorted(os.listdir(folder))]
    paths = [path for path in paths if not path.name.startswith(("~$", "."))]  # ~$: lock of an open Excel
    stems = [pattern.removesuffix(".xlsx") for pattern in files]
    ranked = [
        ((SUFFIXES.index(path.suffix.lower()), order, bool(_COPY.search(path.stem))), path)
        for path in paths
        for order, stem in enumerate(stems)
        if path.suffix.lower() in SUFFIXES and _matches(path.stem, stem)
    ]
    best: dict[Path, tuple] = {}
    for rank, path in sorted(ranked, key=lambda pair: pair[0]):
        best.setdefault(path, rank)
    if not best:
        alike = (path for path in paths if any(_matches(path.stem, stem) for stem in stems))
        other = [path.name for path in alike if "*" not in stems and path.is_file()]
        hint = f" There is {other[0]}: save it as .xlsx or .csv." if other else ""
        raise NotFound(
            f"There is no spreadsheet {' or '.join(files)} in {root}.{hint} "
            f"Put it beside the frames, under its published name ({', '.join(SUFFIXES)} are read)."
        )
    return [(rank, path) for path, rank in best.items()]


def _matches(stem: str, pattern: str) -> bool:
    return fnmatchcase(stem.lower(), pattern.lower())


def _read_first_match(
    path: Path, columns: tuple[str, ...], optional: tuple[str, ...], n_named: int = 2
) -> AnnotationTable | None:
    """Read the first visible sheet that has the columns; None if no sheet has them."""
    fitting = [
        (sheet, table)
        for sheet in read_sheets(path)
        if (table := _rows_below_header(path, sheet, columns, optional, n_named)) is not None
    ]
    visible = [(sheet, table) for sheet, table in fitting if not sheet.hidden]
    if not fitting:
        return None
    if not visible:
        raise HiddenSheet(
            f"Only a hidden sheet of {path} has the columns {', '.join(columns)}: {fitting[0][0].name!r}. "
            "Unhide it if it is the right one."
        )
    (sheet, (rows, remarks, unread)), *_ = visible
    others = [
        f"{'hidden ' * other.hidden}sheet {other.name!r} has the same columns and is not read"
        for other, _ in fitting
        if other is not sheet
    ]
    remarks = [f"{path.name}: {remark}" for remark in (*others, *remarks)]
    return AnnotationTable(rows, path, sheet.name, remarks, unread)


def _rows_below_header(
    path: Path, sheet: Sheet, columns: tuple[str, ...], optional: tuple[str, ...], n_named: int
) -> tuple[pd.DataFrame, list[str], list[str]] | None:
    """Return the rows below the first row with all of `columns`, remarks, and the names of other columns.

    None without such a row.
    """
    headers = ((row, [column_key(cell) for cell in cells]) for row, cells in sheet.cells.iterrows())
    header, names = next(((row, names) for row, names in headers if set(columns) <= set(names)), (0, []))
    if not header:
        return None
    refuse_overlong_rows(path, sheet, header)
    below, remarks = _without_repeated_headers(path, sheet, header, columns, optional)
    rows = pd.DataFrame(index=below.index, columns=[*columns, *optional], dtype=object)
    for name in rows.columns:
        places = [place for place, other in enumerate(names) if other == name]
        if not places:
            continue
        visible = [place for place in places if place not in sheet.hidden_columns]
        rows[name] = below.iloc[:, (visible or places)[0]]
        if not visible:
            remarks.append(f"the column {name} is hidden in the sheet, but read")
        elif len({tuple(map(cell_text, below.iloc[:, place])) for place in places}) > 1:
            remarks.append(f"{len(places)} columns are called {name}; the first that is not hidden is read")
    texts = rows.map(cell_text)
    filled, named = texts.ne(""), texts[list(columns[:n_named])].map(is_name).all(axis=1)
    unnamed = ~named & filled[list(columns[n_named:])].any(axis=1)
    _add_remark(remarks, rows.index[unnamed], f"left out: no {' or '.join(columns[:n_named])}")
    rows = rows[named & filled.any(axis=1)].copy()
    for numbers, what in (
        (sheet.hidden_rows, "hidden in the sheet (by a filter?) but read"),
        (sheet.struck_rows, "struck through in the sheet but read"),
        (sheet.filled_rows, "filled from a merged cell above"),
    ):
        _add_remark(remarks, rows.index[rows.index.isin(list(numbers))], what)
    rows["remark"] = rows.index.map(sheet.remark)
    printed = map(cell_text, sheet.cells.loc[header])
    return rows, remarks, [text for text, name in zip(printed, names) if text and name not in rows]


def _without_repeated_headers(
    path: Path, sheet: Sheet, header: int, columns: tuple[str, ...], optional: tuple[str, ...]
) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows below a header but those that repeat it, and a remark; refuse headers that differ."""
    keys = sheet.cells.loc[header:].map(column_key).where(lambda cell: cell.isin([*columns, *optional]), "")
    repeated = keys.index[[set(columns) <= set(row) for row in keys.to_numpy()]][1:]
    for row in repeated:
        if (keys.loc[row] != keys.loc[header]).any():
            raise AmbiguousSheet(
                f"{path} holds two tables whose columns differ in order: the headers are row {header} and "
                f"row {row}{f' of sheet {sheet.name!r}' * bool(sheet.name)}. Put them into one table."
            )
    remarks: list[str] = []
    _add_remark(remarks, repeated, "left out because the header is repeated there")
    return sheet.cells.loc[header + 1 :].drop(repeated), remarks


def _add_remark(remarks: list[str], rows: pd.Index, what: str) -> None:
    if len(rows):
        remarks.append(f"{format_count(len(rows), 'row is', 'rows are')} {what}; first: row {rows[0]}")


def _missing_columns(path: Path, columns: Sequence[str]) -> MissingColumns:
    """Build the error for a file without the columns; it compares them with the likeliest header."""
    heads = [
        {column_key(cell): cell_text(cell) for cell in cells if cell_text(cell)}
        for sheet in visible_sheets(path)
        for _, cells in sheet.cells.head(50).iterrows()
    ]
    best = max(heads, key=lambda head: (len(set(head) & set(columns)), len(head)), default={})
    missing = [name for name in columns if name not in best]
    content = ", ".join(best.values())[:200] or "nothing"
    return MissingColumns(
        f"{path} has no row with the columns {', '.join(columns)} in any visible sheet; "
        f"missing: {', '.join(missing)}. Found: {content}. Is it the right file?"
    )
