"""Replica of CASME II: blank columns, integer subjects, unpadded frames, nested folders, a stray link."""

from pathlib import Path

from data_prep.layouts import ReplicaClip, write_frames, write_marker, write_workbook

EMOTIONS = ("others", "disgust", "happiness", "repression", "surprise", "sadness", "fear")
HEADER = (
    "Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units",
    "Estimated Emotion",
)  # fmt: skip


def write(root: Path, clips: list[ReplicaClip]) -> None:
    """Write `clips` below `root` as CASME2-coding-20140508.xlsx and CASME2_RAW_selected/."""
    write_marker(root)
    top = root / "CASME2_RAW_selected" / "CASME2_RAW_selected"
    rows = []
    for clip in clips:
        letter = "f" * (clip.index % 2)  # published names have it or not
        name = clip.name or f"EP{clip.index:02d}_01{letter}"
        write_frames(top / f"sub{clip.subject:02d}" / name, clip, "img{}.jpg")
        apex = "/" if clip.apex is None else clip.apex
        rows.append(
            (clip.subject, name, None, clip.onset, apex, clip.offset, None, clip.action_units, clip.emotion)
        )
    (top / f"sub{clips[0].subject:02d}" / "Desktop - Shortcut.lnk").write_bytes(b"L")
    write_workbook(root / "CASME2-coding-20140508.xlsx", Sheet1=[HEADER, *rows], Sheet2=[], Sheet3=[])
