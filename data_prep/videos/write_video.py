"""Write frames as an H.264 video; `video` reads them."""

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mer_core.io import atomic_replace


def write_mp4(path: Path, frames: Iterable[np.ndarray], fps: int, crf: int = 20, **options: str) -> None:
    """Write an MP4 that appears under its name only when it is complete.

    Parameters
    ----------
    path : Path
    frames : iterable of (H, W, 3) uint8 RGB, with even sides
    fps : int
    crf : int
        Constant rate factor: 0 is lossless, 51 the coarsest.
    **options : str
        More options of libx264, such as preset="ultrafast".
    """
    with atomic_replace(path) as temporary, temporary.open("wb") as file:
        encode_mp4(file, frames, fps, crf, **options)


def encode_mp4(file: BinaryIO, frames: Iterable[np.ndarray], fps: int, crf: int = 20, **options: str) -> None:
    """Write an MP4 into an open file; parameters as in `write_mp4`."""
    import av

    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=fps, options={"crf": str(crf), "threads": "1", **options})
        stream.pix_fmt = "yuv420p"
        for n_written, frame in enumerate(frames):
            if n_written == 0:
                stream.height, stream.width = frame.shape[:2]
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        out.mux(stream.encode())
