"""Folders of datasets and prepared folders, built and inspected by tests."""

import hashlib
from pathlib import Path

import pandas as pd


def touch(folder: Path, *names: str) -> None:
    """Create empty files: readers of datasets must not open images."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def spreadsheet(path: Path, *sheets: list[tuple]) -> None:
    """Write sheets named Sheet1, Sheet2 and so on, each a list of rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pd.ExcelWriter(path) as book:
        for i, rows in enumerate(sheets):
            pd.DataFrame(rows).to_excel(book, sheet_name=f"Sheet{i + 1}", header=False, index=False)


def first(table: pd.DataFrame):
    """Return the first row of a table, as a named tuple."""
    return next(table.itertuples())


def digests(folder: Path) -> dict[str, str]:
    """Hash every file below a folder, including hidden ones."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def frames_of(root: Path, clip: str) -> Path:
    """Return the folder of a clip."""
    return next(path for path in root.rglob(clip) if path.is_dir())
