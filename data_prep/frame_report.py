"""What was read of a clip, and everything in it that is not a plain sequence of frames: one object, one list
of sentences.
"""

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np


class Frame(NamedTuple):
    """One frame: its number, its time in seconds since the first frame (NaN if unknown), its image (H, W, 3)
    uint8 RGB.
    """

    number: int
    time_s: float
    image: np.ndarray


@dataclass
class FrameReport:
    """Facts about the frames of one clip. Complete once all frames have been read; `replace` gives a copy.

    times : where the times come from: "file", "names" of the images, "fps" that the user gave, "assumed" rate
    of a file without time stamps, or "none".
    """

    n_in_file: int = 0  # frames that the file or folder holds, as far as it says
    n_used: int = 0  # frames that were handed on
    n_damaged: int = 0  # could not be decoded, or were built on frames that could not
    first_damaged: str = ""
    n_other_shape: int = 0  # passed over: of another aspect ratio than the first frame
    n_resized: int = 0  # of another size than the first frame, scaled to it
    n_missing: int = 0  # frame numbers that no file has
    first_missing: int | None = None
    times: str = "file"
    fps_in_file: float | None = None
    fps_given: float | None = None
    n_times_assumed: int = 0
    n_times_reordered: int = 0
    n_times_repeated: int = 0
    n_time_jumps: int = 0  # backward, as where recordings were joined
    orientation: str = ""  # how frames were turned or mirrored, as the file asks
    pixel_aspect: float = 1.0  # width over height of a pixel; frames are stretched to square ones
    other_streams: list[str] = field(default_factory=list)  # cover pictures and films that were not read
    white: float = 255.0  # sample value that became 255, the same for all frames
    color_range: str = ""
    notes: list[str] = field(default_factory=list)  # of the file names

    @property
    def bit_depth(self) -> int:
        """Bits of a sample that are in use; 32 of floats."""
        return round(math.log2(self.white + 1)) if self.white > 1 else 32

    def add_damaged(self, which: str) -> None:
        """Count a frame that cannot be used, and remember the first."""
        self.n_damaged += 1
        self.first_damaged = self.first_damaged or which

    def to_dict(self) -> dict[str, Any]:
        """All facts, ready for JSON."""
        return asdict(self) | {"bit_depth": self.bit_depth}

    def copy(self) -> "FrameReport":
        """The same facts, of which the lists can be changed."""
        return replace(self, other_streams=list(self.other_streams), notes=list(self.notes))

    def sentences(self) -> list[str]:
        """Every oddity as one sentence, the most serious first; empty for a plain clip."""
        return [
            text for text in (*self._of_frames(), *self._of_times(), *self._of_picture(), *self.notes) if text
        ]

    def _of_frames(self) -> list[str]:
        total = max(self.n_in_file, self.n_used + self.n_damaged + self.n_other_shape)
        said = []
        if self.n_used < total:
            said.append(f"{self.n_used} of {total} frames were used.")
        if self.n_damaged:
            said.append(f"{self.n_damaged} damaged frame(s) passed over, first: {self.first_damaged}.")
        if (n_absent := total - self.n_used - self.n_damaged - self.n_other_shape) > 0:
            said.append(
                f"{n_absent} frame(s) that the file announces are not in it; it may have been cut off."
            )
        if self.n_other_shape:
            said.append(f"{self.n_other_shape} frame(s) of another shape than the first passed over.")
        if self.n_resized:
            said.append(f"The size changes: {self.n_resized} frame(s) were scaled to the size of the first.")
        if self.n_missing:
            said.append(f"{self.n_missing} frame number(s) are missing, first: {self.first_missing}.")
        return said

    def _of_times(self) -> list[str]:
        said = []
        if (
            self.fps_given
            and self.fps_in_file
            and not math.isclose(self.fps_given, self.fps_in_file, rel_tol=1e-3)
        ):
            said.append(
                f"--fps {self.fps_given:g} replaces the {self.fps_in_file:.5g} frames per second of the file."
            )
        if self.times == "assumed":
            said.append(
                f"The file holds no times; {self.fps_in_file:.5g} frames per second are assumed (give --fps)."
            )
        elif self.n_times_assumed:
            said.append(f"{self.n_times_assumed} frame(s) have no time in the file; theirs is assumed.")
        if self.n_times_reordered:
            said.append(
                f"Times were not in order: {self.n_times_reordered} were put in the order of the frames."
            )
        if self.n_times_repeated:
            said.append(
                f"{self.n_times_repeated} frame(s) repeat the time of another; they were spread evenly."
            )
        if self.n_time_jumps:
            said.append(
                f"Times jump back {self.n_time_jumps} time(s), as in joined recordings; they are continued."
            )
        return said

    def _of_picture(self) -> list[str]:
        said = [f"The frames were {self.orientation}, as the file asks."] if self.orientation else []
        if self.pixel_aspect != 1:
            said.append(f"Pixels are {self.pixel_aspect:.4g} times as wide as high; frames were stretched.")
        if self.other_streams:
            said.append(f"Not read: {', '.join(self.other_streams)}.")
        if self.white != 255:
            said.append(
                f"Samples of {self.bit_depth} bits were scaled: {self.white:g} became 255 in every frame."
            )
        return said
