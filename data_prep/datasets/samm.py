"""SAMM: spontaneous micro-expressions at 200 frames per second, grey, from the spreadsheet and frames."""

from pathlib import Path

import pandas as pd

from data_prep.clip_images import FrameFile
from data_prep.clip_table import clip_table
from data_prep.dataset_files import DatasetFacts, find_folder, frames_in, resolve_path, subject_folder
from data_prep.sheets.annotation_sheets import find_table
from data_prep.sheets.sheet_cells import cell_text, format_subject, read_frame_cells

FACTS = DatasetFacts(
    title="SAMM",
    fps=200,
    subjects=29,
    clips=159,
    emotions={
        "anger": 57,
        "other": 26,
        "happiness": 26,
        "surprise": 15,
        "contempt": 12,
        "disgust": 9,
        "fear": 8,
        "sadness": 6,
    },
    licence="for research, to each user who signs the release agreement",
    obtain="https://helward.mmu.ac.uk/STAFF/M.Yap/dataset.php (release agreement by e-mail)",
    citation="Davison et al., SAMM: A spontaneous micro-facial movement dataset, "
    "IEEE Transactions on Affective Computing 9(1), 2018",
    doi="10.1109/TAFFC.2016.2573832",
)

TREE = """\
ROOT
  SAMM_Micro_FACS_Codes_v2.xlsx
  006/
    006_1_2/
      006_05562.jpg ...               (padded to 4 or 5 digits)
  ...
  037/"""

SPREADSHEETS = ("SAMM_Micro_FACS_Codes_v2.xlsx", "SAMM*Micro_FACS_Codes*.xlsx")
COLUMNS = ("subject", "filename", "onsetframe", "apexframe", "offsetframe", "actionunits", "estimatedemotion")
SUBJECT = r"\d{3}"


def read_annotations(root: Path) -> pd.DataFrame:
    """Read the clip table from the spreadsheet; in some editions its header follows a preamble."""
    sources, table = find_table(Path(root), SPREADSHEETS, COLUMNS, SUBJECT)
    return clip_table([_row(row) for row in table.itertuples()], sources)


def frame_files(root: Path, row) -> dict[int, FrameFile]:
    """Return the frame files of one clip by number; raise `BadInput` if its folder is missing."""
    return frames_in(
        resolve_path(subject_folder(find_folder(Path(root), SUBJECT, ("SAMM",)), row.subject), row.clip)
    )


def _row(row) -> dict:
    emotion = cell_text(row.estimatedemotion).lower()
    return {
        "dataset": "samm",
        "subject": format_subject(row.subject, "{:03d}"),
        "clip": cell_text(row.filename),
        "fps": FACTS.fps,
        "emotion": "other" if emotion == "others" else emotion,  # both are printed
        "action_units": cell_text(row.actionunits),
        **read_frame_cells(row.onsetframe, row.offsetframe, row.apexframe, row.remark),
    }
