"""A small folder like SMIC-HS, short release: no spreadsheet, BMP frames with long counters, non_micro and VIS beside."""

from pathlib import Path

from data_prep.frames import write_image
from data_prep.replicas import ReplicaClip, mark

EMOTIONS = ("negative", "positive", "surprise")
CODES = {"negative": "ne", "positive": "po", "surprise": "sur"}


def write(root: Path, clips: list[ReplicaClip]) -> None:
    """Write `clips` below `root` as SMIC_all_raw/HS/; frame numbers get the long counters of the release, apexes are dropped."""
    mark(root)
    top = root / "SMIC_all_raw"
    for clip in clips:
        name = f"s{clip.subject}_{CODES[clip.emotion]}_{clip.index:02d}"
        start = 563854 * 10 ** (clip.subject % 3) + clip.onset  # 6, 7 or 8 digits, by recording
        folder = top / "HS" / f"s{clip.subject}" / "micro" / clip.emotion / name
        folder.mkdir(parents=True)
        for i in range(clip.offset - clip.onset + 1):
            write_image(folder / f"image{start + i}.bmp", clip.frames(i))
    first = f"s{clips[0].subject}"
    for beside in (f"HS/{first}/non_micro/{first}_nonmicro_01", f"VIS/{first}/micro/negative/{first}_ne_01"):
        (top / beside).mkdir(parents=True)
        write_image(top / beside / "image000001.bmp", clips[0].frames(0))
