"""A small folder like SAMM Long Videos: ten rows above the data, macro-expressions between, grey frames of
whole videos.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from data_prep.layouts import ReplicaClip, write_frames, write_marker, write_workbook
from data_prep.layouts.samm import to_grey

EMOTIONS = ("",)  # the long videos come without
HEADER = (
    "Subject",
    "Filename",
    "Inducement Code",
    "Onset",
    "Apex",
    "Offset",
    "Duration",
    "Type",
    "Action Units",
    "Notes",
)


def write(root: Path, clips: list[ReplicaClip]) -> None:
    """Write `clips` below `root` as SAMM_LongVideos_V3_Release.xlsx and SAMM_longvideos/, one video per
    subject.
    """
    write_marker(root)
    rows = []
    for clip in clips:
        video = f"{clip.subject:03d}_1"
        grey = replace(clip, frames=partial(_grey_frame, clip))
        write_frames(root / "SAMM_longvideos" / video, grey, f"{video}_{{:04d}}.jpg")
        apex = -1 if clip.apex is None else clip.apex
        row = (
            f"{clip.subject:03d}",
            f"{video}_{clip.index}",
            1,
            clip.onset,
            apex,
            clip.offset,
            clip.offset - clip.onset + 1,
        )
        rows += [(*row, "Micro - 1/2", clip.action_units, None)]
        rows += [
            (f"{clip.subject:03d}", f"{video}_{50 + clip.index}", 1, 1, 50, 900, 900, "Macro", "4", None)
        ]
    above = [("SAMM Long Videos replica: synthetic faces",)] + [()] * 8
    write_workbook(root / "SAMM_LongVideos_V3_Release.xlsx", Sheet1=[*above, HEADER, *rows])


def _grey_frame(clip: ReplicaClip, number: int) -> np.ndarray:
    return to_grey(clip.frames(number))
