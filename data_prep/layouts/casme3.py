"""Replica of CAS(ME)^3 part A: text cells, two spellings of the subject, recordings longer than the clip."""

from pathlib import Path

from data_prep.frames import write_image
from data_prep.layouts import ReplicaClip, write_frames, write_marker, write_workbook

EMOTIONS = ("disgust", "surprise", "others", "fear", "anger", "sad", "happy")
HEADER = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion")


def write(root: Path, clips: list[ReplicaClip]) -> None:
    """Write `clips` below `root`, odd subjects as recordings (spNO.1/a/color/), even ones as clip folders."""
    write_marker(root)
    rows = []
    for clip in clips:
        recording = "abcdefghijklm"[(clip.index - 1) % 13]
        if clip.subject % 2:
            folder = root / f"spNO.{clip.subject}" / recording / "color"
        else:
            folder = root / f"spNo.{clip.subject}_{recording}_{clip.onset}"
        write_frames(folder, clip, "{}.jpg")
        depth = root / f"spNO.{clip.subject}" / recording / "depth"
        depth.mkdir(parents=True, exist_ok=True)
        write_image(depth / f"{clip.onset}.png", clip.frames(0))
        apex = "" if clip.apex is None else str(clip.apex)
        subject = f"spNO.{clip.subject}"
        frames = (str(clip.onset), apex, str(clip.offset))
        rows.append((subject, recording, *frames, clip.action_units, "III", clip.emotion))
    write_workbook(root / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx", label=[HEADER, *rows])
