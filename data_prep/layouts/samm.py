"""Replica of SAMM: a preamble above the header, a formula column, grey JPGs padded to 4 or 5 digits."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from data_prep.layouts import ReplicaClip, write_frames, write_marker, write_workbook

EMOTIONS = ("Anger", "Other", "Happiness", "Surprise", "Contempt", "Disgust", "Fear", "Sadness")
PREAMBLE = 13
HEADER = (
    "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration",
    "Micro",
    "Action Units", "Estimated Emotion", "Objective Classes", "Notes",
)  # fmt: skip


def write(root: Path, clips: list[ReplicaClip]) -> None:
    """Write `clips` below `root` as SAMM_Micro_FACS_Codes_v2.xlsx and SAMM/."""
    write_marker(root)
    rows: list[tuple] = []
    for clip in clips:
        subject, padding = f"{clip.subject:03d}", 4 + clip.subject % 2
        name = clip.name or f"{subject}_1_{clip.index}"
        grey = replace(clip, frames=partial(grey_frame, clip))
        write_frames(root / "SAMM" / subject / name, grey, f"{subject}_{{:0{padding}d}}.jpg")
        row = PREAMBLE + 2 + len(rows)
        apex = -1 if clip.apex is None else clip.apex
        rows.append((subject, name, 1, clip.onset, apex, clip.offset, f"=F{row}-D{row}+1", "Micro - 1/2",
                     clip.action_units, clip.emotion, 7, None))  # fmt: skip
    preamble = [("SAMM replica: synthetic faces",)] + [()] * (PREAMBLE - 1)
    write_workbook(root / "SAMM_Micro_FACS_Codes_v2.xlsx", MICRO_ONLY=[*preamble, HEADER, *rows])


def to_grey(image: np.ndarray) -> np.ndarray:
    """Return an image (H, W, 3) uint8 with three equal channels."""
    return np.repeat(image.mean(-1, keepdims=True).astype(np.uint8), 3, axis=-1)


def grey_frame(clip: ReplicaClip, index: int) -> np.ndarray:
    """Return frame `index` of a clip in grey."""
    return to_grey(clip.frames(index))
