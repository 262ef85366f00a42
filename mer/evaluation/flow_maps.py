"""Motion maps made elsewhere: a folder of PNG or NPY files and a table of whose they are -> table and
features.

A PNG is read as value / 255 and nothing else. Its zero of motion is *not* assumed to be 128: public maps,
such as those of the CausalNet repository, stretch each channel of each clip to its own minimum and maximum,
so that the value that means "no motion" differs from clip to clip and is lost, as is the amplitude. Flow kept
as float pixels has no such loss.
"""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from data_prep.annotation_sheets import read_table
from data_prep.identity import clean_name, dataset_key, describe_merged, subject_key, unify_spellings
from data_prep.sheet_cells import cell_text
from mer.evaluation.map_files import read_map
from mer_core.errors import BadInput
from mer_core.progress import say, track

COLUMNS = ["file", "dataset", "subject", "clip", "label"]


class BadIndex(BadInput):
    """An index of maps with rows that are empty, contradict each other, or stand twice."""

    code = "bad-index"


def read_maps(folder: str | Path, index: str | Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Read every map that `index` lists.

    Two spellings of a subject, dataset or label are one, and said.

    Parameters
    ----------
    folder : where the files lie; see `mer/evaluation/map_files.py` for what they may be
    index : table (.csv with any delimiter, .xlsx, .xls) with the columns file (inside `folder`), dataset,
        subject, clip, label

    Returns
    -------
    table : `clip_id, dataset, subject, clip, label`
    X : (N, C, H, W) float32; values of pictures are 0..1

    Raises
    ------
    BadInput : missing files (the first, and how many), a path that leaves `folder`, unreadable or unequal
        maps, a table that lacks a column or lists a clip twice
    """
    folder = Path(folder)
    table = _read_index(Path(index))
    paths = [_inside(folder, name) for name in table["file"]]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise BadInput(
            f"{len(missing)} of {len(paths)} maps are not there. First: {missing[0]}. "
            f"Check that --maps is the folder that the column `file` of {index} starts from."
        )
    maps = [read_map(path) for path in track(paths, "reading maps")]
    shape = maps[0].shape
    unequal = [(path, m.shape) for path, m in zip(paths, maps) if m.shape != shape]
    if unequal:
        raise BadInput(
            f"{len(unequal)} of {len(maps)} maps differ from the first one, {paths[0].name} {shape}. "
            f"First: {unequal[0][0].name} {unequal[0][1]}. All must be channels x height x width alike."
        )
    X = np.stack(maps)
    _say_copies(table, X)
    if len({path.suffix.lower() in (".npy", ".npz") for path in paths}) > 1:
        say(
            "The index lists pictures, read as value / 255, and arrays, read as they are. Do their units "
            "agree?"
        )
    return table.drop(columns="file"), X


def _read_index(path: Path) -> pd.DataFrame:
    """The index with all its values as text, so that subject 006 stays 006, and one spelling of each name."""
    found = read_table(path, COLUMNS, n_named=0)
    for remark in found.remarks:
        say(f"{remark}.")
    table = found.rows[COLUMNS].map(cell_text)
    table["file"] = ["" if pd.isna(cell) else str(cell).strip() for cell in found.rows["file"]]
    if not len(table):
        raise BadIndex(f"The index {path} lists no map. It needs {', '.join(COLUMNS)}, one row per map.")
    empty = table.index[(table == "").any(axis=1)]
    if len(empty):
        raise BadIndex(
            f"The index {path} has {len(empty)} row(s) with an empty value. First: line {empty[0]}."
        )
    _unify(table, "dataset", dataset_key, path)
    for _, rows in table.groupby("dataset"):
        table.loc[rows.index, "subject"] = _one(list(rows["subject"]), subject_key, path, "subject")
    _unify(table, "label", lambda label: clean_name(label).casefold(), path)
    table.insert(0, "clip_id", table["dataset"] + "/" + table["subject"] + "/" + table["clip"])
    for column in ("clip_id", "file"):
        twice = table.index[table[column].duplicated()]
        if len(twice):
            raise BadIndex(
                f"The index {path} lists {len(twice)} {column}(s) more than once. First: "
                f"{table[column][twice[0]]}, line {twice[0]}. Each clip and each file stands in one row."
            )
    return table.reset_index(drop=True)


def _unify(table: pd.DataFrame, column: str, key: Callable[[object], str], path: Path) -> None:
    table[column] = _one(list(table[column]), key, path, column)


def _one(names: list[str], key: Callable[[object], str], path: Path, what: str) -> list[str]:
    """The names with one spelling each; what was merged is said."""
    unified, merged = unify_spellings(names, key)
    if merged:
        say(describe_merged(merged, str(path), what))
    return unified


def _say_copies(table: pd.DataFrame, X: np.ndarray) -> None:
    """Say where maps of two subjects are equal to the last bit: a copy, or a clip without motion."""
    first: dict[bytes, int] = {}
    copies = []
    for i, values in enumerate(X):
        other = first.setdefault(sha256(values.tobytes()).digest(), i)
        if tuple(table.loc[other, ["dataset", "subject"]]) != tuple(table.loc[i, ["dataset", "subject"]]):
            copies.append((table["file"][other], table["file"][i]))
    if copies:
        say(
            f"{len(copies)} map(s) equal one of another subject, value for value. "
            f"First: {copies[0][1]} = {copies[0][0]}. Is a clip listed under two names?"
        )


def _inside(folder: Path, name: str) -> Path:
    """The path of a file listed in the index, which must not lead out of `folder`."""
    path = folder / name
    try:
        is_inside = path.resolve().is_relative_to(folder.resolve())
        path.is_file()  # too long a name is an error here, not a file that is missing
    except (OSError, ValueError) as error:  # a name that no file can have
        raise BadIndex(
            f"The index lists {name[:80]!r}, which names no file: {error.__class__.__name__}."
        ) from error
    if not is_inside:
        raise BadInput(
            f"The index lists {name!r}, which lies outside of {folder}. "
            "Only files inside the folder are read."
        )
    return path
