"""Do damaged videos show expressions or labels that the undamaged ones do not?

    python -m benchmarks.damaged_videos VIDEOS --scratch FOLDER --out table.md

Every video of the folder VIDEOS (one to three seconds with one face) is encoded again by each codec, with one
key frame and with one in 15 frames. Copies get 1 to 40 wrong bytes, scattered or in one piece. Each copy that
is read and differs visibly is tracked and labelled as `mer spot` does, and compared with its undamaged film.
An interval that the film does not have is false if a frame in it differs visibly, else only another one, as
frames before or after it were left out.
"""

import argparse
import zlib
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from data_prep.frames import Frame, open_frames
from mer.inference import predict
from mer.inference.spotting import Interval
from mer.report.coding import MIN_IOU, iou
from mer_core import markdown, progress
from mer_core.errors import MerError
from mer_core.io import write_text
from mer_core.progress import track

N_COPIES, GOPS = 8, (0, 15)  # 0: the codec's own, longer than the videos
MIN_LEVELS, CELL_PX, SAME_FRAMES = 4.0, 4, 4  # that a cell of a copy differs visibly; ends of an interval
CODECS = {
    "VP8": ("libvpx", ".webm", {"crf": "12", "b": "1200000", "cpu-used": "4"}),
    "VP9": ("libvpx-vp9", ".webm", {"crf": "30", "b": "1000000", "cpu-used": "6"}),
    "HEVC": ("libx265", ".mp4", {"crf": "22", "x265-params": "log-level=none"}),
    "HEVC without entry points": ("libx265", ".mov", {"crf": "22", "x265-params": "log-level=none:no-wpp=1"}),
    "AV1": ("libsvtav1", ".mkv", {"crf": "32", "preset": "10"}),
    "H.264": ("libx264", ".mp4", {"crf": "20"}),
    "MPEG-4": ("mpeg4", ".avi", {"b": "1500000"}),
}
COLUMNS = (
    "false alarms", "copies", "refused or noticed", "equal", "jump noted", "not noticed", "false interval",
    "other interval", "other label",
)  # fmt: skip


def encode(source: Path, path: Path, codec: str, options: dict[str, str], gop: int) -> None:
    """Encode a video again, with a key frame every `gop` frames."""
    frames = [frame.image for frame in open_frames(source)]
    with av.open(str(source)) as container:
        rate = container.streams.video[0].average_rate or Fraction(25)
    if codec == "libx265" and gop:
        options = options | {"x265-params": f"{options['x265-params']}:keyint={gop}:min-keyint={gop}"}
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        if gop:
            stream.gop_size = gop
        for image in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode())


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a copy with wrong bytes behind the container's header."""
    out, first = bytearray(data), min(2000, len(data) // 10)
    n = int(rng.choice([1, 1, 2, 5, 20, 40]))
    if rng.random() < 0.5:
        for place in rng.integers(first, len(out), n):
            out[place] ^= int(rng.integers(1, 256))
    else:
        start = int(rng.integers(first, len(out) - n))
        out[start : start + n] = rng.integers(0, 256, n, np.uint8).tobytes()
    return bytes(out)


def expressions(path: Path) -> list[Interval]:
    """Return the expressions of a video with their labels; none where no face is followed."""
    try:
        return [found for found in predict.spot(path)[1] if found.is_expression]
    except MerError:
        return []


def is_same(one: Interval, other: Interval) -> bool:
    """Return whether two intervals are one, as in `spotting_real`."""
    ends = max(abs(one.onset - other.onset), abs(one.offset - other.offset))
    return ends <= SAME_FRAMES or iou((one.onset, one.offset), (other.onset, other.offset)) >= MIN_IOU


def outcomes(path: Path, intact: list[Frame], usual: list[Interval]) -> Iterator[str]:
    """Yield the columns in which a copy counts."""
    yield "copies"
    try:
        frames = open_frames(path)
        images = {frame.number: frame.image for frame in frames}
    except MerError:
        yield "refused or noticed"
        return
    wrong = [
        frame.number
        for frame in intact
        if frame.number in images and _differs(frame.image, images[frame.number])
    ]
    if frames.report.n_damaged or len(images) < len(intact):
        yield "refused or noticed"
    elif not wrong:
        yield "equal"
        return
    else:
        yield "jump noted" if frames.report.jumps else "not noticed"
    found = expressions(path)
    others = [one for one in found if not any(is_same(one, other) for other in usual)]
    are_false = [any(one.onset <= number <= one.offset for number in wrong) for one in others]
    if any(are_false):
        yield "false interval"
    if not all(are_false):
        yield "other interval"
    if {one.label for one in found} - {other.label for other in usual} - {""}:
        yield "other label"


def _differs(image: np.ndarray, other: np.ndarray) -> bool:
    if image.shape != other.shape:
        return True
    return cv2.blur(cv2.absdiff(image, other).mean(2), (CELL_PX, CELL_PX)).max() >= MIN_LEVELS


def count(video: Path, codec: str, scratch: Path) -> Counter[str]:
    """Count the copies of one video in one codec."""
    encoder, suffix, options = CODECS[codec]
    counts: Counter[str] = Counter()
    for gop in GOPS:
        path = scratch / f"{video.stem}-{encoder}-{gop}{suffix}"
        encode(video, path, encoder, options, gop)
        frames = open_frames(path)
        intact, usual = list(frames), expressions(path)
        counts["false alarms"] += bool(frames.report.n_damaged or frames.report.jumps)
        rng = np.random.default_rng(zlib.crc32(path.name.encode()))
        copy = path.with_stem("damaged")
        for _ in range(N_COPIES):
            copy.write_bytes(damaged(path.read_bytes(), rng))
            counts.update(outcomes(copy, intact, usual))
    return counts


def main() -> None:
    """Count damaged copies, codec by codec."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--scratch", type=Path, default=Path("damaged-videos"))
    parser.add_argument("--codecs", nargs="+", choices=CODECS, default=list(CODECS), metavar="CODEC")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    options.scratch.mkdir(parents=True, exist_ok=True)
    progress.set_verbosity(quiet=True)
    rows = []
    for codec in track(options.codecs, "Codecs"):
        counts: Counter[str] = Counter()
        for video in sorted(path for path in options.videos.iterdir() if path.is_file()):
            counts += count(video, codec, options.scratch)
        rows.append([codec, *(counts[column] for column in COLUMNS)])
        print(rows[-1], flush=True)
    table = markdown.format_table(["codec", *COLUMNS], rows, numbers_from=1)
    print(table)
    if options.out:
        write_text(options.out, table + "\n")


if __name__ == "__main__":
    main()
