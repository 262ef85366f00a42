"""Replica of DFME: a table per part, three frame rates, padded PNG frames."""

from pathlib import Path

import pandas as pd

from data_prep.layouts import ReplicaClip, write_frames, write_marker

EMOTIONS = ("happiness", "anger", "contempt", "disgust", "fear", "sadness", "surprise")
HEADER = [
    "Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Emotion", "EmotionId", "Fps", "AU",
]  # fmt: skip


def write(root: Path, clips: list[ReplicaClip]) -> None:
    """Write `clips` below `root` as train.csv with train/; the last subject as test_A.csv with test_A/."""
    write_marker(root)
    last = max(clip.subject for clip in clips)
    parts: dict[str, list[tuple]] = {"train": [], "test_A": []}
    for clip in clips:
        part = "test_A" if clip.subject == last else "train"
        name = clip.name or f"dfme_{clip.subject:03d}_{clip.index:02d}"
        write_frames(root / part / name, clip, "{:05d}.png")
        fps = (200, 300, 500)[clip.subject % 3]
        apex = "" if clip.apex is None else clip.apex
        emotion = (clip.emotion, EMOTIONS.index(clip.emotion))
        frames = (clip.onset, apex, clip.offset)
        parts[part].append((f"sub{clip.subject:03d}", name, *frames, *emotion, fps, clip.action_units))
    for part, rows in parts.items():
        pd.DataFrame(rows, columns=HEADER).to_csv(root / f"{part}.csv", index=False)
