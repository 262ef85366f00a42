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
        small = cv2.cvtColor(np.ascontiguousarray(shrink(image)), cv2.COLOR_RGB2GRAY)
        if self._last is not None:
            change = cv2.absdiff(small, self._last)
            self._cells.append(mean_cells(change))
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
        rises = self._rises()
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

    def _rises(self) -> list[float]:
        """Return, per step, the fraction of cells that change far more than in the steps around it.

        Or than in all but one of those: a picture that changes for one frame jumps in two neighbouring steps.
        """
        n = len(self._cells)
        if n < MIN_STEPS:
            return [0.0] * n
        most, second = zip(*(self._rise(i) for i in range(n)))
        padded = [0.0, *second, 0.0]
        return [max(most[i], min(second[i], max(padded[i], padded[i + 2]))) for i in range(n)]

    def _rise(self, i: int) -> tuple[float, float]:
        """Return the fraction of cells that change far more than in every, or all but one, step around."""
        strongest = np.zeros((2, *self._cells[i].shape), self._cells[i].dtype)  # changes of each cell
        for k in _around(i, len(self._cells)):
            strongest[1] = np.maximum(strongest[1], np.minimum(strongest[0], self._cells[k]))
            strongest[0] = np.maximum(strongest[0], self._cells[k])
        rises = self._cells[i] > np.maximum(MIN_RATIO * strongest, MIN_LEVELS)
        most, second = rises.mean((1, 2))
        return float(most), float(second)


def shrink(image: np.ndarray) -> np.ndarray:
    """Return a thumbnail of an image, (H, W, ...), by leaving out pixels."""
    pixels = max(1, round(max(image.shape[:2]) / SIDE_PX))
    return image[::pixels, ::pixels]


def mean_cells(change: np.ndarray) -> np.ndarray:
    """Return the means of the cells of a thumbnail's change, (H, W) uint8."""
    size = tuple(max(1, side // CELL_PX) for side in change.shape[::-1])
    return cv2.resize(change, size, interpolation=cv2.INTER_AREA)


def _around(i: int, n: int) -> list[int]:
    return [k for k in range(max(i - REACH, 0), min(i + REACH + 1, n)) if k != i]
