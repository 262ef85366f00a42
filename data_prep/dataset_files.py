"""Finding things in a dataset folder as it was downloaded: spreadsheets, nested zip folders, clips; and its facts.

Names are compared without regard to upper and lower case, because copying between systems changes it. What is particular to one
dataset stands in its file in `data_prep/datasets/`.
"""

import csv
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from io import StringIO
from pathlib import Path
from zipfile import BadZipFile

import pandas as pd

from data_prep.frames import numbered_images
from mer_core.errors import BadInput

DEPTH = 4  # folders in folders that are looked into: zips nest a folder in a folder of the same name


@dataclass(frozen=True)
class Facts:
    """What is published about a dataset; a count that is not published is None.

    `emotions` counts the clips of each of its words; `lacking` is the share of clips that the release itself has no
    frames for, above which a folder is likely not what was meant.
    """

    title: str
    fps: float
    subjects: int | None
    clips: int
    emotions: dict[str, int | None]
    licence: str
    obtain: str
    citation: str
    doi: str
    lacking: float = 0.01
    recalled: bool = False  # some counts are not verified against the paper or the release; --check says so
    intervals: dict[str, int] | None = (
        None  # of a dataset of long videos: expressions of each kind, see data_prep/interval_table.py
    )


def forget() -> None:
    """Look at the disk anew: what the functions below found is kept, since every clip of a dataset asks the same."""
    for search in (find_folder, folders_named, leaf_folders, folders_in, images_in):
        search.cache_clear()


@lru_cache
def find_folder(root: Path, holds: str, prefer: tuple[str, ...] = (), avoid: tuple[str, ...] = ()) -> Path:
    """The folder at or below `root` that holds folders whose whole name matches the pattern `holds`.

    Of several, the one whose path has the earliest name of `prefer` wins, then the one that comes first by path;
    folders named in `avoid` are not entered. Raises `BadInput` saying where it looked, or as `folders_in` does.
    """
    found = [
        folder for folder, inside in _walk(root, holds, avoid) if any(_is(name, holds) for name in inside)
    ]
    if not found:
        here = sorted(path.name + "/" * path.is_dir() for path in root.iterdir())
        raise BadInput(
            f"No folder in {root}, down to {DEPTH} levels, holds the subjects' folders (named like {holds}). "
            f"It holds: {', '.join(here[:8]) or 'nothing'}{', ...' if len(here) > 8 else ''}."
        )

    def rank(folder: Path) -> tuple[int, Path]:
        names = [name.lower() for name in (root.name, *folder.relative_to(root).parts)]
        return min((i for i, name in enumerate(prefer) if name.lower() in names), default=len(prefer)), folder

    chosen = min(found, key=rank)
    folders_in(chosen)  # refuses two that differ in case only
    return chosen


@lru_cache
def folders_named(root: Path, pattern: str) -> dict[str, Path]:
    """Folders below `root`, `DEPTH` levels down at most, whose whole name matches `pattern`: name in lower case -> path.

    They are not entered. Of several folders of one name, the first by path is taken; raises `BadInput` for two of them in one folder.
    """
    found: dict[str, Path] = {}
    for folder, inside in _walk(root, pattern):
        for name in inside:
            if _is(name, pattern):
                _add(found, folder / name)
    return found


@lru_cache
def leaf_folders(root: Path) -> dict[str, Path]:
    """Folders below `root`, `DEPTH` levels down at most, that hold no folders; as `folders_named` returns them."""
    found: dict[str, Path] = {}
    for folder, inside in _walk(root, "(?!)"):
        if not inside:
            _add(found, folder)
    return found


@lru_cache
def folders_in(folder: Path) -> dict[str, Path]:
    """Folders in `folder`: name in lower case -> path; none where there is no such folder. Raises `BadInput` for two of one name."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir():
            _add(found, path)
    return found


def below(folder: Path, *names: str) -> Path:
    """The path `names` lead to from `folder`, whatever the case of the folders' letters; where there is none, the names as they are."""
    for name in names:
        folder = folders_in(folder).get(name.lower(), folder / name)
    return folder


@lru_cache(maxsize=8)
def images_in(folder: Path) -> dict[int, Path]:
    """`numbered_images`, read once for clips that share a folder, as in long videos."""
    return numbered_images(folder)


def find_tables(
    root: Path, files: tuple[str, ...], columns: tuple[str, ...], stop: str, optional: tuple[str, ...] = ()
) -> Iterator[tuple[Path, pd.DataFrame]]:
    """Spreadsheets (or CSV files) of `root` that match the patterns `files` and have the columns; earlier patterns first.

    A table starts below the first row, of any sheet, that has all of `columns`: some editions print a preamble, and sheets
    can be empty. Names are compared by letters and digits alone, in lower case, and returned so ("onsetframe"); of columns
    of one name the first is taken, and an `optional` one that is absent is empty. Rows in which one of the first two columns
    (subject and clip) is empty are left out. Folders that match `stop` are not searched.
    Raises `BadInput` if no file matches or none has the columns.
    """
    paths = find_files(root, files, stop)
    found = False
    for path in paths:
        for sheet in sheets(path):
            table = _below_header(sheet, columns, optional)
            if table is not None:
                found = True
                yield path, table
                break
    if not found and paths:
        raise BadInput(
            f"{paths[0]} has no row with the columns {', '.join(columns)} in any sheet. Is it the file as published?"
        )


def find_table(
    root: Path, files: tuple[str, ...], columns: tuple[str, ...], stop: str, optional: tuple[str, ...] = ()
) -> tuple[tuple[list[Path], list[Path]], pd.DataFrame]:
    """The first of `find_tables`, for a dataset whose editions lie side by side; returns the file read and those not, and the table."""
    path, table = next(find_tables(root, files, columns, stop, optional))
    return ([path], [other for other in find_files(root, files, stop) if other != path]), table


def find_files(root: Path, files: tuple[str, ...], stop: str) -> list[Path]:
    """Files that match the patterns `files`, earlier patterns first, at or below `root`, outside of folders that match `stop`.

    An .xlsx may have been saved as .csv; it then comes after all that were not.
    Raises `BadInput` if there is none.
    """
    # Of the files in a folder shorter names go first: "x.xlsx" before "x - Copy.xlsx".
    there = [
        folder / name
        for folder, _ in _walk(root, stop)
        for name in sorted(os.listdir(folder), key=lambda name: (len(name), name))
    ]
    saved = [re.sub(r"\.xlsx$", ".csv", pattern) for pattern in files]
    paths = [
        path
        for pattern in (*files, *saved)
        for path in there
        if fnmatchcase(path.name.lower(), pattern.lower())
    ]
    paths = [
        path for path in dict.fromkeys(paths) if not path.name.startswith(("~$", "."))
    ]  # lock files of an open Excel
    if not paths:
        raise BadInput(
            f"There is no spreadsheet {' or '.join(files)} in {root}. Put it beside the frames, under its published name."
        )
    return paths


def sheets(path: Path) -> list[pd.DataFrame]:
    """The sheets of a spreadsheet or CSV file, cells as they are, without a header."""
    try:
        if path.suffix.lower() == ".csv":
            lines = path.read_text(encoding="utf-8-sig", errors="replace")
            delimiter = max(
                ",;\t", key=lines.count
            )  # Excel writes semicolons wherever the decimal point is a comma
            return [pd.DataFrame(list(csv.reader(StringIO(lines), delimiter=delimiter)), dtype=object)]
        return list(pd.read_excel(path, sheet_name=None, header=None, dtype=object).values())
    except (ValueError, KeyError, OSError, ImportError, BadZipFile, csv.Error) as error:
        raise BadInput(
            f"{path} cannot be read as a spreadsheet: {error}. Copy it again from the source."
        ) from error


def _below_header(
    sheet: pd.DataFrame, columns: tuple[str, ...], optional: tuple[str, ...]
) -> pd.DataFrame | None:
    for row in range(len(sheet)):
        names = [re.sub(r"\W|_", "", str(cell)).lower() for cell in sheet.iloc[row]]
        if set(columns) <= set(names):
            table = sheet.iloc[row + 1 :].set_axis(names, axis=1)
            table = table.loc[:, ~table.columns.duplicated()].reindex(columns=[*columns, *optional])
            named = table[columns[0]].map(text).ne("") & table[columns[1]].map(text).ne("")
            return table[named]
    return None


def number(cell: object) -> int | None:
    """A frame number as spreadsheets print it (46, 46.0, "46"); None for anything else, such as "/" or an empty cell."""
    match = re.fullmatch(r"\s*(-?\d+)(\.0*)?\s*", str(cell))
    return int(match[1]) if match else None


def text(cell: object) -> str:
    """A cell as text without blanks around it; whole numbers without ".0", empty cells as ""."""
    if pd.isna(cell):
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def apex_cell(cell: object) -> dict:
    """The columns `apex`, `apex_source` and `note` for an annotated apex; what is no number is no apex, and noted."""
    apex = number(cell)
    if apex is None:
        return {"apex": None, "apex_source": "", "note": f"apex printed as {text(cell)!r}"}
    return {"apex": apex, "apex_source": "annotated", "note": ""}


def _is(name: str, pattern: str) -> bool:
    return bool(re.fullmatch(pattern, name, re.IGNORECASE))


def _add(found: dict[str, Path], folder: Path) -> None:
    """Enter a folder under its name in lower case, unless one is there; raises `BadInput` where that one lies beside it."""
    first = found.setdefault(folder.name.lower(), folder)
    if first != folder and first.parent == folder.parent:
        both = f"{first.name} and {folder.name}"
        raise BadInput(
            f"{first.parent} holds two folders whose names differ in upper and lower case only: {both}. Rename or join them."
        )


def _walk(root: Path, stop: str, avoid: tuple[str, ...] = ()) -> Iterator[tuple[Path, list[str]]]:
    """Folders from `root` down to `DEPTH` levels with the names of the folders in them, not entering those that match `stop`."""
    if not root.is_dir():
        raise BadInput(f"There is no folder at {root}. Check --root.")
    level, avoided = [root], [name.lower() for name in avoid]
    for _ in range(DEPTH + 1):
        deeper = []
        for folder in level:
            with os.scandir(
                folder
            ) as entries:  # it knows folders from files without asking the disk about each frame
                inside = sorted(
                    entry.name for entry in entries if entry.is_dir() and entry.name.lower() not in avoided
                )
            yield folder, inside
            deeper += [folder / name for name in inside if not _is(name, stop)]
        level = deeper
