"""SAMM Long Videos: 147 videos at 200 frames per second with macro- and micro-expressions; the micro-expressions are the clips."""

from pathlib import Path

import pandas as pd

from data_prep.clips import clip_table
from data_prep.layout import Facts, apex_cell, find_files, folders_named, images_in, number, sheets, text
from mer.errors import BadInput

FACTS = Facts(
    recalled=True,
    title="SAMM Long Videos",
    fps=200,
    subjects=29,
    clips=159,  # and 343 macro-expressions
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
    """Clip table of the micro-expressions, from the latest edition; no row above the data says so in that column."""
    path, *_ = find_files(Path(root), SPREADSHEETS, VIDEO)
    for sheet in sheets(path):
        if sheet.shape[1] > ACTION_UNITS:
            micro = sheet[sheet[KIND].map(text).str.lower().str.startswith("micro")]
            if len(micro):
                return clip_table([_row(cells) for cells in micro.itertuples(index=False, name=None)])
    raise BadInput(f"{path} has no row of a micro-expression in any sheet. Is it the file as published?")


def frame_files(root: Path, row) -> dict[int, Path]:
    """Frame files of the clip's video by number; raises `BadInput` if its folder is not there."""
    video = row.clip.rsplit("_", 1)[0]
    folder = folders_named(Path(root), VIDEO).get(video)
    if not folder:
        raise BadInput(f"There is no folder {video} in {root}.")
    return images_in(folder)


def _row(cells: tuple) -> dict:
    name = text(cells[NAME])
    return {
        "dataset": "samm_lv",
        "subject": name.split("_")[0],
        "clip": name,
        "onset": number(cells[ONSET]),
        "offset": number(cells[OFFSET]),
        "fps": FACTS.fps,
        "action_units": text(cells[ACTION_UNITS]),
        **apex_cell(cells[APEX]),
    }
