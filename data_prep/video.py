"""Frames of a video file: the film and not its cover, as a player shows it, each frame with its number and
time.

Everything that a container says beside its pixels is applied here, and counted in a `FrameReport`.
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

N_PROBED = 250  # packets whose stamps tell the rate, and whether they are in order
MAX_READ_ERRORS = 100  # in a row, of a damaged container
NO_CONTAINERS = ("tty", "concat", "hls", "dash", "sdp", "lavfi", "imf")  # texts, and lists of other files
NO_FILM = ("attached_pic", "timed_thumbnails", "still_image")


class UnreadableVideo(BadInput):
    """A file that no video frame can be decoded from."""

    code = "unreadable-video"


@dataclass(frozen=True)
class _Stream:
    """What is known of the film before it is decoded."""

    index: int
    n_frames: int  # as the container says; 0 where it does not
    n_promised: int  # the same, or from its duration
    step: float  # seconds from frame to frame, NaN where it is not known
    start: float  # earliest stamp, s
    window: int  # frames by which stamps can be out of order
    stamped: bool
    pixel_aspect: float
    color_range: str
    bits: int
    deep: (
        str  # pixel format to read more than 8 bits in; empty where FFmpeg scales by the true maximum itself
    )
    others: list[str] = field(default_factory=list)


class VideoFrames:
    """Frames of a video, decoded one at a time and numbered from 0.

    Times come from the file, or from it and `fps`: a rate that the user gives replaces the file's, and times
    are rescaled. `report` describes the last pass over the frames, and is complete at its end.
    """

    def __init__(self, path: Path, fps: float | None = None):
        self.path, self.fps = path, fps
        self._stream = _probe(path)
        self._white = self._find_white() if self._stream.deep else 2.0**self._stream.bits - 1
        self.report = self._new_report()
        if next(self._decode(self.report.copy()), None) is None:
            raise UnreadableVideo(
                f"{path} holds no video frames that can be decoded. Give a video, or a folder of frames."
            )

    def __iter__(self) -> Iterator[Frame]:
        self.report = report = self._new_report()
        shape = FrameShape(report)
        for number, time, frame in self._timed(report):
            image = shape.fitted(self._image(frame, report))
            if image is not None:
                report.n_used += 1
                yield Frame(number, time, image)

    def frame_times(self) -> dict[int, float]:
        """Seconds since the first frame, by number, of the frames that can be decoded; no picture is made."""
        return {number: time for number, time, _ in self._timed(self._new_report())}

    def pick(self, numbers: Iterable[int]) -> dict[int, np.ndarray]:
        """Images of the given frame numbers, decoding no further than the last of them; damaged ones are
        left out.
        """
        wanted, images = set(numbers), {}
        report = self._new_report()
        shape = FrameShape(report)
        for number, frame in self._decode(report):
            if number in wanted or shape.size is None:
                image = shape.fitted(self._image(frame, report))
                if number in wanted and image is not None:
                    images[number] = image
            if number >= max(wanted, default=-1):
                break
        return images

    @property
    def n_promised(self) -> int | None:
        """Frames that the container announces, for a progress bar; None where it does not say."""
        return self._stream.n_promised or None

    def _new_report(self) -> FrameReport:
        stream = self._stream
        rate = 1 / stream.step if stream.step > 0 else None
        times = "file" if stream.stamped else "assumed" if rate else "none"
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
        """Number, seconds since the first frame, and decoded frame."""
        stream = self._stream
        if not stream.stamped:
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
        """Decoded frames that are whole, in the order of presentation, numbered as if none were lost."""
        damage, shown = DamageTracker(), 0
        with _open_container(self.path) as container:
            stream = container.streams[self._stream.index]
            stream.codec_context.thread_count = (
                1  # so that a decoder's complaints belong to the packet at hand
            )
            for packet in _packets(container, stream):
                for frame in damage.decode(packet):
                    number = shown + damage.n_lost_before(frame)
                    shown += 1
                    if damage.spoils(frame):
                        report.add_damaged(f"frame {number}")
                    else:
                        yield number, frame
        for _ in damage.lost:
            report.add_damaged(f"a frame after {shown} others")

    def _image(self, frame, report: FrameReport) -> np.ndarray:
        """The frame as (H, W, 3) uint8 RGB, as a player shows it."""
        image = to_8_bits(_samples(frame, self._stream.deep), self._white)
        image = square_pixels(image, self._stream.pixel_aspect)
        side = frame.side_data.get("DISPLAYMATRIX")
        linear = display_transform(side and bytes(side))
        report.orientation = report.orientation or orientation_name(linear)
        return orient(image, linear)

    def _find_white(self) -> float:
        """Full brightness of a film whose samples may have fewer bits than their format; this decodes all of
        it once.
        """
        brightest = 0
        for _, frame in self._decode(FrameReport()):
            brightest = max(brightest, int(_samples(frame, self._stream.deep).max()))
        return white_level(brightest, np.dtype(np.uint16))


def _samples(frame, deep: str) -> np.ndarray:
    """(H, W, 3) RGB, uint16 where the film is `deep`."""
    if not deep:
        return frame.to_ndarray(format="rgb24")
    samples = frame.to_ndarray(format=deep)
    return samples if samples.ndim == 3 else np.repeat(samples[..., None], 3, axis=2)


def _open_container(path: Path):
    """The file as a container. "file:" keeps a colon in its name from being a protocol; nothing else may be
    opened from inside.
    """
    import av

    try:
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"}, metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise UnreadableVideo(f"{path} cannot be read as a video: {error.strerror or error}.") from error
    if container.format.name in NO_CONTAINERS:
        container.close()
        raise UnreadableVideo(f"{path} cannot be read as a video: it is a text or a playlist.")
    return container


def _packets(container, stream) -> Iterator:
    """All packets of the stream that can be read, and the empty one at the end that empties the decoder."""
    import av

    for _ in range(MAX_READ_ERRORS):
        try:
            yield from container.demux(stream)
            return
        except (av.FFmpegError, OSError):
            continue


def _probe(path: Path) -> _Stream:
    """Choose the film, and look at the stamps of its first packets."""
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
            n_promised=n_frames or (round(seconds / step) if step > 0 else 0),
            step=step,
            start=float(stamps[0] * stream.time_base) if stamps else 0.0,
            window=_reorder_window(packets, context),
            stamped=bool(stamps),
            pixel_aspect=float(aspect) if aspect else 1.0,
            color_range={1: "limited", 2: "full"}.get(int(context.color_range or 0), "not stated"),
            bits=bits,
            deep="" if bits <= 8 or (bits < 16 and not grey) else "gray16le" if grey else "rgb48le",
            others=others,
        )


def _choose_stream(container, path: Path):
    """The film of a container, and a line for each other picture or film in it."""
    decodable = [stream for stream in container.streams.video if stream.codec_context is not None]
    films = [
        stream for stream in decodable if not any(flag in _flags(stream) for flag in NO_FILM)
    ] or decodable
    if not films:
        raise UnreadableVideo(f"{path} holds no video that can be decoded, only sound or data.")
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
    """Frames by which stamps can be out of order: none where the container stores times of presentation.

    A stream with B-frames whose times of presentation and decoding never differ, or by a constant, has stamps
    of decoding only.
    """
    delays = {
        packet.pts - packet.dts for packet in packets if packet.pts is not None and packet.dts is not None
    }
    if len(delays) > 1 or not context.has_b_frames:
        return 0
    return 2 * max(int(getattr(context, "reorder_depth", 0) or 0), 4)


def bits_per_pixel(path: str | Path) -> float:
    """Size of a video file over the pixels it shows; NaN for a folder of images or where it is not known."""
    path = Path(path)
    if path.is_dir():
        return math.nan
    with _open_container(path) as container:
        film, _ = _choose_stream(container, path)
        frames = film.frames or float((container.duration or 0) / 1e6 * (film.average_rate or 0))
        pixels = frames * film.width * film.height
    return path.stat().st_size * 8 / pixels if pixels else math.nan
