"""SMIC-HS: spontaneous micro-expressions at 100 frames per second, short release, raw or cropped.

It has no spreadsheet: emotion, onset and offset are read from the folders, and no apex is given.
"""

import re
from pathlib import Path
from typing import Iterator

import pandas as pd

from data_prep.clips import clip_table
from data_prep.layout import Facts, find_folder, images_in
from mer.errors import BadInput

FACTS = Facts(
    title="SMIC-HS",
    fps=100,
    subjects=16,
    clips=164,
    emotions={"negative": 70, "positive": 51, "surprise": 43},
    licence="for research, to each user who signs the release agreement",
    obtain="https://www.oulu.fi/cmvs/node/41319 (release agreement by e-mail)",
    citation="Li et al., A spontaneous micro-expression database: Inducement, collection and baseline, FG 2013",
    doi="10.1109/FG.2013.6553717",
)

TREE = """\
ROOT
  SMIC_all_raw/                       (or SMIC_all_cropped/, with reg_image563854.bmp)
    HS/
      s1/
        micro/
          negative/
            s1_ne_01/
              image563854.bmp ...
          positive/  surprise/
        non_micro/                    (passed over)
      ...
      s20/"""

SUBJECT = r"s\d+"
CLIP = re.compile(r"(?:s\d+_)*s(\d+)_(ne|po|sur)_(\d+)")  # s1_ne_01, s01_ne_01 and s01_s01_ne_01 are one clip
EMOTIONS = ("negative", "positive", "surprise")


def read_annotations(root: Path) -> pd.DataFrame:
    """Clip table from the folders: the first frame is the onset, the last the offset, the apex stays empty."""
    rows = []
    for emotion, folder in _clip_folders(Path(root)):
        frames = list(images_in(folder))
        name = clip_name(folder.name)
        rows.append(
            {
                "dataset": "smic",
                "subject": name.split("_")[0],
                "clip": name,
                "onset": frames[0] if frames else None,
                "offset": frames[-1] if frames else None,
                "fps": FACTS.fps,
                "emotion": emotion,
            }
        )
    return clip_table(sorted(rows, key=lambda row: row["clip"]))


def frame_files(root: Path, row) -> dict[int, Path]:
    """Frame files of one clip by number; raises `BadInput` if its folder is not there."""
    for _, folder in _clip_folders(Path(root), int(row.subject[1:])):
        if clip_name(folder.name) == row.clip:
            return images_in(folder)
    raise BadInput(f"There is no folder for {row.clip} in {root}.")


def clip_name(folder: str) -> str:
    """The one name of a clip, such as s01_ne_01, whichever way a list or a folder spells it; raises `BadInput` for others."""
    match = CLIP.fullmatch(folder)
    if not match:
        raise BadInput(f"{folder!r} is no SMIC clip; clips are named like s1_ne_01.")
    return f"s{int(match[1]):02d}_{match[2]}_{int(match[3]):02d}"


def _clip_folders(root: Path, subject: int | None = None) -> Iterator[tuple[str, Path]]:
    """(emotion, folder) of every clip, or of one subject's; VIS and NIR are other cameras, non_micro other clips."""
    top = find_folder(root, SUBJECT, ("SMIC_all_raw", "SMIC_all_cropped"), avoid=("VIS", "NIR"))
    for person in sorted(top.iterdir()):
        if not re.fullmatch(SUBJECT, person.name) or subject not in (None, int(person.name[1:])):
            continue
        for emotion in EMOTIONS:
            folder = person / "micro" / emotion
            for clip in sorted(folder.iterdir()) if folder.is_dir() else ():
                if clip.is_dir() and CLIP.fullmatch(clip.name):
                    yield emotion, clip
