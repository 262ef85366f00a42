"""Damage that a decoder does not report, by what it reads: an intact picture ends where its data end.

HEVC and VP9 are coded arithmetically, without checksums. From a wrong bit on, a decoder reads other symbols
than were written, misses the last bit, and mostly reads on behind it without complaint. So a second decoder
gets the same packets with bytes appended: pictures of intact packets stay the same to the last bit. It also
finds rows of blocks by their entry points (x265 writes them: "WPP", ITU-T H.265, 9.3.1), where the first one
reads on from wherever the row before ended: after a damaged row, mostly elsewhere. VP8 is left out, because
its decoders are meant to read zeros behind the end (RFC 6386, section 7).
"""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

APPENDED = bytes.fromhex("5ac3962db178e40f") * 8  # no start code, and no marker of a VP9 superframe
N_KEPT = 64  # frames of the second decoder that wait for comparison; more than it can reorder


class SecondDecoder:
    """Decodes the packets of a stream with bytes appended to the data of each picture.

    Parameters
    ----------
    context : av.CodecContext
        That of the stream.
    """

    def __init__(self, context):
        import av

        self._lengthen = _LENGTHEN[context.name]
        self._extradata = bytes(context.extradata or b"")
        self._context = av.CodecContext.create(context.name, "r")
        self._context.extradata = context.extradata
        # FFmpeg heeds the entry points of rows only with several threads.
        self._context.thread_type, self._context.thread_count = "SLICE", 2
        self._frames: list[Any] = []

    def decode(self, packet) -> None:
        """Decode a packet; its frames wait for `differs`."""
        import av
        import av.logging

        lengthened = None
        if packet.size:
            lengthened = av.Packet(self._lengthen(bytes(packet), self._extradata))
            lengthened.pts, lengthened.dts, lengthened.time_base = packet.pts, packet.dts, packet.time_base
        try:
            with av.logging.Capture(local=True):
                frames = self._context.decode(lengthened)
        except (av.FFmpegError, OSError):  # the first decoder reports it
            return
        self._frames = [*self._frames, *frames][-N_KEPT:]

    def differs(self, frame) -> bool:
        """Return whether a frame of the first decoder depends on bytes behind the end of the data."""
        for place, other in enumerate(self._frames):  # stamps may recur, in the same order
            if other.pts == frame.pts:
                del self._frames[place]
                return not is_equal(frame, other)
        return False


def is_checkable(codec: str) -> bool:
    """Return whether packets of a codec, by FFmpeg's name, can be lengthened."""
    return codec in _LENGTHEN


def is_equal(frame, other) -> bool:
    """Return whether two decoded frames have the same samples."""
    n_bytes = -(-frame.format.components[0].bits // 8)
    if frame.format.name != other.format.name:
        return False
    return all(
        np.array_equal(_samples(plane, n_bytes), _samples(twin, n_bytes))
        for plane, twin in zip(frame.planes, other.planes)
    )


def _samples(plane, n_bytes: int) -> np.ndarray:
    """Return the bytes of a plane without the padding of its rows."""
    return np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : plane.width * n_bytes]


def _lengthen_hevc(data: bytes, extradata: bytes) -> bytes:
    """Append to each slice."""
    units, size = split_units(data, extradata)
    changed = [unit + APPENDED if is_slice(unit) else unit for unit in units]
    if size and max(map(len, changed), default=0) >= 256**size:
        return data
    return join_units(changed, size)


def split_units(data: bytes, extradata: bytes) -> tuple[list[bytes], int]:
    """Return the NAL units of an HEVC packet, and the bytes of the lengths before them; 0: start codes."""
    is_prefixed = extradata[:1] == b"\1"  # with lengths, ISO/IEC 14496-15; else with start codes, Annex B
    size = (extradata[21] & 3) + 1 if is_prefixed and len(extradata) > 21 else 0
    return list(_split_prefixed(data, size) if size else _split_start_codes(data)), size


def join_units(units: Iterable[bytes], size: int) -> bytes:
    """Return the packet that `split_units` splits."""
    return b"".join((len(unit).to_bytes(size, "big") if size else b"\0\0\0\1") + unit for unit in units)


def is_slice(unit: bytes) -> bool:
    """Return whether a NAL unit holds blocks of a picture (ITU-T H.265, 7.4.2: types below 32)."""
    return bool(unit) and unit[0] >> 1 & 63 < 32


def _split_prefixed(data: bytes, size: int) -> Iterable[bytes]:
    place = 0
    while place + size <= len(data):
        end = place + size + int.from_bytes(data[place : place + size], "big")
        yield data[place + size : end]
        place = end


def _split_start_codes(data: bytes) -> Iterable[bytes]:
    return (unit.rstrip(b"\0") for unit in re.split(b"\0\0\1", data)[1:])


def _lengthen_vp9(data: bytes, extradata: bytes) -> bytes:
    """Append to each frame of a packet (VP9 bitstream specification, annex B: superframes)."""
    frames = _split_superframe(data)
    changed = [
        frame + APPENDED if len(frame) > 2 else frame for frame in frames
    ]  # short: shows an earlier one
    if len(frames) == 1 and frames[0] == data:
        return changed[0]
    marker = bytes([0b11011000 | len(frames) - 1])  # sizes of 4 bytes
    return b"".join(changed) + marker + b"".join(len(one).to_bytes(4, "little") for one in changed) + marker


def _split_superframe(data: bytes) -> list[bytes]:
    n, size = (data[-1] & 7) + 1, (data[-1] >> 3 & 3) + 1
    index = len(data) - 2 - n * size
    if data[-1] >> 5 != 0b110 or index <= 0 or data[index] != data[-1]:
        return [data]
    frames, place = [], 0
    for i in range(n):
        start = index + 1 + i * size
        end = place + int.from_bytes(data[start : start + size], "little")
        frames.append(data[place : min(end, index)])
        place = end
    return frames


_LENGTHEN = {"hevc": _lengthen_hevc, "vp9": _lengthen_vp9}
