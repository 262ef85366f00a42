"""Replica of CASME: blank columns, two apexes, clip names in frame names, padding that differs by subject."""

from pathlib import Path

from data_prep.layouts import ReplicaClip, write_frames, write_marker, write_workbook

EMOTIONS = ("tense", "disgust", "repression", "surprise", "happiness", "sadness", "fear", "contempt")
HEADER = ("Subject", "Filename", None, "OnsetF", "ApexF1", "ApexF2", "OffsetF", None, "AUs", "Emotion")


def write(root: Path, clips: list[ReplicaClip]) -> None:
    """Write `clips` below `root` as casme.xlsx and CASME_raw_selected/."""
    write_marker(root)
    rows = []
    for clip in clips:
        name = clip.name or f"EP{clip.index:02d}_5"
        pattern = f"{name}-{{:03d}}.jpg" if clip.subject > 7 else f"{name}-{{}}.jpg"
        write_frames(root / "CASME_raw_selected" / f"sub{clip.subject:02d}" / name, clip, pattern)
        apex = "/" if clip.apex is None else clip.apex
        second = 0 if clip.index > 1 else clip.offset
        frames = (clip.onset, apex, second, clip.offset)
        rows.append((clip.subject, name, None, *frames, None, clip.action_units, clip.emotion))
    write_workbook(root / "casme.xlsx", Sheet1=[HEADER, *rows])
