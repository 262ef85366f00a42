"""A small folder like SAMM: a preamble above the header, a formula column, grey JPGs padded to 4 or to 5 digits."""

from pathlib import Path

import cv2
import pandas as pd

from data_prep.replicas import ReplicaClip, mark

EMOTIONS = ("Anger", "Other", "Happiness", "Surprise", "Contempt", "Disgust", "Fear", "Sadness")
PREAMBLE = 13
HEADER = (
    "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro",
    "Action Units", "Estimated Emotion", "Objective Classes", "Notes",
)  # fmt: skip


def write(root: Path, clips: list[ReplicaClip]) -> None:
    """Write `clips` below `root` as SAMM_Micro_FACS_Codes_v2.xlsx and SAMM/."""
    mark(root)
    rows = []
    for clip in clips:
        subject, padding = f"{clip.subject:03d}", 4 + clip.subject % 2
        name = f"{subject}_1_{clip.index}"
        folder = root / "SAMM" / subject / name
        folder.mkdir(parents=True)
        for i in range(clip.offset - clip.onset + 1):
            _, data = cv2.imencode(".jpg", cv2.cvtColor(clip.frames(i), cv2.COLOR_RGB2GRAY))
            (folder / f"{subject}_{clip.onset + i:0{padding}d}.jpg").write_bytes(data.tobytes())
        row = PREAMBLE + 2 + len(rows)
        apex = -1 if clip.apex is None else clip.apex
        rows.append((subject, name, 1, clip.onset, apex, clip.offset, f"=F{row}-D{row}+1", "Micro - 1/2",
                     clip.action_units, clip.emotion, 7, None))  # fmt: skip
    preamble = [("SAMM replica: synthetic faces",)] + [()] * (PREAMBLE - 1)
    with pd.ExcelWriter(root / "SAMM_Micro_FACS_Codes_v2.xlsx") as book:
        pd.DataFrame([*preamble, HEADER, *rows]).to_excel(book, sheet_name="MICRO_ONLY", header=False, index=False)
