"""Ways to put frames into video files of every kind, for the tests of this folder."""

import struct
from fractions import Fraction
from pathlib import Path

import av

SIDE, REST, RISE, FALL = 200, 4, 6, 6  # of the smile that conftest.py renders
ONSET, APEX = REST, REST + RISE


def write_video(
    path: Path, frames, fps: int = 30, codec: str = "libx264", options=None, times_ms=None
) -> Path:
    """Encode frames; `times_ms` gives every frame a time of its own."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=fps, options={"crf": "12"} if options is None else options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if times_ms:
            stream.codec_context.time_base = Fraction(1, 1000)
        for i, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if times_ms:
                frame.pts, frame.time_base = times_ms[i], Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def flag_rotation(path: Path) -> Path:
    """Set the flag that says: turn the picture by 90 degrees clockwise before showing it."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # the matrix stands 40 bytes into the box, version 0
    one = 1 << 16
    data[at : at + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path
