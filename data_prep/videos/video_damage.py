"""Detection of the damaged frames of a video.

A decoder conceals what it cannot read and continues, so a damaged packet spoils all frames predicted from
it, up to the next key frame. Damage shows as an error, a flag, or only as a message in the decoder's log.
Codecs without checksums (VP9, most HEVC) decode some damage silently; `packet_ends.py`, `slice_tails.py`,
`block_edges.py` and `frame_changes.py` see most of it. What they see may have begun before, since the last
key frame.
"""

import re
from dataclasses import dataclass, field

import numpy as np

from data_prep.frame_report import FrameReport
from data_prep.videos.block_edges import has_block_edges
from data_prep.videos.packet_ends import SecondDecoder
from data_prep.videos.slice_tails import SliceTails

# Log messages about intact streams: they were cut or joined, or contain unsupported metadata.
HARMLESS = re.compile(
    r"mmco: unref|co located POCs|SEI type|number of reference frames|Late SEI|deprecated|APP fields", re.I
)


def decode_quietly(packet) -> tuple[list, str]:
    """Decode a packet; return the frames it completes, and a description of any damage (empty if none)."""
    import av
    import av.logging

    level, repeated = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)
    try:
        with av.logging.Capture(local=True) as logged:
            frames = packet.decode()
    except av.EOFError:  # the decoder was flushed before
        return [], ""
    except (av.FFmpegError, OSError) as error:
        return [], str(error)
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(repeated)
    complaints = [text.strip() for _, _, text in logged if not HARMLESS.search(text)]
    return frames, "; ".join(complaints) or ("cut off" if packet.is_corrupt else "")


class FrameConverter:
    """Converts decoded frames to samples of one pixel format.

    It keeps FFmpeg's converter, since making one takes as long as converting a frame; but for one reading of
    one video only, because its threads do not outlive a fork.
    """

    def __init__(self, pixel_format: str):
        from av.video.reformatter import VideoReformatter

        self.pixel_format, self._reformatter = pixel_format, VideoReformatter()

    def __call__(self, frame) -> np.ndarray | None:
        """Return the samples; None if damage has changed the frame's format to one that has none."""
        import av

        try:
            return self._reformatter.reformat(frame, format=self.pixel_format).to_ndarray()
        except (av.FFmpegError, ValueError):
            return None


@dataclass
class DamageTracker:
    """Decodes packets in order and tracks, by time stamp, which frames are damaged."""

    is_smoothed: bool = False  # the codec filters the edges of its blocks, so that they show damage
    second: SecondDecoder | None = None  # of a codec whose packets can be checked
    tails: SliceTails | None = None  # of HEVC
    broken: bool = False  # whether the reference of the next packet is damaged
    # Stamps of packets and frames that show damage of which the container does not know.
    noticed: set[int | None] = field(default_factory=set)
    last: int | None = None  # stamp of the last packet
    lost: list[int | None] = field(default_factory=list)  # stamps of packets that gave no frame
    _to_grey: FrameConverter = field(default_factory=lambda: FrameConverter("gray"))
    _spoiled: set[int] = field(default_factory=set)  # stamps of frames predicted from damage
    _group: set[int] = field(default_factory=set)  # stamps since the last key frame
    _before: set[int] = field(default_factory=set)  # stamps of the group before
    _key: int | None = None  # stamp of the last key frame
    # Stamp of a key frame after damage: frames displayed before it refer to both sides.
    _leading: int | None = None

    def decode(self, packet) -> list:
        """Decode a packet and return the frames it completes; check each with `is_spoiled`."""
        if packet.size and packet.is_keyframe:
            self._leading = packet.pts if self.broken else None
            self.broken = False
            self._before, self._group, self._key = self._group, set(), packet.pts
        frames, complaint = decode_quietly(packet)
        if self.second:
            self.second.decode(packet)
        if not packet.size:
            return frames
        if self.tails:
            self.tails.add(packet)
        self.broken = self.broken or bool(complaint)
        self.last = packet.pts
        if complaint and not packet.is_corrupt:
            self.noticed.add(packet.pts)
        if complaint and not frames and "cut off" not in complaint:
            self.lost.append(packet.pts)
        if packet.pts is not None:
            self._group.add(packet.pts)
            self._spoiled.discard(packet.pts)  # stamps recur in joined recordings
            if self.broken or (self._leading is not None and packet.pts < self._leading):
                self._spoiled.add(packet.pts)
        return frames

    def is_spoiled(self, frame) -> bool:
        """Return whether the frame is damaged or predicted from a damaged one."""
        is_damaged = (
            frame.is_corrupt
            or (self.second is not None and self.second.differs(frame))
            or self._shows_damage(frame)
        )
        if is_damaged:
            self.noticed.add(frame.pts)
        if frame.pts is None:
            self.broken = self.broken or is_damaged
            return self.broken
        if is_damaged:
            self._spoil_from(frame.pts)
        return is_damaged or frame.pts in self._spoiled

    def _spoil_from(self, first: int) -> None:
        """Enter the frames shown from a damaged one to the next key frame, which may refer to it."""
        if self._key is not None and first < self._key:  # packets are ahead of the frames shown
            self._leading = self._key
            self._spoiled |= {stamp for stamp in self._before | self._group if first <= stamp < self._key}
        elif first in self._group:
            self.broken = True
            self._spoiled |= {stamp for stamp in self._group if stamp >= first}

    def _shows_damage(self, frame) -> bool:
        grey = self._to_grey(frame) if self.is_smoothed else None
        if grey is None:
            return False
        return has_block_edges(grey) or (self.tails is not None and self.tails.show_damage(frame, grey))

    def is_cut_off(self) -> bool:
        """Return whether only the last packet is damaged, so that the file ends within it."""
        return self.noticed <= {self.last}

    def n_lost_before(self, frame) -> int:
        """Return the number of lost packets whose frame would be displayed before this one."""
        return sum(stamp is None or frame.pts is None or stamp < frame.pts for stamp in self.lost)


@dataclass
class DamageLog:
    """Numbers the displayed frames of a video, and enters the damaged ones into its report."""

    damage: DamageTracker
    report: FrameReport
    _n_displayed: int = 0
    _last_intact: int = -1
    _first_suspect: int = 0  # the last key frame

    def add(self, frame) -> int | None:
        """Return the number of the next frame, as if none were lost; None if it is damaged."""
        number = self._n_displayed + self.damage.n_lost_before(frame)
        self._n_displayed += 1
        is_spoiled, is_gap = self.damage.is_spoiled(frame), number > self._last_intact + 1
        if is_gap or is_spoiled and not frame.key_frame:
            self._suspect()
        if is_spoiled or frame.key_frame:
            self._first_suspect = number
        if is_spoiled:
            self.report.add_damaged(f"frame {number}")
            return None
        if is_gap:
            self.report.beside_damage += [self._last_intact, number]
        self._last_intact = number
        return number

    def finish(self) -> None:
        """Enter what was lost at the end of the file."""
        for _ in self.damage.lost:
            self.report.add_damaged(f"a frame after {self._n_displayed} others")
        if self.damage.lost or self._n_displayed > self._last_intact + 1:
            self._suspect()
            self.report.beside_damage.append(self._last_intact)
        if self.damage.is_cut_off():
            self.report.suspect_spans.clear()

    def _suspect(self) -> None:
        """Enter the frames since the last key frame, if the codec shows damage late."""
        if self.damage.is_smoothed and self.damage.noticed and self._first_suspect <= self._last_intact:
            self.report.suspect_spans.append((self._first_suspect, self._last_intact))
            self._first_suspect = self._last_intact + 1
