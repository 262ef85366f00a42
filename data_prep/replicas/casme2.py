"""A small folder like CASME II: blank columns, integer subjects, unpadded frames, nested zip folders, a stray link."""

from pathlib import Path

import pandas as pd

from data_prep.frames import write_image
from data_prep.replicas import ReplicaClip, mark

EMOTIONS = ("others", "disgust", "happiness", "repression", "surprise", "sadness", "fear")


def write(root: Path, clips: list[ReplicaClip]) -> None:
    """Write `clips` below `root` as CASME2-coding-20140508.xlsx and CASME2_RAW_selected/."""
    mark(root)
    top = root / "CASME2_RAW_selected" / "CASME2_RAW_selected"
    rows = []
    for clip in clips:
        name = f"EP{clip.index:02d}_01" + "f" * (clip.index % 2)  # with and without the letter, as published
        folder = top / f"sub{clip.subject:02d}" / name
        folder.mkdir(parents=True)
        for i in range(clip.offset - clip.onset + 1):
            write_image(folder / f"img{clip.onset + i}.jpg", clip.frames(i))
        apex = "/" if clip.apex is None else clip.apex
        rows.append((clip.subject, name, None, clip.onset, apex, clip.offset, None, clip.action_units, clip.emotion))
    (top / f"sub{clips[0].subject:02d}" / "Desktop - Shortcut.lnk").write_bytes(b"L")
    header = ("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units", "Estimated Emotion")
    with pd.ExcelWriter(root / "CASME2-coding-20140508.xlsx") as book:
        pd.DataFrame([header, *rows]).to_excel(book, sheet_name="Sheet1", header=False, index=False)
        pd.DataFrame().to_excel(book, sheet_name="Sheet2")
        pd.DataFrame().to_excel(book, sheet_name="Sheet3")
