"""Read ready-made motion maps: a folder of PNG or NPY files, and an index of their clips and labels.

A PNG is read as value / 255. 128 is *not* assumed to mean "no motion": public maps, such as those of the
CausalNet repository, stretch each channel of each clip to its own minimum and maximum, which loses both the
zero and the amplitude. Flow stored as float pixels has no such loss.
"""

from collections.abc import Callable
from hashlib import sha256
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from data_prep.identity import clean_name, dataset_key, describe_merged, subject_key, unify_spellings
from data_prep.sheets.annotation_sheets import read_table
from data_prep.sheets.sheet_cells import cell_text, is_name
from mer.evaluation.map_files import BadMap, read_map
from mer_core.errors import BadInput, NotFound
from mer_core.progress import say, track
from mer_core.text import format_count

MAX_CHANNELS = 8  # u, v, magnitude, angle, four of strain
MAX_UNIT_RATIO = 10.0  # between datasets; their motion differs by less
COLUMNS = ["file", "dataset", "subject", "clip", "label"]


class BadIndex(BadInput):
    """An index of maps with empty, contradictory or duplicate rows."""

    code = "bad-index"


def read_maps(folder: str | Path, index: str | Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Read every map that `index` lists.

    Two spellings of a subject, dataset or label are merged, with a note.

    Parameters
    ----------
    folder : path
        Folder of the files; map_files.py says what they may hold.
    index : path
        Table (.csv with any delimiter, .xlsx, .xls) with the columns `file` (inside `folder`), `dataset`,
        `subject`, `clip`, `label`.

    Returns
    -------
    table : DataFrame
        `clip_id, dataset, subject, clip, label`.
    X : (N, C, H, W) float32
        0..1 for pictures.

    Raises
    ------
    BadInput
        For missing files, a path that leaves `folder`, unreadable maps or maps of different shapes, an index
        that lacks a column or lists a clip twice.
    """
    folder = Path(folder)
    table = _read_index(Path(index))
    paths = [_inside(folder, name) for name in table["file"]]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise NotFound(
            f"{len(missing)} of {len(paths)} maps do not exist. First: {missing[0]}. "
            f"Paths in the column `file` of {index} are relative to --maps: check that folder."
        )
    maps = [read_map(path) for path in track(paths, "reading maps")]
    shape = maps[0].shape
    unequal = [(path, m.shape) for path, m in zip(paths, maps) if m.shape != shape]
    if unequal:
        raise BadMap(
            f"{len(unequal)} of {len(maps)} maps differ from the first one, {paths[0].name} {shape}. "
            f"First: {unequal[0][0].name} {unequal[0][1]}. All must have the same channels x height x width."
        )
    X = np.stack(maps)
    for sentence in describe_maps(table["dataset"], X):
        say(sentence)
    _warn_copies(table, X)
    if len({path.suffix.lower() in (".npy", ".npz") for path in paths}) > 1:
        say("The index lists pictures (read as value / 255) and arrays (read unchanged). Check their units.")
    return table.drop(columns="file"), X


def describe_maps(datasets: pd.Series, X: np.ndarray) -> list[str]:
    """Return what was read, and what suggests that axes, channels or units were not meant so.

    Parameters
    ----------
    datasets : Series
        Name of each map's dataset.
    X : (N, C, H, W) float32
    """
    n, channels, height, width = X.shape
    sentences = [
        f"Read {n} maps of {channels} channels x {height} x {width}, values {X.min():.3g} to {X.max():.3g}."
    ]
    if channels > MAX_CHANNELS:
        sentences.append(f"{channels} channels are more than flow and strain have. Are they frames?")
    constant = [c for c in range(channels) if (X[:, c] == X[0, c, 0, 0]).all()]
    if constant:
        sentences.append(f"Channel {constant[0]} has one value only in all maps.")
    equal = [(a, b) for a, b in combinations(range(channels), 2) if (X[:, a] == X[:, b]).all()]
    if equal and not constant:
        sentences.append(f"Channels {equal[0][0]} and {equal[0][1]} are equal in all maps. Are they grey?")
    size = pd.Series(np.abs(X).reshape(n, -1).mean(axis=1)).groupby(datasets.to_numpy()).median()
    if size.max() > MAX_UNIT_RATIO * size.min():
        ratio = size.max() / max(size.min(), 1e-12)
        sentences.append(
            f"Values of {size.idxmax()} are {ratio:.3g} times as large as those of {size.idxmin()} (median). "
            "Are the units the same?"
        )
    return sentences


def _read_index(path: Path) -> pd.DataFrame:
    """Return the index with one spelling of each name; all values are text, so that 006 stays 006."""
    found = read_table(path, COLUMNS, n_named=0)
    for remark in found.remarks:
        say(f"{remark}.")
    table = found.rows[COLUMNS].map(cell_text)
    table["file"] = ["" if pd.isna(cell) else str(cell).strip() for cell in found.rows["file"]]
    if not len(table):
        raise BadIndex(f"The index {path} lists no map. It needs {', '.join(COLUMNS)}, one row per map.")
    empty = (table == "").any(axis=1) | ~table["subject"].map(is_name)
    slashed = table[["dataset", "subject"]].map(lambda name: "/" in name).any(axis=1)
    _refuse_rows(path, table.index[empty], "an empty value or no letter or digit in the subject")
    _refuse_rows(
        path, table.index[slashed], "a slash in dataset or subject, between which it stands in results"
    )
    table["dataset"] = _merge_spellings(table["dataset"], dataset_key, path)
    for _, rows in table.groupby("dataset"):
        table.loc[rows.index, "subject"] = _merge_spellings(rows["subject"], subject_key, path)
    table["label"] = _merge_spellings(table["label"], lambda label: clean_name(label).casefold(), path)
    table.insert(0, "clip_id", table["dataset"] + "/" + table["subject"] + "/" + table["clip"])
    for column in ("clip_id", "file"):
        duplicates = table.index[table[column].duplicated()]
        if len(duplicates):
            raise BadIndex(
                f"The index {path} lists {format_count(len(duplicates), column)} more than once. First: "
                f"{table[column][duplicates[0]]}, line {duplicates[0]}. Keep one row per clip and per file."
            )
    return table.reset_index(drop=True)


def _refuse_rows(path: Path, lines: pd.Index, problem: str) -> None:
    if len(lines):
        raise BadIndex(
            f"The index {path} has {format_count(len(lines), 'row')} with {problem}. First: line {lines[0]}."
        )


def _merge_spellings(column: pd.Series, key: Callable[[object], str], path: Path) -> list[str]:
    """Return the names of a column with one spelling each; note what was merged."""
    unified, merged = unify_spellings(list(column), key)
    if merged:
        say(describe_merged(merged, str(path), str(column.name)))
    return unified


def _warn_copies(table: pd.DataFrame, X: np.ndarray) -> None:
    """Warn where maps of two subjects are equal to the last bit: a copy, or a clip without motion."""
    first: dict[bytes, int] = {}
    copies = []
    for i, values in enumerate(X):
        other = first.setdefault(sha256(values.tobytes()).digest(), i)
        if tuple(table.loc[other, ["dataset", "subject"]]) != tuple(table.loc[i, ["dataset", "subject"]]):
            copies.append((table["file"][other], table["file"][i]))
    if copies:
        say(
            f"{format_count(len(copies), 'map equals', 'maps equal')} one of another subject, value for "
            f"value. First: {copies[0][1]} = {copies[0][0]}. Is a clip listed under two names?"
        )


def _inside(folder: Path, name: str) -> Path:
    """Return the path of a file listed in the index; raise `BadIndex` if it leaves `folder`."""
    path = folder / name
    try:
        is_inside = path.resolve().is_relative_to(folder.resolve())
        path.is_file()  # raises for a name that is too long or holds a null byte
    except (OSError, ValueError) as error:
        raise BadIndex(
            f"The index lists {name[:80]!r}, which cannot be the name of a file: {error.__class__.__name__}."
        ) from error
    if not is_inside:
        raise BadIndex(
            f"The index lists {name!r}, which is outside {folder}. Only files inside the folder are read."
        )
    return path
