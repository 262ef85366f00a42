"""Replica of SAMM Long Videos: ten rows above the data, macro-expressions, grey frames of whole videos."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from data_prep.layouts import ReplicaClip, write_frames, write_marker, write_workbook
from data_prep.layouts.samm import grey_frame

EMOTIONS = ("",)  # not annotated
HEADER = (
    "Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset", "Duration", "Type", "Action Units",
    "Notes",
)  # fmt: skip


def write(root: Path, clips: list[ReplicaClip]) -> None:
    """Write `clips` below `root` as the spreadsheet and SAMM_longvideos/, one video per subject."""
    write_marker(root)
    rows = []
    for clip in clips:
        subject, video = f"{clip.subject:03d}", f"{clip.subject:03d}_1"
        grey = replace(clip, frames=partial(grey_frame, clip))
        write_frames(root / "SAMM_longvideos" / video, grey, f"{video}_{{:04d}}.jpg")
        apex = -1 if clip.apex is None else clip.apex
        frames = (clip.onset, apex, clip.offset, clip.offset - clip.onset + 1)
        rows += [
            (subject, f"{video}_{clip.index}", 1, *frames, "Micro - 1/2", clip.action_units, None),
            (subject, f"{video}_{50 + clip.index}", 1, 1, 50, 900, 900, "Macro", "4", None),
        ]
    preamble = [("SAMM Long Videos replica: synthetic faces",)] + [()] * 8
    write_workbook(root / "SAMM_LongVideos_V3_Release.xlsx", Sheet1=[*preamble, HEADER, *rows])
