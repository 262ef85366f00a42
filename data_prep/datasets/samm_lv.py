"""SAMM Long Videos: 147 videos at 200 frames per second with macro- and micro-expressions; the micro-expressions are the clips, and
both are intervals.
"""

from pathlib import Path

import pandas as pd

from data_prep.clip_table import clip_table
from data_prep.dataset_files import (
    Facts,
    apex_cell,
    find_files,
    folders_named,
    images_in,
    number,
    sheets,
    text,
)
from data_prep.interval_table import interval_table, kind_of
from mer_core.errors import BadInput

FACTS = Facts(
    title="SAMM Long Videos",
    fps=200,
    subjects=29,
    clips=159,
    intervals={"micro": 159, "macro": 343},  # in 147 videos, as the abstract of the paper counts them
    emotions={"": 159},  # it gives none
    licence="for research, to each user who signs the release agreement",
    obtain="https://helward.mmu.ac.uk/STAFF/M.Yap/dataset.php (release agreement by e-mail)",
    citation="Yap et al., SAMM Long Videos: A spontaneous facial micro- and macro-expressions dataset, FG 2020",
    doi="10.1109/FG47880.2020.00029",
)

TREE = """\
ROOT
  SAMM_LongVideos_V3_Release.xlsx     (or V2, or V1)
  SAMM_longvideos/
    006_1/
      006_1_0001.jpg ..."""

SPREADSHEETS = tuple(f"SAMM_LongVideos_V{edition}_Release.xlsx" for edition in (3, 2, 1))
VIDEO = r"\d{3}_\d+"
# By position: the rows above the data differ between editions.
SUBJECT, NAME, _, ONSET, APEX, OFFSET, _, KIND, ACTION_UNITS = range(9)


def read_annotations(root: Path) -> pd.DataFrame:
    """Clip table of the micro-expressions, from the latest edition."""
    path, *unread = find_files(Path(root), SPREADSHEETS, VIDEO)
    return clip_table(
        [row | apex_cell(row["apex"]) for row in _rows(path) if row["kind"] == "micro"], [path], unread
    )


def read_intervals(root: Path) -> pd.DataFrame:
    """Interval table of all expressions, from the latest edition."""
    path, *_ = find_files(Path(root), SPREADSHEETS, VIDEO)
    return interval_table([row | {"apex": number(row["apex"])} for row in _rows(path)])


def frame_files(root: Path, row) -> dict[int, Path]:
    """Frame files of the clip's video by number; raises `BadInput` if its folder is not there."""
    return video_files(root, row.clip.rsplit("_", 1)[0])


def video_files(root: Path, video: str) -> dict[int, Path]:
    """Frame files of a long video by number; raises `BadInput` if its folder is not there."""
    folder = folders_named(Path(root), VIDEO).get(video)
    if not folder:
        raise BadInput(f"There is no folder {video} in {root}.")
    return images_in(folder)


def _rows(path: Path) -> list[dict]:
    """Every expression of the first sheet that has any, its apex as printed; no row above the data says so in that column."""
    for sheet in sheets(path):
        if sheet.shape[1] > ACTION_UNITS:
            rows = [
                _row(cells)
                for cells in sheet.itertuples(index=False, name=None)
                if kind_of(text(cells[KIND]))
            ]
            if rows:
                return rows
    raise BadInput(
        f"{path} has no row of a micro- or macro-expression in any sheet. Is it the file as published?"
    )


def _row(cells: tuple) -> dict:
    name = text(cells[NAME])
    return {
        "dataset": "samm_lv",
        "subject": name.split("_")[0],
        "video": name.rsplit("_", 1)[0],
        "clip": name,
        "kind": kind_of(text(cells[KIND])),
        "onset": number(cells[ONSET]),
        "apex": cells[APEX],
        "offset": number(cells[OFFSET]),
        "fps": FACTS.fps,
        "action_units": text(cells[ACTION_UNITS]),
    }
