"""Motion maps made elsewhere: a folder of PNG or NPY files and a CSV that says whose they are -> table and features.

A PNG is read as value / 255 and nothing else. Its zero of motion is *not* assumed to be 128: public maps, such as those of
the CausalNet repository, stretch each channel of each clip to its own minimum and maximum, so that the value that means
"no motion" differs from clip to clip and is lost, as is the amplitude. Flow kept as float pixels has no such loss.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from mer_core.errors import BadInput
from mer_core.progress import track

COLUMNS = ["file", "dataset", "subject", "clip", "label"]


def read_maps(folder: str | Path, index: str | Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Read every map that `index` lists.

    folder : where the files lie; PNG is 8-bit RGB or grey, NPY is (C, H, W) of numbers
    index : CSV with the columns file (inside `folder`), dataset, subject, clip, label
    returns table `clip_id, dataset, subject, clip, label` and X (N, C, H, W) float32; PNG values are 0..1
    Raises `BadInput` for missing files (the first, and how many), a path that leaves `folder`, unreadable or unequal maps.
    """
    folder = Path(folder)
    table = _read_index(index)
    paths = [_inside(folder, name) for name in table["file"]]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise BadInput(
            f"{len(missing)} of {len(paths)} maps are not there. First: {missing[0]}. "
            f"Check that --maps is the folder that the column `file` of {index} starts from."
        )
    maps = [_read_map(path) for path in track(paths, "reading maps")]
    shape = maps[0].shape
    unequal = [(path, m.shape) for path, m in zip(paths, maps) if m.shape != shape]
    if unequal:
        raise BadInput(
            f"{len(unequal)} of {len(maps)} maps differ from the first one, {paths[0].name} {shape}. "
            f"First: {unequal[0][0].name} {unequal[0][1]}. All must be channels x height x width alike."
        )
    table.insert(0, "clip_id", table["dataset"] + "/" + table["subject"] + "/" + table["clip"])
    return table.drop(columns="file"), np.stack(maps)


def _read_index(path: str | Path) -> pd.DataFrame:
    """The CSV with all its values as text, so that subject 006 stays 006."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise BadInput(f"The index {path} cannot be read: {error}") from error
    lacking = [name for name in COLUMNS if name not in table.columns]
    if lacking or not len(table):
        wrong = f"lacks the column(s) {', '.join(lacking)}" if lacking else "lists no map"
        raise BadInput(f"The index {path} {wrong}. It needs {', '.join(COLUMNS)}, one row per map.")
    empty = np.flatnonzero((table[COLUMNS] == "").any(axis=1))
    if len(empty):
        raise BadInput(
            f"The index {path} has {len(empty)} row(s) with an empty value. First: line {empty[0] + 2}."
        )
    return table[COLUMNS]


def _inside(folder: Path, name: str) -> Path:
    """The path of a file listed in the index, which must not lead out of `folder`."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BadInput(
            f"The index lists {name!r}, which lies outside of {folder}. Only files inside the folder are read."
        )
    return path


def _read_map(path: Path) -> np.ndarray:
    """One map as (C, H, W) float32."""
    try:
        if path.suffix.lower() == ".npy":
            values = np.load(path, allow_pickle=False)
            if values.ndim != 3 or not np.issubdtype(values.dtype, np.number):
                raise ValueError(
                    f"it holds {values.dtype} of shape {values.shape}, not numbers of channels x height x width"
                )
            return values.astype(np.float32)
        return _read_picture(path)
    except (OSError, ValueError) as error:
        raise BadInput(f"The map {path} cannot be read: {error}.") from error


def _read_picture(path: Path) -> np.ndarray:
    """An 8-bit picture as (C, H, W) float32, 0..1."""
    from PIL import Image

    with Image.open(path) as picture:
        if picture.mode not in ("RGB", "L"):
            raise ValueError(f"its pixels are of kind {picture.mode}; 8-bit RGB or grey is needed")
        values = np.asarray(picture, dtype=np.float32) / 255
    return np.moveaxis(np.atleast_3d(values), -1, 0).copy()
