"""Damage to HEVC after which a decoder has read too little: the last bytes of a slice have no effect.

A decoder that reads wrong symbols (see packet_ends.py) may complete the picture before its data end. Then
any bytes may stand at the end; those of an intact slice are symbols, and others give another picture. A test
decodes again from a key frame on, so only key frames are tested, and pictures that change suddenly, as where
damage begins. Slices in rows with entry points are left to packet_ends.py, since the last row may be short.
"""

import re
from typing import Any, NamedTuple

import cv2
import numpy as np

from data_prep.frame_changes import mean_cells, shrink
from data_prep.videos.packet_ends import is_equal, is_slice, join_units, split_units

# Bytes that replace the last ones. None is 0, so that they form no start code, and none is large, which would
# often be read as the end of the slice: a decoder leaves the rest of the picture as memory happens to be.
TAILS = tuple(map(bytes.fromhex, ("2a153c29", "0d5316a4", "1b075e21", "33950a6c")))
MIN_SLICE = 100  # bytes; fewer may hold only symbols of a few bits that show nowhere
MIN_RATIO, MIN_LEVELS, MIN_FRACTION = 3.0, 4.0, 0.005  # of a sudden change; see frame_changes.py
REACH = 3  # steps before it with which a change is compared
EFFORT, FIRST_EFFORT = 1, 300  # packets that tests may decode: per packet of the film, and at its beginning


class _Packet(NamedTuple):
    number: int  # in the stream
    pts: int | None
    data: bytes


class SliceTails:
    """Keeps the packets since the last key frame but one, and tests pictures of them.

    Parameters
    ----------
    context : av.CodecContext
        That of the stream.
    """

    def __init__(self, context):
        self._is_testable: bool | None = None  # unknown before the first packet
        self._extradata = bytes(context.extradata or b"")
        self._packets: list[_Packet] = []
        self._key = 0  # place of the last key frame
        self._n_packets = 0
        self._results: dict[int, bool] = {}  # of the pictures tested, by number
        self._effort = FIRST_EFFORT
        self._last: np.ndarray | None = None  # the frame before, small
        self._steps: list[np.ndarray] = []  # the latest changes of each cell

    def add(self, packet) -> None:
        """Keep a packet that was decoded."""
        if self._is_testable is None:
            self._is_testable = not _has_entry_points(packet)
        if packet.is_keyframe:
            del self._packets[: self._key]
            self._key = len(self._packets)
        self._packets.append(_Packet(self._n_packets, packet.pts, bytes(packet)))
        self._n_packets += 1
        self._effort += EFFORT

    def show_damage(self, frame, grey: np.ndarray) -> bool:
        """Return whether a frame, (H, W) uint8 `grey`, or one that it may refer to has unread data."""
        is_sudden = self._changes_suddenly(grey)
        if not self._is_testable or frame.pts is None or not (frame.key_frame or is_sudden):
            return False
        return any(
            self._has_unread_tail(place)
            for place, packet in enumerate(self._packets)
            if packet.pts is not None and packet.pts >= frame.pts
        )

    def _changes_suddenly(self, grey: np.ndarray) -> bool:
        small, last = shrink(grey), self._last
        self._last = small
        if last is None or small.shape != last.shape:
            self._steps.clear()
            return False
        step, before = mean_cells(cv2.absdiff(small, last)), self._steps[-REACH:]
        self._steps = [*before, step]
        return bool(before) and bool(
            (step > np.maximum(MIN_RATIO * np.max(before, axis=0), MIN_LEVELS)).mean() > MIN_FRACTION
        )

    def _has_unread_tail(self, place: int) -> bool:
        """Return whether other bytes at the end of a picture's data leave it as it is."""
        packet, key = self._packets[place], self._packets[self._key]
        if packet.number in self._results:
            return self._results[packet.number]
        # Pictures shown before the key frame that they follow refer to the group before it, too.
        is_leading = packet.pts is not None and key.pts is not None and packet.pts < key.pts
        before = [kept.data for kept in self._packets[0 if is_leading else self._key : place]]
        changed = [_with_tail(packet.data, self._extradata, tail) for tail in TAILS]
        cost = 2 * (len(before) + 1)
        if not all(changed) or cost > self._effort:
            return False
        picture = self._decode([*before, packet.data])
        self._results[packet.number] = picture is not None and all(
            (other := self._decode([*before, data])) is not None and is_equal(picture, other)
            for data in changed
        )
        return self._results[packet.number]

    def _decode(self, packets: list[bytes]) -> Any:
        """Return the frame of the last packet; None if there is none."""
        import av
        import av.logging

        self._effort -= len(packets)
        context = av.CodecContext.create("hevc", "r")
        context.extradata, context.thread_count = self._extradata, 1
        frames: dict[int | None, Any] = {}
        with av.logging.Capture(local=True):
            for number, data in enumerate([*packets, None]):
                packet = None if data is None else av.Packet(data)
                if packet is not None:
                    packet.pts = number
                try:
                    frames |= {frame.pts: frame for frame in context.decode(packet)}
                except (av.FFmpegError, OSError):
                    continue
        return frames.get(len(packets) - 1)


def _has_entry_points(packet) -> bool:
    """Return whether slices are coded in rows or tiles with entry points; True if that cannot be found."""
    import av
    import av.logging

    level = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)
    try:
        with av.logging.Capture(local=True) as lines:
            filters = av.BitStreamFilterContext("trace_headers", packet.stream)
            filters.filter(av.Packet(bytes(packet)))  # which takes the packet
    except (av.FFmpegError, AttributeError, OSError, ValueError):  # old PyAV, or FFmpeg without this filter
        return True
    finally:
        av.logging.set_level(level)
    flags = [text for _, _, text in lines if re.search("(entropy_coding_sync|tiles)_enabled_flag", text)]
    return not flags or any(text.strip().endswith("1") for text in flags)


def _with_tail(data: bytes, extradata: bytes, tail: bytes) -> bytes:
    """Return a packet with other bytes at the end of its last slice; empty if that is too short."""
    units, size = split_units(data, extradata)
    slices = [i for i, unit in enumerate(units) if is_slice(unit)]
    if not slices:
        return b""
    end = units[slices[-1]].rstrip(b"\0")
    while end.endswith(b"\0\0\3"):  # cabac_zero_words, ITU-T H.265, 7.3.2.14
        end = end[:-3].rstrip(b"\0")
    if len(end) < MIN_SLICE:
        return b""
    units[slices[-1]] = end[: -len(tail)] + tail
    return join_units(units, size)
