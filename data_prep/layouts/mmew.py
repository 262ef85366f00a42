"""Replica of MMEW: a folder per emotion, others in the folder repression, macro-expressions beside."""

from pathlib import Path

from data_prep.frames import write_image
from data_prep.layouts import ReplicaClip, write_frames, write_marker, write_workbook

EMOTIONS = ("surprise", "disgust", "others", "happiness", "fear", "sadness", "anger")
HEADER = (
    "Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion",
    "remarks",
)  # fmt: skip


def write(root: Path, clips: list[ReplicaClip]) -> None:
    """Write `clips` below `root` as MMEW_Micro_Exp.xlsx, Micro_Expression/ and Macro_Expression/."""
    write_marker(root)
    rows = []
    for clip in clips:
        name = clip.name or f"S{clip.subject:02d}-{EMOTIONS.index(clip.emotion) + 1:02d}-{clip.index:03d}"
        folder = "repression" if clip.emotion == "others" else clip.emotion
        write_frames(root / "Micro_Expression" / folder / name, clip, "{}.jpg")
        apex = "/" if clip.apex is None else clip.apex
        rows.append(
            (clip.subject, name, clip.onset, apex, clip.offset, clip.action_units, clip.emotion, None)
        )
    macro = root / "Macro_Expression" / "S01" / "anger"
    macro.mkdir(parents=True)
    write_image(macro / "S01-07-001.jpg", clips[0].frames(0))
    write_workbook(root / "MMEW_Micro_Exp.xlsx", Sheet1=[HEADER, *rows])
