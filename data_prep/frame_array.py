"""Frames that are already in memory."""

import math
from collections.abc import Iterable, Iterator

import numpy as np

from data_prep.frame_changes import FrameChanges
from data_prep.frame_report import Frame, FrameReport
from mer_core.errors import BadArray


class ArrayFrames:
    """The frames of an array, numbered from 0.

    `report` describes the latest iteration over the frames and is complete at its end.

    Parameters
    ----------
    images : (N, H, W, 3) uint8 RGB
    fps : float or None
        Frame rate that gives the times; without it they are NaN.

    Raises
    ------
    BadArray
        If the array has another shape or type.
    """

    def __init__(self, images: np.ndarray, fps: float | None = None):
        if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8 or not images.size:
            raise BadArray(f"Frames must be (N, H, W, 3) uint8 RGB, not {images.shape} {images.dtype}.")
        self.images, self.fps = images, fps
        self.report = self._new_report()

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[Frame]:
        self.report = report = self._new_report()
        changes = FrameChanges(report)
        for number, time_s in self.frame_times().items():
            image = np.ascontiguousarray(self.images[number])
            report.n_used += 1
            changes.add(number, image)
            yield Frame(number, time_s, image)
        changes.finish()

    def pick(self, numbers: Iterable[int]) -> dict[int, np.ndarray]:
        """Return the images of the given frame numbers."""
        return {number: np.ascontiguousarray(self.images[number]) for number in sorted(set(numbers))}

    def frame_times(self) -> dict[int, float]:
        """Return the seconds since the first frame by frame number; NaN if unknown."""
        return {number: number / self.fps if self.fps else math.nan for number in range(len(self))}

    def _new_report(self) -> FrameReport:
        return FrameReport(n_in_file=len(self), times="fps" if self.fps else "none", fps_given=self.fps)
