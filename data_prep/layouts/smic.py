"""Replica of SMIC-HS, short release: no spreadsheet, BMP frames with long counters, VIS beside."""

from pathlib import Path

from data_prep.datasets import smic
from data_prep.frames import write_image
from data_prep.layouts import ReplicaClip, write_frames, write_marker

EMOTIONS = ("negative", "positive", "surprise")
CODES = {word: code for code, word in smic.EMOTIONS.items()}


def write(root: Path, clips: list[ReplicaClip], camera: str = "HS") -> None:
    """Write `clips` below `root` as SMIC_all_raw/HS/ with the release's long counters, without apexes."""
    write_marker(root)
    top = root / "SMIC_all_raw" / camera
    for clip in clips:
        name = clip.name or f"s{clip.subject}_{CODES[clip.emotion]}_{clip.index:02d}"
        start = 563854 * 10 ** (clip.subject % 3) + clip.onset  # 6, 7 or 8 digits, by recording
        write_frames(top / f"s{clip.subject}" / "micro" / clip.emotion / name, clip, "image{}.bmp", start)
    first, other = f"s{clips[0].subject}", "NIR" if camera == "VIS" else "VIS"
    for beside in (
        top / f"{first}/non_micro/{first}_nonmicro_01",
        top.parent / f"{other}/{first}/micro/negative/{first}_ne_01",
    ):
        beside.mkdir(parents=True)
        write_image(beside / "image000001.bmp", clips[0].frames(0))
