"""Report on the frames of a clip: what was read, and everything that is irregular about them."""

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from mer_core.text import format_count

MIN_GAP_S = 0.2  # between neighbouring frames; micro-expressions last 0.04 to 0.5 s
MIN_GAP_STEPS = 3  # of the usual time from frame to frame
MAX_REPEATED = 0.05  # fraction of the frames; a codec repeats some at rest
MAX_UNEVENNESS = 0.25  # of the usual time from frame to frame, up to which a rate is constant
MAX_ROUNDING_S = 1.5e-3  # Matroska and FLV round times to milliseconds


class Frame(NamedTuple):
    """One frame of a clip."""

    number: int
    time_s: float  # since the first frame; NaN if unknown
    image: np.ndarray  # (H, W, 3) uint8 RGB


@dataclass
class FrameReport:
    """Facts about the frames of one clip, complete once all frames have been read."""

    n_in_file: int = 0  # frames in the file or folder, as stated there
    n_used: int = 0  # frames that were returned
    n_damaged: int = 0  # not decodable, or predicted from such a frame
    first_damaged: str = ""
    beside_damage: list[int] = field(
        default_factory=list
    )  # intact frames next to damaged ones; -1 before the first
    # First and last of the frames from a key frame to damage, in which it may have begun unnoticed.
    suspect_spans: list[tuple[int, int]] = field(default_factory=list)
    n_other_shape: int = 0  # skipped: aspect ratio differs from the first frame
    n_resized: int = 0  # scaled to the size of the first frame
    n_repeated: int = 0  # nearly equal to the frame before, unlike their neighbours
    jumps: list[int] = field(default_factory=list)  # frames before which the picture jumps
    n_interlaced: int = 0  # marked as two half frames of different moments
    n_missing: int = 0  # frame numbers without a file
    first_missing: int | None = None
    # Source of the times: "file", "names" of the images, "fps" given by the user, "assumed" rate of a file
    # without time stamps, or "none".
    times: str = "file"
    fps_in_file: float | None = None
    fps_given: float | None = None
    capture_fps: float = 0.0  # at which the camera says that it recorded; 0 if unknown
    n_times_assumed: int = 0
    n_times_reordered: int = 0
    n_times_repeated: int = 0
    n_time_jumps: int = 0  # backward, as in joined recordings
    n_time_gaps: int = 0  # neighbouring frames between which an expression could be lost
    longest_gap_s: float = 0.0
    n_uneven_steps: int = 0  # to a neighbouring frame, that differ from the usual one
    step_range_s: tuple[float, float] = (math.inf, 0.0)  # shortest and longest
    orientation: str = ""  # rotation or mirroring that the file requests; it was applied
    pixel_aspect: float = 1.0  # width / height of a stored pixel; frames are stretched to square pixels
    other_streams: list[str] = field(default_factory=list)  # cover images and other videos, not read
    white: float = 255.0  # sample value that maps to 255, the same for all frames
    color_range: str = ""
    blind_codec: str = ""  # name of a codec that decodes damaged bytes without complaint
    hdr: str = ""  # name of the transfer function of a video with high dynamic range
    notes: list[str] = field(default_factory=list)  # about the file names

    @property
    def bit_depth(self) -> int:
        """Bits per sample in use; 32 for floats."""
        return round(math.log2(self.white + 1)) if self.white > 1 else 32

    def add_damaged(self, frame: str) -> None:
        """Count a damaged frame and remember the first."""
        self.n_damaged += 1
        self.first_damaged = self.first_damaged or frame

    @property
    def suspects(self) -> set[int]:
        """Numbers of the frames that were used although damage may have begun in them."""
        return {number for first, last in self.suspect_spans for number in range(first, last + 1)}

    def add_step(self, step_s: float, usual_s: float) -> None:
        """Note the time between two neighbouring frames, and whether it is uneven or a gap."""
        self.step_range_s = min(self.step_range_s[0], step_s), max(self.step_range_s[1], step_s)
        self.n_uneven_steps += abs(step_s - usual_s) > max(MAX_UNEVENNESS * usual_s, MAX_ROUNDING_S)
        if step_s > max(MIN_GAP_S, MIN_GAP_STEPS * usual_s):
            self.n_time_gaps += 1
            self.longest_gap_s = max(self.longest_gap_s, step_s)

    def to_dict(self) -> dict[str, Any]:
        """Return all facts as JSON values."""
        return asdict(self) | {"bit_depth": self.bit_depth}

    def copy(self) -> "FrameReport":
        """Return a copy with lists of its own."""
        return replace(
            self,
            other_streams=list(self.other_streams),
            notes=list(self.notes),
            jumps=list(self.jumps),
            beside_damage=list(self.beside_damage),
            suspect_spans=list(self.suspect_spans),
        )

    def sentences(self) -> list[str]:
        """Return one sentence per irregularity, the most serious first; empty for a regular clip."""
        return [*self._frame_sentences(), *self._time_sentences(), *self._picture_sentences(), *self.notes]

    def _frame_sentences(self) -> list[str]:
        total = max(self.n_in_file, self.n_used + self.n_damaged + self.n_other_shape)
        sentences = []
        if self.n_used < total:
            sentences.append(f"{self.n_used} of {total} frames were used.")
        if self.n_damaged:
            sentences.append(
                f"{format_count(self.n_damaged, 'damaged frame')} skipped, first: {self.first_damaged}."
            )
        if self.suspect_spans:
            first, last = self.suspect_spans[0]
            sentences.append(
                f"Damage may have begun unnoticed in {format_count(len(self.suspects), 'frame')} before it "
                f"(since a key frame), first: frames {first} to {last}. Nothing is reported there."
            )
        if (n_absent := total - self.n_used - self.n_damaged - self.n_other_shape) > 0:
            sentences.append(
                f"{format_count(n_absent, 'declared frame is', 'declared frames are')} missing; "
                "the file may be truncated, or trimmed by its edit list."
            )
        if self.n_other_shape:
            sentences.append(
                f"{format_count(self.n_other_shape, 'frame')} skipped: their shape differs from the first."
            )
        if self.n_resized:
            sentences.append(
                f"The size changes: {format_count(self.n_resized, 'frame was', 'frames were')} scaled to "
                "that of the first."
            )
        if self.n_repeated > MAX_REPEATED * self.n_used:
            sentences.append(
                f"{self.n_repeated} of {self.n_used} frames repeat the one before: the recording had a lower "
                "rate, and motion comes in jumps."
            )
        if self.jumps:
            sentences.append(
                f"The picture jumps {format_count(len(self.jumps), 'time')}, first before frame "
                f"{self.jumps[0]}: a cut, a flash, lost frames or damage."
            )
        if self.n_missing:
            sentences.append(
                f"{format_count(self.n_missing, 'frame number is', 'frame numbers are')} missing, "
                f"first: {self.first_missing}."
            )
        return sentences

    def rate_sentences(self) -> list[str]:
        """Return a sentence if the given rate differs from the file's; empty otherwise."""
        given, stated = self.fps_given, self.fps_in_file
        if not given or not stated or math.isclose(given, stated, rel_tol=1e-3):
            return []
        return [f"--fps {given:g} replaces the {stated:.5g} frames per second of the file."]

    def _time_sentences(self) -> list[str]:
        sentences = self.rate_sentences()
        if self.fps_in_file and not self.fps_given and self.capture_fps > 1.1 * self.fps_in_file:
            sentences.append(
                f"The camera says that it recorded {self.capture_fps:.5g} frames per second, and the file "
                f"plays {self.fps_in_file:.5g} (slow motion?). If all frames are there, give "
                f"--fps {self.capture_fps:.5g}."
            )
        if self.times == "assumed":
            sentences.append(
                f"The file has no time stamps; {self.fps_in_file:.5g} frames per second are assumed "
                "(give --fps)."
            )
        elif self.n_times_assumed:
            sentences.append(
                f"{format_count(self.n_times_assumed, 'frame has', 'frames have')} no time stamp; "
                "times are assumed."
            )
        if self.n_times_reordered:
            sentences.append(
                f"Time stamps were not in order: {self.n_times_reordered} were sorted into the frames' order."
            )
        if self.n_times_repeated:
            sentences.append(
                f"{format_count(self.n_times_repeated, 'frame repeats', 'frames repeat')} another's time "
                "stamp; they were spread evenly."
            )
        if self.n_time_jumps:
            sentences.append(
                f"Time stamps jump back {format_count(self.n_time_jumps, 'time')}, as in joined recordings; "
                "time continues."
            )
        if self.n_uneven_steps > self.n_time_gaps:
            low, high = self.step_range_s
            sentences.append(
                f"The frame rate varies: frames are {1000 * low:.3g} to {1000 * high:.3g} ms apart. Each "
                "has its own time."
            )
        if self.n_time_gaps:
            sentences.append(
                f"Times jump forward {format_count(self.n_time_gaps, 'time')}, by up to "
                f"{self.longest_gap_s:.3g} s: the recording paused or lost frames."
            )
        return sentences

    def _picture_sentences(self) -> list[str]:
        sentences = [f"The frames were {self.orientation}, as the file requests."] if self.orientation else []
        if self.pixel_aspect != 1:
            sentences.append(
                f"Pixels are {self.pixel_aspect:.4g} times as wide as high; frames were stretched."
            )
        if self.n_interlaced:
            sentences.append(
                f"{format_count(self.n_interlaced, 'frame is', 'frames are')} marked as interlaced. If they "
                "show two moments each, their motion is wrong: deinterlace the video (ffmpeg -vf bwdif)."
            )
        if self.blind_codec:
            sentences.append(f"Damage to {self.blind_codec}, which has no checksums, may go unnoticed.")
        if self.other_streams:
            sentences.append(f"Not read: {', '.join(self.other_streams)}.")
        if self.hdr:
            sentences.append(
                f"The video has high dynamic range ({self.hdr}); its brightness is not converted."
            )
        if self.white != 255:
            sentences.append(
                f"Samples of {self.bit_depth} bits were scaled: {self.white:g} became 255 in every frame."
            )
        return sentences
