"""Frames of a video file as a player shows them, with numbers and times.

The container's metadata (video stream, time stamps, rotation, pixel aspect ratio, bit depth) is applied here
and reported in a `FrameReport`.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.frame_changes import FrameChanges
from data_prep.frame_report import Frame, FrameReport
from data_prep.frame_source import Frames
from data_prep.image_files.images import to_8_bits, white_level
from data_prep.videos.display import FrameShape, display_transform, orient, orientation_name, square_pixels
from data_prep.videos.frame_times import presentation_times
from data_prep.videos.packet_ends import SecondDecoder, is_checkable
from data_prep.videos.slice_tails import SliceTails
from data_prep.videos.video_damage import DamageLog, DamageTracker, FrameConverter
from data_prep.videos.video_stream import UnreadableVideo, open_container, probe_stream, read_packets
from mer_core.progress import track
from mer_core.text import format_count


class VideoFrames(Frames):
    """The frames of a video, decoded one at a time and numbered from 0.

    Parameters
    ----------
    path : Path
        The video file.
    fps : float or None
        Frame rate that replaces the file's; its times are rescaled.

    Raises
    ------
    UnreadableVideo
        If no frame is intact.
    """

    def __init__(self, path: Path, fps: float | None = None):
        self.path, self.fps = path, fps
        self._stream = probe_stream(path)
        self._white = self._find_white() if self._stream.deep_format else 2.0**self._stream.bits - 1
        self.report = self._new_report()
        probed = self.report.copy()
        if next(self._decode(probed), None) is None:
            raise _no_intact_frames(path, probed)

    def __iter__(self) -> Iterator[Frame]:
        self.report = report = self._new_report()
        shape, changes, last = FrameShape(report), FrameChanges(report), (-1, 0.0)
        convert = self._converter()
        for number, time, frame in self._timed(report):
            if number == last[0] + 1 and number:
                report.add_step(time - last[1], 1 / self.fps if self.fps else self._stream.step)
            last = number, time
            image = self._image(number, frame, convert(frame), shape, report)
            if image is not None:
                report.n_used += 1
                report.n_interlaced += frame.interlaced_frame
                changes.add(number, image)
                yield Frame(number, time, image)
        changes.finish()

    def frame_times(self) -> dict[int, float]:
        """Return the seconds since the first frame of every intact frame that is no suspect, by number."""
        report = self._new_report()
        times = {number: time for number, time, _ in self._timed(report)}
        for number in report.suspects:
            times.pop(number, None)
        if not times:
            raise _no_intact_frames(self.path, report)
        return times

    def select(self, numbers: Iterable[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Yield number and image of the given frames, in their order; damaged frames are left out."""
        wanted = set(numbers)
        last = max(wanted, default=-1)
        report = self._new_report()
        shape, convert = FrameShape(report), self._converter()
        for number, frame in track(self._decode(report), "Seeking", last + 1):
            if number in wanted or shape.size is None:
                image = self._image(number, frame, convert(frame), shape, report)
                if number in wanted and image is not None:
                    yield number, image
            if number >= last:
                break

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
            hdr=stream.hdr,
            capture_fps=stream.capture_fps,
            blind_codec=stream.blind_codec,
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
        log = DamageLog(DamageTracker(self._stream.is_smoothed), report)
        with open_container(self.path) as container:
            stream = container.streams[self._stream.index]
            stream.codec_context.thread_count = 1  # so that log messages belong to the current packet
            stream.codec_context.options = {"err_detect": "crccheck"}  # checks the hashes that HEVC may have
            if is_checkable(stream.codec_context.name):
                log.damage.second = SecondDecoder(stream.codec_context)
            if stream.codec_context.name == "hevc":
                log.damage.tails = SliceTails(stream.codec_context)
            for packet in read_packets(container, stream):
                for frame in log.damage.decode(packet):
                    number = log.add(frame)
                    if number is not None:
                        yield number, frame
        log.finish()

    def _converter(self) -> FrameConverter:
        return FrameConverter(self._stream.deep_format or "rgb24")

    def _image(
        self, number: int, frame, samples: np.ndarray | None, shape: FrameShape, report: FrameReport
    ) -> np.ndarray | None:
        """Return a frame as (H, W, 3) uint8 RGB, as a player shows it; None if it is left out."""
        if samples is None:
            report.add_damaged(f"frame {number}")
            return None
        if samples.ndim == 2:
            samples = np.repeat(samples[..., None], 3, axis=2)
        image = to_8_bits(samples, self._white)
        image = square_pixels(image, self._stream.pixel_aspect)
        side = frame.side_data.get("DISPLAYMATRIX")
        linear = display_transform(side and bytes(side))
        report.orientation = report.orientation or orientation_name(linear)
        return shape.fit(orient(image, linear))

    def _find_white(self) -> float:
        """Decode the whole video once to find its bit depth in use; return the value of full brightness."""
        brightest, convert = 0, self._converter()
        for _, frame in track(self._decode(FrameReport()), "Finding the bit depth", self.n_expected):
            samples = convert(frame)
            brightest = brightest if samples is None else max(brightest, int(samples.max()))
        return white_level(brightest, np.dtype(np.uint16))


def _no_intact_frames(path: Path, report: FrameReport) -> UnreadableVideo:
    suspect = f", {len(report.suspects)} before them may be" if report.suspects else ""
    damaged = f" ({format_count(report.n_damaged, 'frame is', 'frames are')} damaged{suspect})"
    return UnreadableVideo(
        f"{path} holds no intact video frames{damaged if report.n_damaged else ''}. Copy it again "
        "from the source, or give a folder of frames."
    )
