"""Frames that are already in memory, or in a NumPy file."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from data_prep.frame_changes import FrameChanges
from data_prep.frame_report import Frame, FrameReport
from data_prep.frame_source import Frames
from mer_core.errors import BadArray, UnreadableFile
from mer_core.io import map_npy

ARRAY_SUFFIX = ".npy"
MAX_CHANNELS = 4  # (H, W, 3) and (3, H, W) are one colour image, not grey frames


class ArrayFrames(Frames):
    """The frames of an array, numbered from 0.

    Parameters
    ----------
    images : (N, H, W, 3) uint8 RGB, or (N, H, W) uint8 grey of more than 4 frames
    fps : float or None
        Frame rate that gives the times; without it they are NaN.

    Raises
    ------
    BadArray
        If the array has another shape or type.
    """

    def __init__(self, images: np.ndarray, fps: float | None = None):
        is_rgb = images.ndim == 4 and images.shape[-1] == 3
        is_grey = images.ndim == 3 and min(images.shape) > MAX_CHANNELS
        if not (is_rgb or is_grey) or images.dtype != np.uint8 or not images.size:
            raise BadArray(
                f"Frames must be (N, H, W, 3) uint8 RGB, or more than {MAX_CHANNELS} of (N, H, W) uint8 "
                f"grey, not {images.shape} {images.dtype}."
            )
        self.images, self.fps = images, fps
        self.report = self._new_report()

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[Frame]:
        self.report = report = self._new_report()
        changes = FrameChanges(report)
        for number, time_s in self.frame_times().items():
            image = self._image(number)
            report.n_used += 1
            changes.add(number, image)
            yield Frame(number, time_s, image)
        changes.finish()

    def select(self, numbers: Iterable[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Yield number and image of the given frames, in their order."""
        for number in sorted(set(numbers)):
            yield number, self._image(number)

    def frame_times(self) -> dict[int, float]:
        """Return the seconds since the first frame by frame number; NaN if unknown."""
        return {number: number / self.fps if self.fps else math.nan for number in range(len(self))}

    @property
    def n_expected(self) -> int:
        """Number of frames."""
        return len(self)

    def _new_report(self) -> FrameReport:
        return FrameReport(n_in_file=len(self), times="fps" if self.fps else "none", fps_given=self.fps)

    def _image(self, number: int) -> np.ndarray:
        image = np.asarray(self.images[number])
        return np.ascontiguousarray(image if image.ndim == 3 else np.stack([image] * 3, axis=-1))


def open_array(path: Path, fps: float | None = None) -> ArrayFrames:
    """Open a NumPy file of frames; only those that are asked for are read.

    Raises
    ------
    BadArray
        As `ArrayFrames`.
    UnreadableFile
        If the file is damaged, or holds Python objects, which are never loaded.
    """
    try:
        images = map_npy(path)
    except (OSError, ValueError, EOFError) as error:
        raise UnreadableFile(f"{path} cannot be read as a NumPy array: {str(error).rstrip('.')}.") from error
    try:
        return ArrayFrames(images, fps)
    except BadArray as error:
        raise BadArray(f"{path}: {error}") from error
