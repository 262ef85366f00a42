"""CASME: spontaneous micro-expressions at 60 frames per second, from the spreadsheet and the frames."""

from pathlib import Path

import pandas as pd

from data_prep.clip_images import FrameFile
from data_prep.clip_table import clip_table
from data_prep.dataset_files import DatasetFacts, find_folder, frames_in, resolve_path, subject_folder
from data_prep.sheets.annotation_sheets import find_table
from data_prep.sheets.sheet_cells import cell_number, cell_text, format_subject, read_frame_cells

FACTS = DatasetFacts(
    # The release has 189 clips (CD6ME, Varanka et al., arXiv 2211.11425); the paper and
    # http://casme.psych.ac.cn/casme/e1 count 195.
    unverified=True,  # the emotions
    title="CASME",
    fps=60,
    subjects=19,
    clips=189,
    emotions={
        "tense": 69, "disgust": 44, "repression": 38, "surprise": 20, "happiness": 9, "sadness": 6,
        "fear": 2, "contempt": 1,
    },
    licence="for research, to each user who signs the release agreement",
    obtain="http://casme.psych.ac.cn/casme/e1 (release agreement by e-mail)",
    citation="Yan et al., CASME database: A dataset of spontaneous micro-expressions collected from "
        "neutralized faces, FG 2013",
    doi="10.1109/FG.2013.6553799",
    missing_fraction=0.03,  # five rows of the spreadsheet name frames that are not in the release
)  # fmt: skip

TREE = """\
ROOT
  casme.xlsx
  CASME_raw_selected/                 (or Cropped/, with reg_EP01_5-12.jpg)
    sub01/
      EP01_5/
        EP01_5-12.jpg ...             (padded to 3 digits in later subjects)
    ..."""

SPREADSHEETS = ("casme.xlsx", "casme*.xlsx")
COLUMNS = ("subject", "filename", "onsetf", "apexf1", "apexf2", "offsetf", "emotion")
SUBJECT = r"sub\d+"
FRAMES = ("CASME_raw_selected", "Cropped")


def read_annotations(root: Path) -> pd.DataFrame:
    """Read the clip table from the spreadsheet; of two apexes the first is used and the second noted."""
    sources, table = find_table(
        Path(root), SPREADSHEETS, COLUMNS, SUBJECT, optional=("au", "aus", "actionunits")
    )
    return clip_table([_row(row) for row in table.itertuples()], sources)


def frame_files(root: Path, row) -> dict[int, FrameFile]:
    """Return the frame files of one clip by number; raise `BadInput` if its folder is missing."""
    return frames_in(
        resolve_path(subject_folder(find_folder(Path(root), SUBJECT, FRAMES), row.subject), row.clip)
    )


def _row(row) -> dict:
    second = cell_number(row.apexf2)
    columns = {
        "dataset": "casme",
        "subject": format_subject(row.subject, "sub{:02d}"),
        "clip": cell_text(row.filename),
        "fps": FACTS.fps,
        "emotion": cell_text(row.emotion).lower(),
        "action_units": cell_text(row.au) or cell_text(row.aus) or cell_text(row.actionunits),
        **read_frame_cells(row.onsetf, row.offsetf, row.apexf1, row.remark),
    }
    if second:
        columns["note"] = "; ".join(filter(None, (columns["note"], f"a second apex is printed: {second}")))
    return columns
