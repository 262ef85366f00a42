"""Times of video frames: from stamps as a decoder returns them to times that rise from frame to frame."""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import TypeVar

from data_prep.frame_report import FrameReport

Item = TypeVar("Item")
MAX_REORDER = 16  # frames that H.264 and HEVC may hold back; a larger step backward is a jump
MAX_REPEATED = 64  # frames in a row with one stamp; more are no stamps at all


def presentation_times(
    stamped: Iterable[tuple[float | None, Item]], step: float, window: int, report: FrameReport
) -> Iterator[tuple[float, Item]]:
    """Yield the items in their order, each with its time in seconds since the first.

    A decoder returns frames in the order of presentation, whatever their stamps. Containers that store
    decoding times only (AVI) give the right stamps to the wrong frames: sorted, they fit again. Where stamps
    jump far back, recordings were joined, and time goes on from there. Repeated stamps are spread up to the
    next one.

    Parameters
    ----------
    stamped : (seconds or None, item) in the order of presentation.
    step : seconds from one frame to the next, for stamps that are missing; NaN where that is not known.
    window : frames by which stamps may be out of order, 0 for a container whose stamps can be trusted.
    report : receives the counts.
    """
    start: float | None = None
    item: Item
    for time, item in _spread_repeated(_sort_stamps(stamped, step, window, report), step, report):
        start = time if start is None else start
        yield time - start, item


def _sort_stamps(stamped, step, window, report) -> Iterator[tuple[float, Item]]:
    """The items with their stamps sorted within the window; never falling, and equal only where the stamps
    are.
    """
    stamps: list[float] = []
    items: deque = deque()
    latest, shift = None, 0.0
    back = MAX_REORDER * step if step > 0 else 1.0

    def release(n_kept: int) -> Iterator[tuple[float, Item]]:
        while len(items) > n_kept:
            stamp, item = items.popleft()
            time = heappop(stamps)
            report.n_times_reordered += stamp != time
            yield time, item

    for stamp, item in stamped:
        if stamp is None or not math.isfinite(stamp):
            report.n_times_assumed += 1
            stamp = 0.0 if latest is None else latest + step
        else:
            stamp = round(stamp + shift, 9)  # equal stamps stay equal, whatever was added
        if latest is not None and stamp < latest - back:
            yield from release(0)
            report.n_time_jumps += 1
            shift += latest + (step if step > 0 else 0.0) - stamp
            stamp = latest + (step if step > 0 else 0.0)
        elif latest is not None and not window and stamp < latest:
            report.n_times_reordered += 1
            stamp = latest
        latest = stamp if latest is None or math.isnan(stamp) else max(latest, stamp)
        heappush(stamps, stamp)
        items.append((stamp, item))
        yield from release(window)
    yield from release(0)


def _spread_repeated(timed, step, report) -> Iterator[tuple[float, Item]]:
    """Items of one time are spread evenly up to the next time, the last ones by the step."""
    held: list[Item] = []
    time = 0.0
    for following, item in timed:
        if held and following <= time and len(held) < MAX_REPEATED:
            held.append(item)
            continue
        gap = (following - time) / len(held) if held and following > time else step
        yield from ((time + i * gap, one) for i, one in enumerate(held))
        report.n_times_repeated += max(len(held) - 1, 0)
        time = time + len(held) * gap if held and following <= time else following
        held = [item]
    yield from ((time + i * step, one) for i, one in enumerate(held))
    report.n_times_repeated += max(len(held) - 1, 0)
