"""CAS(ME)^2: long videos at 30 frames per second with macro- and micro-expressions.

The micro-expressions are the clips; both kinds are intervals.
"""

import re
from pathlib import Path

import pandas as pd

from data_prep.clip_images import FrameFile, number_recording
from data_prep.clip_table import clip_table
from data_prep.dataset_files import DatasetFacts, folders_named, frames_in
from data_prep.interval_table import expression_kind, interval_table
from data_prep.sheets.annotation_sheets import AnnotationSources, find_files, visible_sheets
from data_prep.sheets.sheet_cells import cell_number, cell_text, read_frame_cells
from mer_core.errors import NotFound, UnreadableFile

FACTS = DatasetFacts(
    unverified=True,
    title="CAS(ME)^2",
    fps=30,
    subjects=None,  # 22 participants; how many of them show a micro-expression is not published
    clips=57,
    intervals={"micro": 57, "macro": 300},  # in 97 videos
    emotions={"negative": 21, "others": 19, "surprise": 9, "positive": 8},
    licence="for research, to each user who signs the release agreement",
    obtain="http://casme.psych.ac.cn/casme/e3 (release agreement by e-mail)",
    citation="Qu et al., CAS(ME)^2: A database for spontaneous macro-expression and micro-expression "
    "spotting and recognition, "
    "IEEE Transactions on Affective Computing 9(4), 2018",
    doi="10.1109/TAFFC.2017.2654440",
)

TREE = """\
ROOT
  CAS(ME)^2code_final(Updated).xlsx   (three sheets without headers)
  rawpic/
    s15/
      15_0101disgustingteeth/
        img1.jpg ...                  (or 15_0101disgustingteeth.avi, whose first frame is 1)
    ...
    s40/"""

SPREADSHEETS = ("CAS(ME)^2code_final(Updated).xlsx", "CAS(ME)^2code_final*.xlsx")
VIDEO = r"\d+_\d{4}.*"
NUMBERS_VIDEO_FRAMES = True  # a video is the whole recording; like the images, it begins with frame 1
# Columns of the first sheet, which has no header.
PARTICIPANT, NAME, ONSET, APEX, OFFSET, ACTION_UNITS, EMOTION, KIND = range(8)


def read_annotations(root: Path) -> pd.DataFrame:
    """Read the clip table of the micro-expressions.

    Sheet 2 maps participants to subjects, sheet 3 maps videos to the codes that name the folders. The code is
    part of the clip's name, as in 0503_anger1_1.
    """
    path, *unread = find_files(Path(root), SPREADSHEETS, VIDEO)
    sheet, rows = _rows(path)
    return clip_table(
        [row for row in rows if row["kind"] == "micro"], AnnotationSources([(path, sheet)], unread)
    )


def read_intervals(root: Path) -> pd.DataFrame:
    """Read the interval table of all expressions; a video is named as its folder begins, such as 15_0503."""
    path, *_ = find_files(Path(root), SPREADSHEETS, VIDEO)
    return interval_table(_rows(path)[1])


def frame_files(root: Path, row) -> dict[int, FrameFile]:
    """Return the frame files of the clip's video by number; raise `BadInput` if its folder is missing."""
    return video_files(root, f"{row.subject[1:]}_{row.clip.split('_')[0]}")


def video_files(root: Path, video: str) -> dict[int, FrameFile]:
    """Return the frame files of a long video by number; raise `BadInput` if its folder is missing."""
    folder = folders_named(Path(root), VIDEO, ("rawpic",)).get_prefixed(video)
    if not folder:
        raise NotFound(f"There is no folder {video}... in {root}.")
    return number_recording(frames_in(folder))


def _rows(path: Path) -> tuple[str, list[dict]]:
    """Return the name of the first visible sheet, and its expressions."""
    book = visible_sheets(path)
    if len(book) < 3 or book[0].cells.shape[1] <= KIND:
        raise UnreadableFile(f"{path} lacks the three visible sheets of CAS(ME)^2. Is it the published file?")
    subjects, codes = _subjects(book[1].cells), _codes(book[2].cells)
    rows = []
    for row_number, *cells in book[0].cells.itertuples(name=None):
        kind, participant, name = (
            expression_kind(cell_text(cells[KIND])),
            cell_number(cells[PARTICIPANT]),
            cell_text(cells[NAME]),
        )
        if not kind:
            continue
        subject = subjects.get(participant or 0, f"participant {participant}")
        code = codes.get(name.rsplit("_", 1)[0], "no code")
        rows.append(
            {
                "dataset": "casme_squared",
                "subject": subject,
                "video": f"{subject[1:]}_{code}",
                "clip": f"{code}_{name}",
                "kind": kind,
                "fps": FACTS.fps,
                "emotion": cell_text(cells[EMOTION]).lower(),
                "action_units": cell_text(cells[ACTION_UNITS]),
                **read_frame_cells(cells[ONSET], cells[OFFSET], cells[APEX], book[0].remark(row_number)),
            }
        )
    return book[0].name, rows


def _subjects(sheet: pd.DataFrame) -> dict[int, str]:
    """Map participants 1 to 22 to subjects s15 to s40: the last and the first number of each row."""
    rows = (
        [int(m[1]) for cell in row if (m := re.fullmatch(r"[sS]?(\d+)", cell_text(cell)))]
        for row in sheet.itertuples(index=False)
    )
    return {numbers[-1]: f"s{numbers[0]}" for numbers in rows if len(numbers) > 1}


def _codes(sheet: pd.DataFrame) -> dict[str, str]:
    """Map the name of a video to its four-digit code, which a spreadsheet may have turned into a number."""
    return {cell_text(row[1]): cell_text(row[0]).zfill(4) for row in sheet.itertuples(index=False)}
