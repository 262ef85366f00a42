"""Small videos for tests, made with PyAV."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from data_prep.frames import Frame, FrameReport, open_frames


def moving_square(n: int, height: int = 64, width: int = 96) -> list[np.ndarray]:
    """Frames (height, width, 3) uint8: a bright square moves right over a soft pattern, 2 px per frame."""
    y, x = np.mgrid[:height, :width]
    pattern = (80 + 30 * np.sin(x / 7) + 30 * np.cos(y / 5)).astype(np.uint8)
    frames = []
    for k in range(n):
        frame = np.repeat(pattern[..., None], 3, axis=2)
        frame[20:36, 4 + 2 * k : 20 + 2 * k] = 230
        frames.append(frame)
    return frames


def square_at(image: np.ndarray) -> float:
    """Column of the square's left edge, from its bright pixels."""
    return float(np.nonzero((image[..., 0] > 200).sum(0) > 8)[0].min())


def write_video(
    path: Path,
    frames: Iterable[np.ndarray],
    codec: str = "mpeg4",
    rate: int = 25,
    pix_fmt: str = "yuv420p",
    stamps: Iterable[int] | None = None,
    aspect: Fraction | None = None,
    gop: int = 12,
    options: dict[str, str] | None = None,
    source: str = "rgb24",
) -> Path:
    """Encode frames at `rate` per second, or at `stamps` in units of 1 / rate; the suffix decides the
    container.
    """
    frames = list(frames)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {"qscale": "2"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.gop_size = pix_fmt, gop
        stream.time_base = stream.codec_context.time_base = Fraction(1, rate)
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        for image, stamp in zip(frames, stamps or range(len(frames))):
            frame = av.VideoFrame.from_ndarray(image, format=source)
            frame.pts, frame.time_base = stamp, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def read_frames(path: Path, fps: float | None = None) -> tuple[list[Frame], FrameReport]:
    """Read all frames of a file, and the report on them."""
    frames = open_frames(path, fps)
    return list(frames), frames.report


def set_display_matrix(path: Path, a: int, b: int, c: int, d: int) -> None:
    """Write the matrix of the one track of an MP4, as phones do for mirrored and turned recordings."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 40
    values = [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30]
    data[start : start + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in values)
    path.write_bytes(data)


def damage(path: Path, start: float, n_bytes: int) -> None:
    """Overwrite bytes from the fraction `start` of the file on."""
    data = bytearray(path.read_bytes())
    first = int(len(data) * start)
    data[first : first + n_bytes] = np.random.default_rng(1).integers(0, 256, n_bytes, np.uint8).tobytes()
    path.write_bytes(data)
