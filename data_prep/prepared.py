"""Prepared folders as `prepare.py` writes them: the usable clips, their aligned faces and landmarks."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from data_prep import clip_table
from data_prep.frames import read_image
from mer_core.content import content_id
from mer_core.errors import Duplicate, UnreadableFile
from mer_core.io import read_npz

SETTINGS_FILE = "prepare.json"
CLIPS_FILE = "clips.parquet"
OUTCOME_FILE = "outcome.csv"
INTERVALS_FILE = "intervals.csv"  # of a dataset of long videos
RECORDINGS_FOLDER = (
    "recordings_from_memory"  # arrays and links, if the recordings were given as a table in memory
)


class PreparedDataset:
    """One prepared dataset.

    Parameters
    ----------
    path : path
        The prepared folder.

    Attributes
    ----------
    clips : pandas.DataFrame
        Clip table of the clips whose outcome is "ok".
    outcome : pandas.DataFrame
        outcome.csv: one row for every clip.

    Raises
    ------
    BadInput
        If a table is missing or damaged.
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
            usable = self.outcome.loc[self.outcome["outcome"] == "ok", "clip_id"]
        except (OSError, ValueError, KeyError) as error:
            raise UnreadableFile(
                f"{file} cannot be read: {error}. Make it again with: mer prepare NAME --root DIR --out "
                f"{self.path}"
            ) from error
        self.clips = table[table["clip_id"].isin(usable)].reset_index(drop=True)

    def folder(self, clip_id: str) -> Path:
        """Return the folder with the clip's onset.png, apex.png and landmarks.npz."""
        _, subject, clip = clip_id.split("/")
        return self.path / "faces" / subject / clip

    def faces(self, clip_id: str) -> tuple[np.ndarray, np.ndarray]:
        """Read the aligned onset and apex, each (size, size, 3) uint8 RGB."""
        folder = self.folder(clip_id)
        return read_image(folder / "onset.png"), read_image(folder / "apex.png")

    def faces_id(self, clip_id: str) -> str:
        """Return the content identity of the two faces; empty if they are missing."""
        files = [self.folder(clip_id) / f"{frame}.png" for frame in ("onset", "apex")]
        return content_id(files) if all(file.is_file() for file in files) else ""

    def landmarks(self, clip_id: str) -> tuple[np.ndarray, np.ndarray]:
        """Read the landmarks of onset and apex, each (478, 2) float32 px of the aligned face."""
        file = self.folder(clip_id) / "landmarks.npz"
        stored = read_npz(file)
        if not {"onset", "apex"} <= stored.keys():
            raise UnreadableFile(
                f"{file} holds no landmarks of onset and apex. Delete it and run mer prepare again."
            )
        return stored["onset"], stored["apex"]


def open_prepared(paths: Iterable[str | Path]) -> list[PreparedDataset]:
    """Open prepared folders; a path that contains prepared folders stands for all of them.

    Raises
    ------
    BadInput
        If a path is neither, if a folder is unfinished, or if a dataset is given twice.
    """
    opened: list[PreparedDataset] = []
    for path in map(Path, paths):
        # Settings are written first and clips last; an interrupted dataset is found by its settings, and
        # refused.
        folders = {
            file.parent
            for name in (SETTINGS_FILE, CLIPS_FILE)
            for file in (*path.glob(name), *path.glob(f"*/{name}"))
        }
        if not folders:
            raise UnreadableFile(
                f"{path} is not a prepared folder and holds none. "
                f"Make one with: mer prepare NAME --root DIR --out {path}"
            )
        opened += map(PreparedDataset, sorted(folders))
    names = [name for prepared in opened for name in prepared.clips["dataset"].unique()]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        own = " List own recordings in one table, and prepare that." if "table" in repeated else ""
        raise Duplicate(
            f"{', '.join(sorted(repeated))} is given more than once. Name each prepared dataset once.{own}"
        )
    return opened
