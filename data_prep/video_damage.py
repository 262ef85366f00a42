"""Which frames of a damaged video can be trusted.

A decoder conceals what it cannot read and goes on, so that a damaged packet spoils every frame that is built
on it: all up to the next key frame. Damage shows as an error, a flag, or only as a complaint in the decoder's
log. Codecs without checks (VP9, most HEVC) decode some damage without a word; that cannot be seen here.
"""

import re
from dataclasses import dataclass, field

# Complaints about streams that are whole: they were cut or joined, or use a message of the encoder nobody
# needs.
HARMLESS = re.compile(
    r"mmco: unref|co located POCs|SEI type|number of reference frames|Late SEI|deprecated|APP fields", re.I
)


def decode_quietly(packet) -> tuple[list, str]:
    """Frames that a packet completes, and what was wrong with it; empty where nothing was."""
    import av
    import av.logging

    level, repeated = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)
    try:
        with av.logging.Capture(local=True) as logged:
            frames = packet.decode()
    except av.EOFError:  # the decoder was emptied before
        return [], ""
    except (av.FFmpegError, OSError) as error:
        return [], str(error)
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(repeated)
    complaints = [text.strip() for _, _, text in logged if not HARMLESS.search(text)]
    return frames, "; ".join(complaints) or ("cut off" if packet.is_corrupt else "")


@dataclass
class DamageTracker:
    """Follows packets in the order of decoding, and knows their frames by their stamps."""

    broken: bool = False  # the picture that the next packet builds on
    lost: list[int | None] = field(default_factory=list)  # stamps of packets that cannot be decoded at all
    _spoiled: set[int] = field(default_factory=set)  # stamps of frames that were built on damage
    _group: set[int] = field(default_factory=set)  # stamps since the last key frame
    _leading: int | None = (
        None  # stamp of a key frame after damage: frames shown before it lean on both sides
    )

    def decode(self, packet) -> list:
        """Frames that the packet completes; they are asked about with `spoils`."""
        if packet.size and packet.is_keyframe:
            self._leading = packet.pts if self.broken else None
            self.broken = False
            self._group.clear()
        frames, complaint = decode_quietly(packet)
        if not packet.size:
            return frames
        self.broken = self.broken or bool(complaint)
        if complaint and not frames and "cut off" not in complaint:
            self.lost.append(packet.pts)
        if packet.pts is not None:
            self._group.add(packet.pts)
            self._spoiled.discard(packet.pts)  # stamps come again where recordings were joined
            if self.broken or (self._leading is not None and packet.pts < self._leading):
                self._spoiled.add(packet.pts)
        return frames

    def spoils(self, frame) -> bool:
        """Is the frame damaged, or built on one that is?"""
        if frame.pts is None:
            return frame.is_corrupt or self.broken
        if frame.is_corrupt and frame.pts in self._group:
            self.broken = True
            self._spoiled |= {stamp for stamp in self._group if stamp >= frame.pts}
        return frame.is_corrupt or frame.pts in self._spoiled

    def n_lost_before(self, frame) -> int:
        """Packets without a frame that would have been shown before this one."""
        return sum(stamp is None or frame.pts is None or stamp < frame.pts for stamp in self.lost)
