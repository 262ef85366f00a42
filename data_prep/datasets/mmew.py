"""MMEW: micro-expressions at 90 frames per second, from the spreadsheet and clip folders.

The macro-expressions of the same subjects are not read.
"""

from pathlib import Path

import pandas as pd

from data_prep.clip_images import FrameFile
from data_prep.clip_table import clip_table
from data_prep.dataset_files import DatasetFacts, folders_named, frames_in
from data_prep.sheets.annotation_sheets import find_table
from data_prep.sheets.sheet_cells import cell_text, format_subject, read_frame_cells
from mer_core.errors import NotFound

FACTS = DatasetFacts(
    unverified=True,  # the emotions; http://www.dpailab.com/database.html counts 300 clips
    title="MMEW",
    fps=90,
    subjects=36,
    clips=300,
    emotions={
        "surprise": 89,
        "disgust": 72,
        "others": 66,
        "happiness": 36,
        "fear": 16,
        "sadness": 13,
        "anger": 8,
    },
    licence="for research, to each user who signs the release agreement",
    obtain="https://github.com/benxianyeteam/MMEW-Dataset (release agreement by e-mail)",
    citation="Ben et al., Video-based facial micro-expression analysis: A survey of datasets, features and "
    "algorithms, "
    "IEEE Transactions on Pattern Analysis and Machine Intelligence 44(9), 2022",
    doi="10.1109/TPAMI.2021.3067464",
)

TREE = """\
ROOT
  MMEW_Micro_Exp.xlsx
  Micro_Expression/
    anger/
      S13-07-001/
        1.jpg ...
    ...
    repression/                       (holds the label others)"""

COLUMNS = ("subject", "filename", "onsetframe", "apexframe", "offsetframe", "actionunits", "estimatedemotion")
CLIP = r"s\d+-\d+-\d+"  # subject, emotion, sample: unique whatever the emotion's folder


def read_annotations(root: Path) -> pd.DataFrame:
    """Read the clip table from the spreadsheet; frames count from 1 in each clip."""
    sources, table = find_table(Path(root), ("MMEW_Micro_Exp*.xlsx",), COLUMNS, CLIP)
    return clip_table([_row(row) for row in table.itertuples()], sources)


def frame_files(root: Path, row) -> dict[int, FrameFile]:
    """Return the frame files of one clip by number; raise `BadInput` if its folder is missing."""
    folder = folders_named(Path(root), CLIP, ("Micro_Expression",)).get(row.clip)
    if not folder:
        raise NotFound(f"There is no folder {row.clip} in {root}.")
    return frames_in(folder)


def _row(row) -> dict:
    return {
        "dataset": "mmew",
        "subject": format_subject(row.subject, "S{:02d}"),
        "clip": cell_text(row.filename),
        "fps": FACTS.fps,
        "emotion": cell_text(row.estimatedemotion).lower(),
        "action_units": cell_text(row.actionunits),
        **read_frame_cells(row.onsetframe, row.offsetframe, row.apexframe, row.remark),
    }
