"""CASME II: spontaneous micro-expressions at 200 frames per second, from the spreadsheet and the frames."""

from pathlib import Path

import pandas as pd

from data_prep.clip_images import FrameFile
from data_prep.clip_table import clip_table
from data_prep.dataset_files import DatasetFacts, find_folder, frames_in, resolve_path, subject_folder
from data_prep.sheets.annotation_sheets import find_table
from data_prep.sheets.sheet_cells import cell_text, format_subject, read_frame_cells

FACTS = DatasetFacts(
    title="CASME II",
    fps=200,
    subjects=26,
    clips=255,
    emotions={
        "others": 99,
        "disgust": 63,
        "happiness": 32,
        "repression": 27,
        "surprise": 25,
        "sadness": 7,
        "fear": 2,
    },
    licence="for research, to each user who signs the release agreement",
    obtain="http://casme.psych.ac.cn/casme/e2 (release agreement by e-mail)",
    citation="Yan et al., CASME II: An improved spontaneous micro-expression database and the baseline "
    "evaluation, "
    "PLoS ONE 9(1), 2014",
    doi="10.1371/journal.pone.0086041",
)

TREE = """\
ROOT
  CASME2-coding-20140508.xlsx
  CASME2_RAW_selected/                (or Cropped/, with reg_img46.jpg)
    sub01/
      EP02_01f/
        img46.jpg ... img86.jpg       (numbers as published, not padded)
    ...
    sub26/"""

# Protocols count the first edition (255 clips); later ones differ in frames and a few labels.
SPREADSHEETS = ("CASME2-coding-20140508.xlsx", "CASME2-coding-20190701.xlsx", "CASME2-coding*.xlsx")
COLUMNS = ("subject", "filename", "onsetframe", "apexframe", "offsetframe", "actionunits", "estimatedemotion")
SUBJECT = r"sub\d+"
# Raw frames are preferred: they show the whole head, and faces are aligned here anyway.
FRAMES = ("CASME2_RAW_selected", "CASME2-RAW", "CASME2_RAW", "Cropped")


def read_annotations(root: Path) -> pd.DataFrame:
    """Read the clip table from the spreadsheet; subjects are text or integers there, and one apex is "/"."""
    sources, table = find_table(Path(root), SPREADSHEETS, COLUMNS, SUBJECT)
    return clip_table([_row(row) for row in table.itertuples()], sources)


def frame_files(root: Path, row) -> dict[int, FrameFile]:
    """Return the frame files of one clip by number; raise `BadInput` if its folder is missing."""
    return frames_in(
        resolve_path(subject_folder(find_folder(Path(root), SUBJECT, FRAMES), row.subject), row.clip)
    )


def _row(row) -> dict:
    return {
        "dataset": "casme2",
        "subject": format_subject(row.subject, "sub{:02d}"),
        "clip": cell_text(row.filename),
        "fps": FACTS.fps,
        "emotion": cell_text(row.estimatedemotion).lower(),
        "action_units": cell_text(row.actionunits),
        **read_frame_cells(row.onsetframe, row.offsetframe, row.apexframe, row.remark),
    }
