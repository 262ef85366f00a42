"""Replica of 4DME: several emotions in a cell, static action units, folders that count from 1."""

from pathlib import Path

from data_prep.layouts import ReplicaClip, write_frames, write_marker, write_workbook

EMOTIONS = (
    "Negative", "Positive", "Others", "Surprise", "Positive+Surprise", "Negative+Surprise",
    "Positive+Repression",
    "Negative+Repression", "Repression", "Repression+Surprise",
)  # fmt: skip
HEADER = ("sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs")


def write(root: Path, clips: list[ReplicaClip]) -> None:
    """Write `clips` below `root` as spreadsheet and gray_micro/; folders of even subjects count from 1."""
    write_marker(root)
    rows = []
    for clip in clips:
        subject = f"S{clip.subject:02d}"
        name = clip.name or f"{subject}_1st_{clip.index:03d}_01_1"
        start = clip.onset if clip.subject % 2 else 1
        write_frames(root / "gray_micro" / subject / name, clip, "{}.jpg", start)
        apex = "/" if clip.apex is None else clip.apex
        words = "+".join(reversed(clip.emotion.split("+")))  # their order varies
        rows.append((subject, name, words, clip.onset, apex, clip.offset, f"{clip.action_units}+AU45(k)"))
    write_workbook(root / "4DME_Labelling_Micro_release v1.xlsx", Sheet1=[HEADER, *rows])
