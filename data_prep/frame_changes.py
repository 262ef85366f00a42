"""Changes from frame to frame that no face makes: repeated frames, and a picture that jumps.

Frames repeat where a video was stored at a higher rate than it was recorded at. The picture jumps at a cut, a
flash, lost frames, or damage that the codec cannot notice (VP8, VP9, HuffYUV have no checksums).
"""

import cv2
import numpy as np

from data_prep.frame_report import FrameReport

SIDE_PX = 256  # of the thumbnails that are compared, about
CELL_PX = 8  # of a thumbnail; changes are averaged over such squares
REACH = 3  # neighbouring steps on either side with which a step is compared
MIN_RATIO = 6.0  # between the change of a cell in a jump and the changes before and after it
MIN_LEVELS = 12.0  # of 255, that a cell changes in a jump
MIN_FRACTION = 0.01  # of the cells
MIN_ISOLATION = 4.0  # between the fraction of such cells and that in the steps around, the nearest apart
MIN_STEPS = 6  # of a clip, with which a step can be compared
MARGIN = 2 * REACH + 1  # steps after a step that decide about it
MAX_REPEATED_RATIO = 0.25  # between the change to a repeated frame and those before and after it
BLOCK = 512  # steps that are held in memory


class FrameChanges:
    """Compares the frames of a clip one after the other, and enters what it finds into a report.

    Parameters
    ----------
    report : FrameReport
        Receives `n_repeated` and `jumps`, complete after `finish`.
    """

    def __init__(self, report: FrameReport):
        self._report = report
        self._last: np.ndarray | None = None
        self._numbers: list[int] = []
        self._cells: list[np.ndarray] = []  # mean change of each cell, grey levels
        self._means: list[float] = []
        self._n_judged = 0

    def add(self, number: int, image: np.ndarray) -> None:
        """Compare a frame, (H, W, 3) uint8 RGB, with the one before."""
        pixels = max(1, round(max(image.shape[:2]) / SIDE_PX))
        small = cv2.cvtColor(np.ascontiguousarray(image[::pixels, ::pixels]), cv2.COLOR_RGB2GRAY)
        if self._last is not None:
            change = cv2.absdiff(small, self._last)
            size = tuple(max(1, side // CELL_PX) for side in change.shape[::-1])
            self._cells.append(cv2.resize(change, size, interpolation=cv2.INTER_AREA))
            self._means.append(float(change.mean()))
            self._numbers.append(number)
        self._last = small
        if len(self._numbers) > BLOCK:
            self._judge(len(self._numbers) - MARGIN)

    def finish(self) -> None:
        """Judge the last frames, which have no successors."""
        self._judge(len(self._numbers))

    def _judge(self, stop: int) -> None:
        """Judge the steps that are not judged yet up to `stop`, and forget those no longer needed."""
        rises = [max(self._rise(i, 1), self._rise_and_return(i)) for i in range(len(self._numbers))]
        for i in range(self._n_judged, stop):
            self._report.n_repeated += self._is_repeated(i)
            # A fast object changes other cells in every step: a jump is a step unlike those around it.
            around = [rises[k] for k in _around(i, len(rises)) if abs(k - i) > 1]
            if around and rises[i] > max(MIN_FRACTION, MIN_ISOLATION * max(around)):
                self._report.jumps.append(self._numbers[i])
        kept = max(stop - MARGIN, 0)
        for values in (self._numbers, self._cells, self._means):
            del values[:kept]
        self._n_judged = stop - kept

    def _is_repeated(self, i: int) -> bool:
        before, after = self._means[max(i - REACH, 0) : i], self._means[i + 1 : i + 1 + REACH]
        return bool(before and after) and self._means[i] < MAX_REPEATED_RATIO * min(max(before), max(after))

    def _rise(self, i: int, rank: int) -> float:
        """Return the fraction of cells that change far more in step i than in the rank-th step around it."""
        n = len(self._cells)
        if not 0 <= i < n or n < MIN_STEPS:
            return 0.0
        others = np.sort([self._cells[k] for k in _around(i, n)], axis=0)[-rank]
        return float((self._cells[i] > np.maximum(MIN_RATIO * others, MIN_LEVELS)).mean())

    def _rise_and_return(self, i: int) -> float:
        """Return the same for a picture that changes for one frame, whose two jumps are neighbours."""
        return max(min(self._rise(i, 2), self._rise(k, 2)) for k in (i - 1, i + 1))


def _around(i: int, n: int) -> list[int]:
    return [k for k in range(max(i - REACH, 0), min(i + REACH + 1, n)) if k != i]
