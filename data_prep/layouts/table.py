"""Replica of own recordings: folders of frames and clips.csv."""

from pathlib import Path

import pandas as pd

from data_prep.layouts import ReplicaClip, write_frames, write_marker

EMOTIONS = ("happiness", "surprise", "disgust")
HEADER = ["file", "subject", "label", "clip", "onset", "apex", "offset", "fps", "action_units"]


def write(root: Path, clips: list[ReplicaClip]) -> None:
    """Write `clips` below `root` as frames/ and clips.csv."""
    write_marker(root)
    rows = []
    for clip in clips:
        file = f"frames/p{clip.subject}_{clip.index}"
        write_frames(root / file, clip, "{:04d}.png")
        apex = "" if clip.apex is None else clip.apex
        numbers = (clip.onset, apex, clip.offset, 200)
        rows.append((file, f"p{clip.subject}", clip.emotion, clip.name, *numbers, clip.action_units))
    pd.DataFrame(rows, columns=HEADER).to_csv(root / "clips.csv", index=False)
