"""CAS(ME)^2: long videos at 30 frames per second with macro- and micro-expressions; the micro-expressions are the clips, and both
are intervals.
"""

import re
from collections.abc import Iterator
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
    recalled=True,
    title="CAS(ME)^2",
    fps=30,
    subjects=None,  # 22 took part; how many of them show a micro-expression is not published
    clips=57,
    intervals={"micro": 57, "macro": 300},  # in 97 videos
    emotions={"negative": 21, "others": 19, "surprise": 9, "positive": 8},
    licence="for research, to each user who signs the release agreement",
    obtain="http://casme.psych.ac.cn/casme/e3 (release agreement by e-mail)",
    citation="Qu et al., CAS(ME)^2: A database for spontaneous macro-expression and micro-expression spotting and recognition, "
    "IEEE Transactions on Affective Computing 9(4), 2018",
    doi="10.1109/TAFFC.2017.2654440",
)

TREE = """\
ROOT
  CAS(ME)^2code_final(Updated).xlsx   (three sheets without headers)
  rawpic/
    s15/
      15_0101disgustingteeth/
        img1.jpg ...
    ...
    s40/"""

SPREADSHEETS = ("CAS(ME)^2code_final(Updated).xlsx", "CAS(ME)^2code_final*.xlsx")
VIDEO = r"\d+_\d{4}.*"
# Of the first sheet, by position: it has no header.
PARTICIPANT, NAME, ONSET, APEX, OFFSET, ACTION_UNITS, EMOTION, KIND = range(8)


def read_annotations(root: Path) -> pd.DataFrame:
    """Clip table of the micro-expressions; sheet 2 gives participants their subject, sheet 3 videos their code.

    The code goes into the clip's name, as in 0503_anger1_1, since the folders go by it.
    """
    path, *unread = find_files(Path(root), SPREADSHEETS, VIDEO)
    return clip_table([_clip(row) for row in _rows(path) if row["kind"] == "micro"], [path], unread)


def read_intervals(root: Path) -> pd.DataFrame:
    """Interval table of all expressions; a video is named by subject and code, as in 15_0503, as the folders start."""
    path, *_ = find_files(Path(root), SPREADSHEETS, VIDEO)
    return interval_table([row | {"apex": number(row["apex"])} for row in _rows(path)])


def frame_files(root: Path, row) -> dict[int, Path]:
    """Frame files of the clip's video by number; raises `BadInput` if its folder is not there."""
    return video_files(root, f"{row.subject[1:]}_{row.clip.split('_')[0]}")


def video_files(root: Path, video: str) -> dict[int, Path]:
    """Frame files of a long video by number; raises `BadInput` if its folder is not there."""
    for name, folder in folders_named(Path(root), VIDEO).items():
        if name.startswith(video):
            return images_in(folder)
    raise BadInput(f"There is no folder {video}... in {root}.")


def _rows(path: Path) -> Iterator[dict]:
    """Every expression of the first sheet, its apex as printed."""
    book = sheets(path)
    if len(book) < 3 or book[0].shape[1] <= KIND:
        raise BadInput(f"{path} has not the three sheets of CAS(ME)^2. Is it the file as published?")
    subjects, codes = _subjects(book[1]), _codes(book[2])
    for cells in book[0].itertuples(index=False, name=None):
        kind, participant, name = kind_of(text(cells[KIND])), number(cells[PARTICIPANT]), text(cells[NAME])
        if not kind:
            continue
        subject, code = (
            subjects.get(participant, f"participant {participant}"),
            codes.get(name.rsplit("_", 1)[0], "no code"),
        )
        yield {
            "dataset": "casme_squared",
            "subject": subject,
            "video": f"{subject[1:]}_{code}",
            "clip": f"{code}_{name}",
            "kind": kind,
            "onset": number(cells[ONSET]),
            "apex": cells[APEX],
            "offset": number(cells[OFFSET]),
            "fps": FACTS.fps,
            "emotion": text(cells[EMOTION]).lower(),
            "action_units": text(cells[ACTION_UNITS]),
        }


def _subjects(sheet: pd.DataFrame) -> dict[int, str]:
    """Participant 1 ... 22 -> s15 ... s40: the last and the first number of a row."""
    rows = (
        [int(m[1]) for cell in row if (m := re.fullmatch(r"[sS]?(\d+)", text(cell)))]
        for row in sheet.itertuples(index=False)
    )
    return {numbers[-1]: f"s{numbers[0]}" for numbers in rows if len(numbers) > 1}


def _codes(sheet: pd.DataFrame) -> dict[str, str]:
    """Name of a video -> its code of four digits, which a spreadsheet may have made a number."""
    return {text(row[1]): text(row[0]).zfill(4) for row in sheet.itertuples(index=False)}


def _clip(row: dict) -> dict:
    return row | apex_cell(row["apex"])
