"""A table of own recordings in memory, written to a folder, so that arrays are handled as files are."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from data_prep.image_files.frame_array import ARRAY_SUFFIX
from data_prep.own_recordings.recording_table import BadTable
from data_prep.own_recordings.recordings import RECORDING_SUFFIXES
from mer_core.errors import BadArray
from mer_core.io import atomic_replace
from mer_core.text import format_count

TABLE = "clips.csv"


def write_recordings(table: pd.DataFrame, folder: Path) -> Path:
    """Write a table of recordings whose column `file` may hold arrays of frames.

    An array becomes a file named by its content, so rows with the same frames name one recording; a path
    becomes a link. Existing files are kept.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns as in clips.csv. A cell of `file` is a path, or an array as `ArrayFrames` takes it; any other
        array becomes a row that cannot be used, as a wrong file does. Clips of arrays are called as their
        row if `clip` does not name them.
    folder : Path
        Created if it does not exist.

    Returns
    -------
    Path
        The table, clips.csv in `folder`.

    Raises
    ------
    BadTable
        If there is no column `file`, or the disk cannot hold links.
    BadArray
        If a cell is neither a path nor an array of numbers.
    """
    if "file" not in table:
        raise BadTable(f"The table has no column file. It has: {', '.join(map(str, table.columns))}.")
    _refuse_objects(table["file"])
    folder.mkdir(parents=True, exist_ok=True)
    files, names = [], []
    for row, cell in table["file"].items():
        if isinstance(cell, np.ndarray):
            files.append(_write_array(cell, folder))
            names.append(str(row))
        else:
            target = Path() if _is_empty(cell) else Path(cell).absolute()
            files.append(_link(target, folder) if target.name else "")
            names.append(target.stem if target.suffix.lower() in RECORDING_SUFFIXES else target.name)
    written = table.assign(file=files)
    given = table["clip"] if "clip" in table else pd.Series("", table.index)
    written["clip"] = [name if _is_empty(cell) else cell for cell, name in zip(given, names)]
    with atomic_replace(folder / TABLE) as temporary:
        written.to_csv(temporary, index=False, lineterminator="\n")
    return folder / TABLE


def _refuse_objects(cells: pd.Series) -> None:
    """Raise `BadArray` for cells that are neither a path nor an array of numbers."""
    wrong = [
        (row, type(cell).__name__)
        for row, cell in cells.items()
        if (cell.dtype.hasobject if isinstance(cell, np.ndarray) else not isinstance(cell, (str, Path)))
        and not _is_empty(cell)
    ]
    if wrong:
        row, kind = wrong[0]
        raise BadArray(
            f"{format_count(len(wrong), 'cell')} of the column file hold neither a path nor an array of "
            f"numbers. First: row {row}, {kind}. Give the frames as one array: numpy.stack(frames)."
        )


def _is_empty(cell: object) -> bool:
    return pd.api.types.is_scalar(cell) and (pd.isna(cell) or str(cell).strip() == "")


def _write_array(frames: np.ndarray, folder: Path) -> str:
    """Write an array under a name made of its content; return the name."""
    layout = f"{frames.dtype.str} {frames.shape} ".encode()
    name = hashlib.sha256(layout + frames.tobytes()).hexdigest()[:16] + ARRAY_SUFFIX
    if not (folder / name).is_file():
        with atomic_replace(folder / name) as temporary, temporary.open("wb") as stream:
            np.save(stream, frames, allow_pickle=False)
    return name


def _link(target: Path, folder: Path) -> str:
    """Link to a recording under a name made of its path; return the name. A missing one gets no link."""
    name = f"{hashlib.sha256(bytes(target)).hexdigest()[:8]}_{target.name}"
    link = folder / name
    if target.exists() and not link.is_symlink():
        try:
            link.symlink_to(target, target.is_dir())
        except OSError as error:
            raise BadTable(
                f"{link} cannot be a link to {target}: {error.strerror}. Save the table beside the "
                "recordings and give its path."
            ) from error
    return name
