"""Finding things in a dataset folder as it was downloaded: spreadsheets, nested zip folders, clips; and its facts.

What is particular to one dataset stands in its file in `data_prep/datasets/`.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator
from zipfile import BadZipFile

import pandas as pd

from mer.errors import BadInput

DEPTH = 4  # folders in folders that are looked into: zips nest a folder in a folder of the same name


@dataclass(frozen=True)
class Facts:
    """What is published about a dataset; `emotions` counts the clips of each of its words."""

    title: str
    fps: float
    subjects: int
    clips: int
    emotions: dict[str, int]
    licence: str
    obtain: str
    citation: str
    doi: str


def find_folder(root: Path, holds: str, prefer: tuple[str, ...] = (), avoid: tuple[str, ...] = ()) -> Path:
    """The folder at or below `root` that holds folders whose whole name matches the pattern `holds`.

    Of several, the one whose path has the earliest name of `prefer` wins, then the one that comes first by path;
    folders named in `avoid` are not entered. Raises `BadInput` saying where it looked.
    """
    found = [folder for folder, inside in _walk(root, holds, avoid) if any(re.fullmatch(holds, name) for name in inside)]
    if not found:
        here = sorted(path.name + "/" * path.is_dir() for path in root.iterdir())
        raise BadInput(
            f"No folder in {root}, down to {DEPTH} levels, holds the subjects' folders (named like {holds}). "
            f"It holds: {', '.join(here[:8]) or 'nothing'}{', ...' if len(here) > 8 else ''}."
        )

    def rank(folder: Path) -> tuple[int, Path]:
        names = (root.name, *folder.relative_to(root).parts)
        return min((i for i, name in enumerate(prefer) if name in names), default=len(prefer)), folder

    return min(found, key=rank)


def find_table(root: Path, files: tuple[str, ...], columns: tuple[str, ...], stop: str) -> tuple[Path, pd.DataFrame]:
    """The spreadsheet of `root` that matches the earliest pattern of `files`, and its table.

    The table starts below the first row, of any sheet, that has all of `columns`: some editions print a preamble, and
    sheets can be empty. Names are compared by letters and digits alone, in lower case, and returned so ("onsetframe").
    Rows without a subject or a file name are left out. Folders that match `stop` are not searched.
    Raises `BadInput` if no file matches or none has the columns.
    """
    folders = [folder for folder, _ in _walk(root, stop)]
    paths = [path for pattern in files for folder in folders for path in sorted(folder.glob(pattern))]
    for path in dict.fromkeys(paths):
        for sheet in _sheets(path):
            for row in range(len(sheet)):
                names = [re.sub(r"\W|_", "", str(cell)).lower() for cell in sheet.iloc[row]]
                if set(columns) <= set(names):
                    table = sheet.iloc[row + 1 :].set_axis(names, axis=1)[list(columns)]
                    return path, table[(table["subject"].map(text) != "") & (table["filename"].map(text) != "")]
    if paths:
        raise BadInput(f"{paths[0]} has no row with the columns {', '.join(columns)} in any sheet. Is it the file as published?")
    raise BadInput(f"There is no spreadsheet {' or '.join(files)} in {root}. Put it beside the frames, under its published name.")


def _sheets(path: Path) -> list[pd.DataFrame]:
    try:
        return list(pd.read_excel(path, sheet_name=None, header=None, dtype=object).values())
    except (ValueError, KeyError, OSError, BadZipFile) as error:
        raise BadInput(f"{path} cannot be read as a spreadsheet: {error}. Copy it again from the source.") from error


def number(cell: object) -> int | None:
    """A frame number as spreadsheets print it (46, 46.0, "46"); None for anything else, such as "/" or an empty cell."""
    match = re.fullmatch(r"\s*(-?\d+)(\.0*)?\s*", str(cell))
    return int(match[1]) if match else None


def text(cell: object) -> str:
    """A cell as text without blanks around it; whole numbers without ".0", empty cells as ""."""
    if pd.isna(cell):
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def check_names(table: pd.DataFrame) -> pd.DataFrame:
    """Return the clip table if every subject and clip is a plain folder name, else raise `BadInput`.

    Names come from files that others wrote, and become paths below the dataset and the output.
    """
    plain = table[["subject", "clip"]].map(lambda name: name not in ("", ".", "..") and not re.search(r'[/\\:\0]', name))
    wrong = table[~plain.all(axis=1)]
    if len(wrong):
        first = wrong.iloc[0]
        raise BadInput(
            f"{len(wrong)} clip(s) have a name that is no plain folder name. First: subject {first['subject']!r}, clip "
            f"{first['clip']!r}. It would lead out of the dataset folder; correct the annotation file."
        )
    return table


def _walk(root: Path, stop: str, avoid: tuple[str, ...] = ()) -> Iterator[tuple[Path, list[str]]]:
    """Folders from `root` down to `DEPTH` levels with the names of the folders in them, not entering those that match `stop`."""
    if not root.is_dir():
        raise BadInput(f"There is no folder at {root}. Check --root.")
    level = [root]
    for _ in range(DEPTH + 1):
        below = []
        for folder in level:
            inside = sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name not in avoid)
            yield folder, inside
            below += [folder / name for name in inside if not re.fullmatch(stop, name)]
        level = below
