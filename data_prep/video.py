"""Frames of a video file as a player shows them, with numbers and times.

The container's metadata (film stream, time stamps, rotation, pixel aspect ratio, bit depth) is applied here
and reported in a `FrameReport`.
"""

import math
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.display import FrameShape, display_transform, orient, orientation_name, square_pixels
from data_prep.frame_report import Frame, FrameReport
from data_prep.frame_times import presentation_times
from data_prep.images import to_8_bits, white_level
from data_prep.video_damage import DamageTracker
from mer_core.errors import BadInput

N_PROBED = 250  # packets whose stamps give the rate, and whether they are in order
MAX_READ_ERRORS = 100  # of a damaged container
REFUSED_FORMATS = ("tty", "concat", "hls", "dash", "sdp", "lavfi", "imf")  # text, and lists of other files
STILL_FLAGS = ("attached_pic", "timed_thumbnails", "still_image")  # of streams that are no film


class UnreadableVideo(BadInput):
    """No video frame can be decoded from a file."""

    code = "unreadable-video"


@dataclass(frozen=True)
class _Stream:
    """What is known about the film stream before decoding."""

    index: int
    n_frames: int  # as declared by the container; 0 if unknown
    n_expected: int  # the same, or estimated from the duration; 0 if unknown
    step: float  # seconds from frame to frame; NaN if unknown
    start: float  # earliest stamp, s
    window: int  # frames by which stamps can be out of order
    has_stamps: bool
    pixel_aspect: float  # width / height
    color_range: str
    bits: int  # per sample
    deep_format: str  # pixel format that keeps more than 8 bits; empty if FFmpeg's conversion is exact
    others: list[str] = field(default_factory=list)  # descriptions of streams that are not read


class VideoFrames:
    """The frames of a video, decoded one at a time and numbered from 0.

    `report` describes the latest iteration over the frames and is complete at its end.

    Parameters
    ----------
    path : Path
        The video file.
    fps : float or None
        Frame rate that replaces the file's; its times are rescaled.

    Raises
    ------
    UnreadableVideo
        If no frame can be decoded.
    """

    def __init__(self, path: Path, fps: float | None = None):
        self.path, self.fps = path, fps
        self._stream = _probe(path)
        self._white = self._find_white() if self._stream.deep_format else 2.0**self._stream.bits - 1
        self.report = self._new_report()
        if next(self._decode(self.report.copy()), None) is None:
            raise UnreadableVideo(
                f"{path} holds no video frames that can be decoded. Give a video, or a folder of frames."
            )

    def __iter__(self) -> Iterator[Frame]:
        self.report = report = self._new_report()
        shape, last = FrameShape(report), (-1, 0.0)
        for number, time, frame in self._timed(report):
            if number == last[0] + 1 and number:
                report.add_step(time - last[1], 1 / self.fps if self.fps else self._stream.step)
            last = number, time
            image = shape.fit(self._image(frame, report))
            if image is not None:
                report.n_used += 1
                report.n_interlaced += frame.interlaced_frame
                yield Frame(number, time, image)

    def frame_times(self) -> dict[int, float]:
        """Return the seconds since the first frame of every decodable frame, by number."""
        return {number: time for number, time, _ in self._timed(self._new_report())}

    def pick(self, numbers: Iterable[int]) -> dict[int, np.ndarray]:
        """Return the images of the given frame numbers; damaged frames are left out."""
        wanted, images = set(numbers), {}
        report = self._new_report()
        shape = FrameShape(report)
        for number, frame in self._decode(report):
            if number in wanted or shape.size is None:
                image = shape.fit(self._image(frame, report))
                if number in wanted and image is not None:
                    images[number] = image
            if number >= max(wanted, default=-1):
                break
        return images

    @property
    def n_expected(self) -> int | None:
        """Expected number of frames, for a progress bar; None if the container does not say."""
        return self._stream.n_expected or None

    def _new_report(self) -> FrameReport:
        stream = self._stream
        rate = 1 / stream.step if stream.step > 0 else None
        times = "file" if stream.has_stamps else "assumed" if rate else "none"
        return FrameReport(
            n_in_file=stream.n_frames,
            times="fps" if self.fps else times,
            fps_in_file=rate,
            fps_given=self.fps,
            pixel_aspect=stream.pixel_aspect,
            other_streams=list(stream.others),
            white=self._white,
            color_range=stream.color_range,
        )

    def _timed(self, report: FrameReport) -> Iterator[tuple[int, float, Any]]:
        """Yield number, seconds since the first frame, and decoded frame."""
        stream = self._stream
        if not stream.has_stamps:
            step = 1 / self.fps if self.fps else stream.step
            yield from ((number, number * step, frame) for number, frame in self._decode(report))
            return
        stamped = (
            (None if frame.time is None else float(frame.time) - stream.start, (number, frame))
            for number, frame in self._decode(report)
        )
        scale = 1 / (self.fps * stream.step) if self.fps and stream.step > 0 else 1.0
        for time, (number, frame) in presentation_times(stamped, stream.step, stream.window, report):
            yield number, time * scale, frame

    def _decode(self, report: FrameReport) -> Iterator[tuple[int, Any]]:
        """Yield the intact frames in presentation order, numbered as if none were lost."""
        damage, n_displayed = DamageTracker(), 0
        with _open_container(self.path) as container:
            stream = container.streams[self._stream.index]
            stream.codec_context.thread_count = 1  # so that log messages belong to the current packet
            for packet in _packets(container, stream):
                for frame in damage.decode(packet):
                    number = n_displayed + damage.n_lost_before(frame)
                    n_displayed += 1
                    if damage.is_spoiled(frame):
                        report.add_damaged(f"frame {number}")
                    else:
                        yield number, frame
        for _ in damage.lost:
            report.add_damaged(f"a frame after {n_displayed} others")

    def _image(self, frame, report: FrameReport) -> np.ndarray:
        """Convert a frame to (H, W, 3) uint8 RGB as a player shows it."""
        image = to_8_bits(_samples(frame, self._stream.deep_format), self._white)
        image = square_pixels(image, self._stream.pixel_aspect)
        side = frame.side_data.get("DISPLAYMATRIX")
        linear = display_transform(side and bytes(side))
        report.orientation = report.orientation or orientation_name(linear)
        return orient(image, linear)

    def _find_white(self) -> float:
        """Decode the whole film once to find its bit depth in use; return the value of full brightness."""
        brightest = 0
        for _, frame in self._decode(FrameReport()):
            brightest = max(brightest, int(_samples(frame, self._stream.deep_format).max()))
        return white_level(brightest, np.dtype(np.uint16))


def _samples(frame, deep_format: str) -> np.ndarray:
    """Convert a decoded frame to (H, W, 3) RGB: uint8, or uint16 if a deep format is given."""
    if not deep_format:
        return frame.to_ndarray(format="rgb24")
    samples = frame.to_ndarray(format=deep_format)
    return samples if samples.ndim == 3 else np.repeat(samples[..., None], 3, axis=2)


def _open_container(path: Path):
    """Open the container; it cannot open other files, and a colon in the name is no protocol."""
    import av

    # PyAV 19 has no such argument, and never fails on names that are not UTF-8.
    lenient: dict[str, Any] = (
        {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}
    )
    try:
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"}, **lenient)
    except (av.FFmpegError, OSError) as error:
        is_empty = path.is_file() and path.stat().st_size == 0
        reason = "the file is empty" if is_empty else error.strerror or error
        raise UnreadableVideo(f"{path} cannot be read as a video: {reason}.") from error
    if container.format.name in REFUSED_FORMATS:
        container.close()
        raise UnreadableVideo(f"{path} cannot be read as a video: it is text or a playlist.")
    return container


def _packets(container, stream) -> Iterator:
    """Yield the readable packets of the stream, and the empty one at the end that flushes the decoder."""
    import av

    for _ in range(MAX_READ_ERRORS):
        try:
            yield from container.demux(stream)
            return
        except (av.FFmpegError, OSError):
            continue


def _probe(path: Path) -> _Stream:
    """Choose the film stream and inspect the time stamps of its first packets."""
    with _open_container(path) as container:
        stream, others = _choose_stream(container, path)
        packets = [packet for packet in islice(_packets(container, stream), N_PROBED) if packet.size]
        stamps = sorted({packet.pts for packet in packets if packet.pts is not None})
        context, rate = stream.codec_context, stream.average_rate or stream.guessed_rate
        steps = [b - a for a, b in zip(stamps, stamps[1:])]
        step = (
            float(statistics.median(steps) * stream.time_base)
            if steps
            else float(1 / rate)
            if rate
            else math.nan
        )
        aspect = stream.sample_aspect_ratio or context.sample_aspect_ratio
        bits = max(8, *(component.bits for component in context.format.components)) if context.format else 8
        grey = context.format is not None and context.format.name.startswith("gray")
        n_frames = max(0, stream.frames - sum(packet.is_discard for packet in packets))
        seconds = float(container.duration or 0) / 1e6
        return _Stream(
            index=stream.index,
            n_frames=n_frames,
            n_expected=n_frames or (round(seconds / step) if step > 0 else 0),
            step=step,
            start=float(stamps[0] * stream.time_base) if stamps else 0.0,
            window=_reorder_window(packets, context),
            has_stamps=bool(stamps),
            pixel_aspect=float(aspect) if aspect else 1.0,
            color_range={1: "limited", 2: "full"}.get(int(context.color_range or 0), "not stated"),
            bits=bits,
            deep_format="" if bits <= 8 or (bits < 16 and not grey) else "gray16le" if grey else "rgb48le",
            others=others,
        )


def _choose_stream(container, path: Path):
    """Return the film stream of a container, and a description of each other image or film stream."""
    decodable = [stream for stream in container.streams.video if stream.codec_context is not None]
    films = [
        stream for stream in decodable if not any(flag in _flags(stream) for flag in STILL_FLAGS)
    ] or decodable
    if not films:
        raise UnreadableVideo(f"{path} contains no video that can be decoded, only sound or data.")
    best = container.streams.best("video")
    film = next((stream for stream in films if best is not None and stream.index == best.index), films[0])
    others = [
        f"{'another film' if stream in films else 'a cover picture'} ({stream.width}x{stream.height})"
        for stream in decodable
        if stream.index != film.index
    ]
    return film, others


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
    """Return the file size of a video per displayed pixel, bits; NaN for a folder of images or if unknown."""
    path = Path(path)
    if path.is_dir():
        return math.nan
    with _open_container(path) as container:
        film, _ = _choose_stream(container, path)
        frames = film.frames or float((container.duration or 0) / 1e6 * (film.average_rate or 0))
        pixels = frames * film.width * film.height
    return path.stat().st_size * 8 / pixels if pixels else math.nan
