"""Reading a prepared folder: the clips that came through, their aligned faces and landmarks.

Writing it is `data_prep/prepare.py`'s; what flow adds below `flow/` is flow's.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from data_prep import clip_table
from data_prep.frames import read_image
from mer_core.content import content_id
from mer_core.errors import BadInput
from mer_core.io import read_npz

SETTINGS_FILE = "prepare.json"
CLIPS_FILE = "clips.parquet"
OUTCOME_FILE = "outcome.csv"
INTERVALS_FILE = "intervals.csv"  # of a dataset of long videos


class PreparedDataset:
    """One prepared dataset: `.clips` is the clip table of what came through, `.outcome` has a row for every
    clip.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        table = clip_table.read(self.path / CLIPS_FILE)
        file = self.path / OUTCOME_FILE
        numbers = {"onset": "Int64", "apex": "Int64"}
        try:
            self.outcome = pd.read_csv(
                file, dtype=numbers, keep_default_na=False, na_values=dict.fromkeys(numbers, "")
            )
            ok = self.outcome.loc[self.outcome["outcome"] == "ok", "clip_id"]
        except (OSError, ValueError, KeyError) as error:
            raise BadInput(
                f"{file} cannot be read: {error}. "
                f"Make it again with: mer prepare NAME --root DIR --out {self.path}"
            ) from error
        self.clips = table[table["clip_id"].isin(ok)].reset_index(drop=True)

    def folder(self, clip_id: str) -> Path:
        """Folder of the clip's onset.png, apex.png and landmarks.npz."""
        _, subject, clip = clip_id.split("/")
        return self.path / "faces" / subject / clip

    def faces(self, clip_id: str) -> tuple[np.ndarray, np.ndarray]:
        """The aligned onset and apex, each (size, size, 3) uint8 RGB."""
        first, second = (read_image(self.folder(clip_id) / f"{frame}.png") for frame in ("onset", "apex"))
        return first, second

    def faces_id(self, clip_id: str) -> str:
        """Identify the two faces by their bytes; empty where they are not there."""
        files = [self.folder(clip_id) / f"{frame}.png" for frame in ("onset", "apex")]
        return content_id(files) if all(file.is_file() for file in files) else ""

    def landmarks(self, clip_id: str) -> tuple[np.ndarray, np.ndarray]:
        """Landmarks of onset and apex, each (478, 2) float32 px of the aligned face."""
        file = self.folder(clip_id) / "landmarks.npz"
        stored = read_npz(file)
        if not {"onset", "apex"} <= stored.keys():
            raise BadInput(
                f"{file} holds no landmarks of onset and apex. Delete it and run mer prepare again."
            )
        return stored["onset"], stored["apex"]


def open_prepared(paths: Iterable[str | Path]) -> list[PreparedDataset]:
    """Open prepared folders; a path that holds prepared folders stands for all of them.

    Raises `BadInput` for a path with neither, for a folder that was not finished, and for a dataset that
    comes twice.
    """
    opened: list[PreparedDataset] = []
    for path in map(Path, paths):
        # The settings are written first and the clips last: a dataset that was interrupted is refused, not
        # passed over.
        found = sorted(
            {
                file.parent
                for name in (SETTINGS_FILE, CLIPS_FILE)
                for file in (*path.glob(name), *path.glob(f"*/{name}"))
            }
        )
        if not found:
            raise BadInput(
                f"{path} is no prepared folder and holds none. "
                f"Make one with: mer prepare NAME --root DIR --out {path}"
            )
        opened += map(PreparedDataset, found)
    names = [name for prepared in opened for name in prepared.clips["dataset"].unique()]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise BadInput(
            f"{', '.join(sorted(twice))} is given more than once. Name each prepared dataset once."
        )
    return opened
