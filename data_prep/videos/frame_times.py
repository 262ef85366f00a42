"""Times of video frames: from the decoder's time stamps to strictly increasing times."""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import TypeVar

from data_prep.frame_report import FrameReport

Item = TypeVar("Item")
MAX_REORDER = 16  # frames that H.264 and HEVC may delay; a larger step backward is a jump
MAX_SLIP = 2.5  # frames that a stamp of presentation may fall back without a jump
MAX_REPEATED = 64  # consecutive frames with one stamp; more means that there are no usable stamps


def presentation_times(
    stamped: Iterable[tuple[float | None, Item]], step: float, window: int, report: FrameReport
) -> Iterator[tuple[float, Item]]:
    """Yield the items in their order, each with its time in seconds since the first.

    A decoder returns frames in presentation order, whatever their stamps. Containers that store decoding
    times only (AVI) assign the right stamps to the wrong frames, so stamps are sorted within a window. Where
    stamps jump far back, recordings were joined and time continues. Repeated stamps are spread evenly up to
    the next one.

    Parameters
    ----------
    stamped : iterable of (float or None, item)
        Time stamp in seconds, and frame, in presentation order.
    step : float
        Seconds from one frame to the next, used for missing stamps; NaN if unknown.
    window : int
        Number of frames by which stamps may be out of order; 0 if the container's stamps can be trusted.
    report : FrameReport
        Receives the counts of changed stamps.

    Yields
    ------
    (float, item)
        Seconds since the first frame, strictly increasing; and the frame.
    """
    start: float | None = None
    item: Item
    for time, item in _spread_repeated(_sort_stamps(stamped, step, window, report), step, report):
        start = time if start is None else start
        yield time - start, item


def _sort_stamps(stamped, step, window, report) -> Iterator[tuple[float, Item]]:
    """Yield the items with stamps sorted within the window: non-decreasing, equal only if stamps are."""
    stamps: list[float] = []
    items: deque = deque()
    latest, shift = None, 0.0
    back = (MAX_REORDER if window else MAX_SLIP) * step if step > 0 else 1.0

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
            stamp = round(stamp + shift, 9)  # rounded so that equal stamps stay equal
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
    """Spread items with equal times evenly up to the next time, the last ones by `step`."""
    pending: list[Item] = []
    time = 0.0
    for next_time, item in timed:
        if pending and next_time <= time and len(pending) < MAX_REPEATED:
            pending.append(item)
            continue
        gap = (next_time - time) / len(pending) if pending and next_time > time else step
        yield from ((time + i * gap, pending_item) for i, pending_item in enumerate(pending))
        report.n_times_repeated += max(len(pending) - 1, 0)
        time = time + len(pending) * gap if pending and next_time <= time else next_time
        pending = [item]
    yield from ((time + i * step, pending_item) for i, pending_item in enumerate(pending))
    report.n_times_repeated += max(len(pending) - 1, 0)
