"""The video stream of a file as known before decoding: which one it is, its times, depth and codec."""

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from data_prep.image_files.frame_array import ARRAY_SUFFIX
from mer_core.errors import BadInput

N_PROBED = 250  # packets whose stamps give the rate, and whether they are in order
MAX_READ_ERRORS = 100  # of a damaged container
REFUSED_FORMATS = ("tty", "concat", "hls", "dash", "sdp", "lavfi", "imf")  # text, and lists of other files
BLIND_CODECS = {
    "vp8": "VP8",
    "vp9": "VP9",
    "huffyuv": "HuffYUV",
    "ffvhuff": "HuffYUV",
    "hevc": "HEVC",
    "utvideo": "Ut Video",
}
SMOOTHED_CODECS = ("vp8", "vp9", "hevc", "av1", "libdav1d")  # filter the edges of blocks; see block_edges.py
HDR_TRANSFERS = {16: "PQ", 18: "HLG"}  # ITU-T H.273: SMPTE ST 2084, ARIB STD-B67
ARCHIVES = (b"PK\3\4", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")  # first bytes
STILL_FLAGS = ("attached_pic", "timed_thumbnails", "still_image")  # of streams that are no video


class UnreadableVideo(BadInput):
    """No video frame can be decoded from a file."""

    code = "unreadable-video"


@dataclass(frozen=True)
class VideoStream:
    """What is known about the video stream before decoding."""

    index: int
    n_frames: int  # as declared by the container; 0 if unknown
    n_expected: int  # the same, or estimated from the duration; 0 if unknown
    step: float  # seconds from frame to frame; NaN if unknown
    start: float  # earliest stamp, s
    window: int  # frames by which stamps can be out of order
    has_stamps: bool
    pixel_aspect: float  # width / height
    color_range: str
    hdr: str
    capture_fps: float  # at which a camera says that it recorded; 0 if unknown
    blind_codec: str
    is_smoothed: bool  # the codec filters the edges of its blocks
    bits: int  # per sample
    deep_format: str  # pixel format that keeps more than 8 bits; empty if FFmpeg's conversion is exact
    others: list[str] = field(default_factory=list)  # descriptions of streams that are not read


def probe_stream(path: Path) -> VideoStream:
    """Choose the video stream and inspect the time stamps of its first packets."""
    with open_container(path) as container:
        stream, others = _choose_stream(container, path)
        packets = [packet for packet in islice(read_packets(container, stream), N_PROBED) if packet.size]
        stamps = sorted({packet.pts for packet in packets if packet.pts is not None})
        context, rate = stream.codec_context, stream.average_rate or stream.guessed_rate
        step = _usual_step(stamps, stream.time_base, rate)
        aspect = stream.sample_aspect_ratio or context.sample_aspect_ratio
        bits = max(8, *(component.bits for component in context.format.components)) if context.format else 8
        grey = context.format is not None and context.format.name.startswith("gray")
        n_frames = max(0, stream.frames - sum(packet.is_discard for packet in packets))
        seconds = float(container.duration or 0) / 1e6
        return VideoStream(
            index=stream.index,
            n_frames=n_frames,
            n_expected=n_frames or (round(seconds / step) if step > 0 else 0),
            step=step,
            start=float(stamps[0] * stream.time_base) if stamps else 0.0,
            window=_reorder_window(packets, context),
            has_stamps=bool(stamps),
            pixel_aspect=float(aspect) if aspect else 1.0,
            color_range={1: "limited", 2: "full"}.get(int(context.color_range or 0), "not stated"),
            capture_fps=_capture_fps(container.metadata),
            hdr=HDR_TRANSFERS.get(int(context.color_trc or 0), ""),
            blind_codec=BLIND_CODECS.get(context.name, ""),
            is_smoothed=context.name in SMOOTHED_CODECS,
            bits=bits,
            deep_format="" if bits <= 8 or (bits < 16 and not grey) else "gray16le" if grey else "rgb48le",
            others=others,
        )


def _usual_step(stamps: list[int], time_base, rate) -> float:
    """Return the seconds from one frame to the next; NaN if unknown.

    The mean of the steps within one tick of the median: 120 frames per second are 8, 8 and 9 ms in Matroska.
    """
    steps = [b - a for a, b in zip(stamps, stamps[1:])]
    if not steps:
        return float(1 / rate) if rate else math.nan
    median = statistics.median(steps)
    alike: list[float] = [step for step in steps if abs(step - median) <= 1] or [median]
    return statistics.mean(alike) * float(time_base)


def _capture_fps(metadata: dict[str, str]) -> float:
    """Return the rate at which Android's cameras recorded what they store at a lower rate (slow motion)."""
    try:
        return float(metadata.get("com.android.capture.fps", 0))
    except ValueError:
        return 0.0


def open_container(path: Path):
    """Open the container; it cannot open other files, and a colon in the name is no protocol."""
    import av

    # PyAV 19 has no such argument, and never fails on names that are not UTF-8.
    lenient: dict[str, Any] = (
        {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}
    )
    if other := _describe_other(path):  # FFmpeg finds a video inside an uncompressed archive
        raise UnreadableVideo(f"{path} cannot be read as a video: {other}.")
    try:
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"}, **lenient)
    except (av.FFmpegError, OSError) as error:
        raise UnreadableVideo(f"{path} cannot be read as a video: {error.strerror or error}.") from error
    if container.format.name in REFUSED_FORMATS:
        container.close()
        raise UnreadableVideo(f"{path} cannot be read as a video: it is text or a playlist.")
    return container


def _describe_other(path: Path) -> str:
    """Return what a file is instead of a video; empty if unknown."""
    try:
        with path.open("rb") as file:
            start = file.read(12)
    except OSError:
        return ""
    if not start:
        return "the file is empty"
    if start[:4] == b"RIFF" and start[8:] == b"WEBP":  # FFmpeg decodes no animated one
        return "it is a WebP image; give frames as a folder of numbered images"
    return "it is an archive; unpack it" if start.startswith(ARCHIVES) else ""


def read_packets(container, stream) -> Iterator:
    """Yield the readable packets of the stream, and the empty one at the end that flushes the decoder."""
    import av

    for _ in range(MAX_READ_ERRORS):
        try:
            yield from container.demux(stream)
            return
        except IndexError:  # PyAV, at the end of a transport stream in which another stream began late
            return
        except (av.FFmpegError, OSError):
            continue


def _choose_stream(container, path: Path):
    """Return the video stream of a container, and a description of each other stream of pictures."""
    decodable = [stream for stream in container.streams.video if stream.codec_context is not None]
    videos = [
        stream for stream in decodable if not any(flag in _flags(stream) for flag in STILL_FLAGS)
    ] or decodable
    if not videos:
        raise UnreadableVideo(f"{path} contains no video that can be decoded, only sound or data.")
    best = container.streams.best("video")
    video = next((stream for stream in videos if best is not None and stream.index == best.index), videos[0])
    others = [
        f"{'another video' if stream in videos else 'a cover picture'} ({stream.width}x{stream.height})"
        for stream in decodable
        if stream.index != video.index
    ]
    return video, others


def _flags(stream) -> set[str]:
    return {flag.name for flag in type(stream.disposition) if flag & stream.disposition}


def _reorder_window(packets: list, context) -> int:
    """Return the number of frames by which stamps can be out of order; 0 if they are presentation times.

    A stream with B-frames whose presentation and decoding times differ by a constant only has decoding times.
    """
    delays = {
        packet.pts - packet.dts for packet in packets if packet.pts is not None and packet.dts is not None
    }
    if len(delays) > 1 or not context.has_b_frames:
        return 0
    return 2 * max(int(getattr(context, "reorder_depth", 0) or 0), 4)


def bits_per_pixel(path: str | Path) -> float:
    """Return the file size of a video per displayed pixel, bits; NaN for images, arrays or if unknown."""
    path = Path(path)
    if path.is_dir() or path.suffix.lower() == ARRAY_SUFFIX:
        return math.nan
    with open_container(path) as container:
        video, _ = _choose_stream(container, path)
        frames = video.frames or float((container.duration or 0) / 1e6 * (video.average_rate or 0))
        pixels = frames * video.width * video.height
    return path.stat().st_size * 8 / pixels if pixels else math.nan
