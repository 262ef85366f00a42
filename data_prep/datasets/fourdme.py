"""4DME: spontaneous micro-expressions at 60 frames per second, from the spreadsheet and the grey videos."""

from pathlib import Path

import pandas as pd

from data_prep.clip_images import FrameFile
from data_prep.clip_table import clip_table
from data_prep.dataset_files import DatasetFacts, all_folders, frames_in
from data_prep.image_files.name_times import AmbiguousNames
from data_prep.sheets.annotation_sheets import find_table
from data_prep.sheets.sheet_cells import cell_text, read_frame_cells
from mer_core.errors import NotFound

FACTS = DatasetFacts(
    unverified=True,  # the emotions; CD6ME (Varanka et al., arXiv 2211.11425) counts 267 clips
    title="4DME",
    fps=60,
    subjects=41,
    clips=267,
    emotions={
        "negative": 127, "positive": 34, "others": 31, "surprise": 30, "positive+surprise": 13,
        "negative+surprise": 8,
        "positive+repression": 8, "negative+repression": 7, "repression": 6, "repression+surprise": 3,
    },
    licence="for research, to each user who signs the release agreement",
    obtain="https://www.oulu.fi/en/university/faculties-and-units/faculty-information-technology-and-electrical-engineering/"
    "center-machine-vision-and-signal-analysis (release agreement by e-mail)",
    citation="Li et al., 4DME: A spontaneous 4D micro-expression dataset with multimodalities, "
    "IEEE Transactions on Affective Computing 14(4), 2023",
    doi="10.1109/TAFFC.2022.3182342",
)  # fmt: skip

TREE = """\
ROOT
  4DME_Labelling_Micro_release v1.xlsx
  gray_micro/
    SUBJECT/                          (as in sub_ID)
      CLIP/                           (as in fold_name)
        numbered images ..."""

COLUMNS = ("subid", "foldname", "emotion", "onset", "apex", "offset", "aus")


def read_annotations(root: Path) -> pd.DataFrame:
    """Read the clip table from the spreadsheet; several emotions of a clip are sorted alphabetically."""
    sources, table = find_table(Path(root), ("4DME_Labelling_Micro*.xlsx",), COLUMNS, "(?!)")
    return clip_table([_row(row) for row in table.itertuples()], sources)


def frame_files(root: Path, row) -> dict[int, FrameFile]:
    """Return the frame files of one clip by annotated number.

    A folder of consecutive frames, exactly as many as annotated, begins with the onset. Its own numbers
    are ignored.

    Raises
    ------
    NotFound, AmbiguousNames
        If the clip has no folder, or its frames count from 1 and are more or fewer than annotated.
    """
    folder = all_folders(Path(root), ("gray_micro",)).get(row.clip, row.subject)
    if not folder:
        raise NotFound(f"There is no folder {row.clip} in {root}.")
    files = frames_in(folder)
    if pd.isna(row.onset) or pd.isna(row.offset) or not files:
        return files
    first, last = min(files), max(files)
    if len(files) == row.offset - row.onset + 1 == last - first + 1:
        return {number - first + int(row.onset): file for number, file in files.items()}
    if first <= 1 < row.onset:  # they may count from the onset, or be annotated numbers
        raise AmbiguousNames(
            f"{folder} holds {len(files)} frames, {first} to {last}, and the annotation spans "
            f"{row.onset} to {row.offset}, so its frames cannot be numbered."
        )
    return files


def _row(row) -> dict:
    words = sorted(word.strip().lower() for word in cell_text(row.emotion).split("+"))
    return {
        "dataset": "fourdme",
        "subject": cell_text(row.subid),
        "clip": cell_text(row.foldname),
        "fps": FACTS.fps,
        "emotion": "+".join(words),
        "action_units": cell_text(row.aus),  # (k) marks a static unit
        **read_frame_cells(row.onset, row.offset, row.apex, row.remark),
    }
