"""DFME: spontaneous micro-expressions at 200, 300 and 500 frames per second, from its tables and folders."""

from pathlib import Path

import pandas as pd

from data_prep.clip_images import FrameFile
from data_prep.clip_table import clip_table
from data_prep.dataset_files import DatasetFacts, all_folders, frames_in
from data_prep.identity import subject_key
from data_prep.sheets.annotation_sheets import AmbiguousSheet, AnnotationSources, find_tables
from data_prep.sheets.sheet_cells import cell_rate, cell_text, read_frame_cells
from mer_core.errors import NotFound

WORDS = ("happiness", "anger", "contempt", "disgust", "fear", "sadness", "surprise")

FACTS = DatasetFacts(
    title="DFME",
    fps=200,  # or 300, or 500: given for each clip
    subjects=None,  # the paper counts 671 with 7,526 clips; the number in the release is not published
    clips=2629,  # 1856 for training, 474 and 299 in test sets A and B
    emotions=dict.fromkeys(WORDS),
    licence="for research, to each user who signs the release agreement",
    obtain="https://mea-lab-421.github.io (release agreement by e-mail)",
    citation="Zhao et al., DFME: A new benchmark for dynamic facial micro-expression recognition, "
    "IEEE Transactions on Affective Computing 15(3), 2024",
    doi="10.1109/TAFFC.2023.3341918",
)

TREE = """\
ROOT
  any table (.xlsx or .csv) with Subject, Filename, OnsetFrame, ApexFrame, OffsetFrame, Emotion, EmotionId,
  Fps, AU;
  several are joined: training set, test sets A and B
  CLIP/                               (named as in Filename, at any depth to 4)
    00109.png ..."""

COLUMNS = ("subject", "filename", "onsetframe", "apexframe", "offsetframe")


def read_annotations(root: Path) -> pd.DataFrame:
    """Read the clip table from all tables; a table that lists no new clip is skipped as a copy.

    Raises `AmbiguousSheet` if such a copy contradicts the other tables.
    """
    rows, sources = [], AnnotationSources()
    facts_of_clips: dict = {}
    for table in find_tables(Path(root), ("*.xlsx",), COLUMNS, "(?!)", optional=("emotion", "fps", "au")):
        new_rows = [_row(row) for row in table.rows.itertuples()]
        facts = {(subject_key(row["subject"]), row["clip"]): _row_facts(row) for row in new_rows}
        if not facts.keys() <= facts_of_clips.keys():
            rows += new_rows
            sources.files_read.append((table.path, table.sheet))
            sources.remarks += table.remarks
        elif clip := next((clip for clip in facts if facts[clip] != facts_of_clips[clip]), None):
            raise AmbiguousSheet(
                f"{table.path} lists only clips of other tables, and differs from them; first: {clip[1]}. "
                "Move the tables that do not belong out of the folder."
            )
        else:
            sources.files_unread.append(table.path)
        facts_of_clips = facts | facts_of_clips
    return clip_table(rows, sources)


def frame_files(root: Path, row) -> dict[int, FrameFile]:
    """Return the frame files of one clip by number; raise `BadInput` if its folder is missing."""
    folder = all_folders(Path(root)).get(row.clip)
    if not folder:
        raise NotFound(f"There is no folder {row.clip} in {root}.")
    return frames_in(folder)


def _row_facts(row: dict) -> list:
    return [row[name] for name in ("onset", "apex", "offset", "fps", "emotion", "action_units")]


def _row(row) -> dict:
    fps, printed = cell_rate(row.fps), cell_text(row.fps)
    remarks = [row.remark] + [f"fps printed as {printed!r}"] * (fps is None and printed != "")
    return {
        "dataset": "dfme",
        "subject": cell_text(row.subject),
        "clip": cell_text(row.filename),
        "fps": fps,
        "emotion": cell_text(row.emotion).lower(),
        "action_units": cell_text(row.au),
        **read_frame_cells(row.onsetframe, row.offsetframe, row.apexframe, "; ".join(filter(None, remarks))),
    }
