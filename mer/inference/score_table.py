"""The CSV table of scored clips: rows are appended as clips are scored, and sorted at the end."""

import csv
import errno
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd

from data_prep.own_recordings.recordings import Recordings, recording_id
from mer_core.errors import BadInput, OccupiedOutput
from mer_core.io import atomic_replace, printable_path
from mer_core.progress import say

COLUMNS = [
    "clip",
    "folder",
    "content",
    "outcome",
    "reason",
    "reason_code",
    "label",
    "onset",
    "apex",
    "onset_s",
    "apex_s",
    "motion",
    "interval",
    "n_expressions",
    "region",
    "units",
    "warnings",
    "bundle",
    "pipeline_id",
]
REQUIRED = ("clip", "folder", "content", "outcome", "bundle", "pipeline_id")
NUMBERS = ("onset", "apex", "onset_s", "apex_s", "motion", "n_expressions")


class ScoreTable:
    """The rows of some recordings in the table `path`, beside the rows that other runs left there.

    The first row rewrites the file, with every column of every row to come; later rows are appended, so that
    the time per row does not grow with the table. A process that is killed leaves a table whose rows are
    whole, or whose last one is cut, which the next run drops.

    Parameters
    ----------
    path : Path
        CSV file; it may hold rows already. Those of other folders, and of clips that are gone, stay.
    recordings : Recordings
    pipeline_id : str
        What decides a row beside its clip. Earlier rows that agree in it and in content are kept.
    labels : sequence of str
        Labels that a row may give a probability.

    Raises
    ------
    BadInput
        If `path` is not a table of scores.
    """

    def __init__(self, path: Path, recordings: Recordings, pipeline_id: str, labels: Sequence[str]):
        self.path, self.clips, self.pipeline_id = path, recordings.clips, pipeline_id
        self._folder = printable_path(recordings.folder.absolute())
        self._content = {name: _content(clip) for name, clip in self.clips.items()}
        columns, rows = _read(path)
        self._columns = list(dict.fromkeys([*COLUMNS, *columns, *(f"p_{label}" for label in labels)]))
        self._others: list[dict[str, Any]] = []
        self._rows: dict[str, dict[str, Any]] = {}
        self._file: BinaryIO | None = None
        for row in rows:
            name = row["clip"]
            if row["folder"] != self._folder or name not in self.clips:
                self._others.append(row)
            elif (row["pipeline_id"], row["content"]) == (pipeline_id, self._content[name]):
                if row["outcome"] != "failed":
                    self._rows[name] = row

    def missing(self) -> dict[str, Path]:
        """Return the clips without a row, by name."""
        return {name: clip for name, clip in self.clips.items() if name not in self._rows}

    def add(self, row: dict[str, Any]) -> None:
        """Write the row of a clip."""
        name = row["clip"]
        self._rows[name] = row | {"folder": self._folder, "content": self._content[name]}
        if self._file is None:
            self._write()
            self._file = self.path.open("ab", buffering=0)
        else:
            self._append(self._file, self._rows[name])

    def finish(self) -> pd.DataFrame:
        """Write all rows in the order of the clips, and return those of these recordings.

        Numbers are float, NaN where a row has none; all other columns are str.
        """
        self.close()
        rows = self._write()
        table = pd.DataFrame(rows, columns=self._columns)
        for name in self._columns:
            is_number = name in NUMBERS or name.startswith("p_")
            cells = table[name]
            table[name] = pd.to_numeric(cells, errors="coerce") if is_number else cells.fillna("").astype(str)
        return table

    def close(self) -> None:
        """Close the file, if rows were appended."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self) -> list[dict[str, Any]]:
        """Write all rows atomically; return those of these recordings, in the order of the clips."""
        rows = [self._rows[name] for name in self.clips if name in self._rows]
        header = dict(zip(self._columns, self._columns))
        with atomic_replace(self.path) as temporary:
            temporary.write_bytes(self._to_csv([header, *self._others, *rows]))
        return rows

    def _append(self, file: BinaryIO, row: dict[str, Any]) -> None:
        line, size = self._to_csv([row]), file.seek(0, io.SEEK_END)
        if file.write(line) < len(line):
            file.truncate(size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))

    def _to_csv(self, rows: Iterable[dict[str, Any]]) -> bytes:
        text = io.StringIO()
        csv.DictWriter(text, self._columns, lineterminator="\n").writerows(rows)
        return text.getvalue().encode()


def _content(clip: Path) -> str:
    """Return the content of a clip; empty where it cannot be read, which its row will say."""
    try:
        return recording_id(clip)
    except (BadInput, OSError):
        return ""


def _read(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """Return columns and rows of an earlier run as text; raise `BadInput` if `path` is something else."""
    if not path.is_file():
        return [], []
    data = path.read_bytes()
    whole = _end_of_last_row(data)
    if data[whole:].strip():
        say(f"The last row of {path} is cut, as a killed run or a full disk leaves it. It is dropped.")
    try:
        table = pd.read_csv(io.BytesIO(data[:whole]), dtype=str, keep_default_na=False)
        table[list(REQUIRED)]  # a KeyError where one is missing
    except (KeyError, ValueError) as error:
        raise OccupiedOutput(
            f"{path} is there and is not a table of scores ({error}). Choose another --out."
        ) from error
    return list(table), table.to_dict("records")


def _end_of_last_row(data: bytes) -> int:
    """Return the number of bytes up to the last line end outside of quotes."""
    end = position = n_quotes = 0
    for line in data.splitlines(keepends=True):
        position += len(line)
        n_quotes += line.count(b'"')
        if line.endswith((b"\n", b"\r")) and n_quotes % 2 == 0:
            end = position
    return end
