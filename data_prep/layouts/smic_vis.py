"""Replica of SMIC-VIS: the layout of SMIC-HS with another camera."""

from pathlib import Path

from data_prep.layouts import ReplicaClip, smic

EMOTIONS = smic.EMOTIONS


def write(root: Path, clips: list[ReplicaClip]) -> None:
    """Write `clips` below `root` as SMIC_all_raw/VIS/."""
    smic.write(root, clips, camera="VIS")
