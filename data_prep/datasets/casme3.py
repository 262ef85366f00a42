"""CAS(ME)^3, part A: spontaneous micro-expressions at 30 frames per second."""

from pathlib import Path

import pandas as pd

from data_prep.clip_images import FrameFile
from data_prep.clip_table import clip_table
from data_prep.dataset_files import DatasetFacts, folders_named, frames_in, resolve_path
from data_prep.sheets.annotation_sheets import find_table
from data_prep.sheets.sheet_cells import cell_text, format_subject, read_frame_cells
from mer_core.errors import NotFound

FACTS = DatasetFacts(
    title="CAS(ME)^3, part A",
    fps=30,
    subjects=94,
    clips=860,
    emotions={
        "disgust": 250,
        "surprise": 187,
        "others": 161,
        "fear": 86,
        "anger": 64,
        "sad": 57,
        "happy": 55,
    },
    licence="for research, to each user who signs the release agreement",
    obtain="http://casme.psych.ac.cn/casme/e4 (release agreement by e-mail)",
    citation="Li et al., CAS(ME)^3: A third generation facial spontaneous micro-expression database with "
    "depth information "
    "and high ecological validity, IEEE Transactions on Pattern Analysis and Machine Intelligence 45(3), "
    "2023",
    doi="10.1109/TPAMI.2022.3174895",
    missing_fraction=0.12,  # about one clip in ten has no frames in the release
)

TREE = """\
ROOT
  cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx
  spNO.1/                             (the recordings)
    a/
      color/
        175.jpg ...
or, of the clip release,
ROOT
  cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx
  spNo.1_a_355/                       (subject, recording, onset)
    355.jpg ..."""

SPREADSHEETS = ("cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx", "cas(me)3_part_A_ME*.xlsx")
COLUMNS = ("subject", "filename", "onset", "apex", "offset", "au", "emotion")
FOLDER = r"spno\.\d+(_\w+_\d+)?"  # spelled spNO and spNo


def read_annotations(root: Path) -> pd.DataFrame:
    """Read the clip table from the sheet `label`; clips are named by recording and onset.

    A recording contains several clips.
    """
    sources, table = find_table(Path(root), SPREADSHEETS, COLUMNS, FOLDER)
    return clip_table([_row(row) for row in table.itertuples()], sources)


def frame_files(root: Path, row) -> dict[int, FrameFile]:
    """Return the frame files of the clip, or of the whole recording, by number.

    Raises `BadInput` if both folders are missing.
    """
    folders = folders_named(Path(root), FOLDER)
    clip = folders.get(f"{row.subject}_{row.clip}")
    if clip:
        return frames_in(clip)
    subject = folders.get_subject(row.subject)
    if not subject:
        raise NotFound(f"There is no folder {row.subject} or {row.subject}_{row.clip} in {root}.")
    return frames_in(resolve_path(subject, row.clip.rsplit("_", 1)[0], "color"))


def _row(row) -> dict:
    return {
        "dataset": "casme3",
        "subject": format_subject(row.subject, "spNO.{}"),
        "clip": f"{cell_text(row.filename)}_{cell_text(row.onset)}",
        "fps": FACTS.fps,
        "emotion": cell_text(row.emotion).lower(),
        "action_units": cell_text(row.au),
        **read_frame_cells(row.onset, row.offset, row.apex, row.remark),
    }
