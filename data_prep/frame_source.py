"""What every source of frames offers, whatever the frames are stored in; `frames.open_frames` chooses one."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

import numpy as np

from data_prep.frame_report import Frame, FrameReport


class Frames(ABC):
    """The frames of a clip, read one at a time.

    Attributes
    ----------
    report : FrameReport
        Of the latest iteration over the frames; complete at its end.
    """

    report: FrameReport

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames in order."""

    @abstractmethod
    def select(self, numbers: Iterable[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Yield number and image, (H, W, 3) uint8 RGB, of the given frames, in the order of the frames."""

    @abstractmethod
    def frame_times(self) -> dict[int, float]:
        """Return the seconds since the first frame by frame number; NaN if unknown."""

    @property
    @abstractmethod
    def n_expected(self) -> int | None:
        """Expected number of frames, for a progress bar; None if unknown."""

    def pick(self, numbers: Iterable[int]) -> dict[int, np.ndarray]:
        """Return the images of the given frames by number; what `select` leaves out is missing."""
        return dict(self.select(numbers))
