"""Frames of a multi-page TIFF, in page order."""

import logging
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from data_prep.frame_changes import FrameChanges
from data_prep.frame_report import Frame, FrameReport
from data_prep.frame_source import Frames
from data_prep.image_files.images import (
    READ_DEEP,
    SAMPLES,
    UnreadableImage,
    n_pictures,
    to_8_bits,
    to_rgb,
    white_level,
)
from data_prep.videos.display import FrameShape

# Axes of a video as tifffile names them: pages (Q, I: unnamed; T: time; Z: depth), rows, columns, samples.
VIDEO_AXES = {pages + picture for pages in ("", "Q", "I", "T", "Z") for picture in ("YX", "YXS")}


class UnreadableStack(UnreadableImage):
    """The pages of a TIFF are not the frames of one video."""

    code = "unreadable-stack"


class StackFrames(Frames):
    """The pages of a TIFF, numbered from 0 and read one at a time.

    Parameters
    ----------
    path : Path
        The TIFF.
    fps : float or None
        Frame rate that gives the times; without it they are NaN.
    """

    def __init__(self, path: Path, fps: float | None = None):
        self.path, self.fps = path, fps
        _require_one_video(path)
        self.n_pages = n_pictures(path)
        self._white = self._find_white()
        self.report = self._new_report()

    def __len__(self) -> int:
        return self.n_pages

    def __iter__(self) -> Iterator[Frame]:
        self.report = report = self._new_report()
        shape, changes = FrameShape(report), FrameChanges(report)
        for number in range(self.n_pages):
            page = self._page(number)
            if page is None:
                report.add_damaged(f"page {number}")
                continue
            image = shape.fit(to_8_bits(page, self._white))
            if image is not None:
                report.n_used += 1
                changes.add(number, image)
                yield Frame(number, number / self.fps if self.fps else math.nan, image)
        changes.finish()
        if not report.n_used:
            raise UnreadableStack(f"None of the {self.n_pages} pages of {self.path} can be read.")

    def select(self, numbers: Iterable[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Yield number and image of the given pages, in page order; damaged ones are left out."""
        for number in sorted(number for number in set(numbers) if number < self.n_pages):
            page = self._page(number)
            if page is not None:
                yield number, to_8_bits(page, self._white)

    def frame_times(self) -> dict[int, float]:
        """Return the seconds since the first frame by page number; NaN if unknown."""
        return {number: number / self.fps if self.fps else math.nan for number in range(self.n_pages)}

    @property
    def n_expected(self) -> int:
        """Number of pages."""
        return len(self)

    def _page(self, number: int) -> np.ndarray | None:
        """Read a page as (H, W, 3) RGB in the file's depth; None if it is damaged or of another type."""
        for flags in (READ_DEEP, cv2.IMREAD_ANYDEPTH):  # OpenCV reads grey floats only as grey
            try:
                success, images = cv2.imreadmulti(str(self.path), start=number, count=1, flags=flags)
            except cv2.error:
                continue
            if success and images:
                return to_rgb(images[0]) if images[0].dtype in SAMPLES else None
        return None

    def _find_white(self) -> float:
        brightest, dtype = 0.0, np.dtype(np.uint8)
        for page in map(self._page, range(self.n_pages)):
            if page is not None:
                if page.dtype == np.uint8:
                    return 255.0
                brightest, dtype = max(brightest, float(page.max())), page.dtype
        return white_level(brightest, dtype)

    def _new_report(self) -> FrameReport:
        return FrameReport(
            n_in_file=self.n_pages, times="fps" if self.fps else "none", fps_given=self.fps, white=self._white
        )


def _require_one_video(path: Path) -> None:
    """Refuse pages that are channels, positions or resolution levels: a video is one series of images."""
    import tifffile

    tifffile.logger().addHandler(logging.NullHandler())  # its complaints are raised below
    try:
        with tifffile.TiffFile(path) as file:
            series, levels = file.series, len(file.series[0].levels)
            axes, size = series[0].axes, series[0].shape
    except Exception as error:  # tifffile raises many types on damaged files
        raise UnreadableStack(f"{path} cannot be read as a TIFF: {error}.") from error
    n_pages = 1 if axes[:1] in ("", "Y", "X") else size[0]
    if levels > 1 or axes not in VIDEO_AXES or n_pages != n_pictures(path):
        raise UnreadableStack(
            f"{path} holds {len(series)} series; the first has the axes {axes} of size {size}. "
            "A video is one series of frames, rows, columns (and samples). Save it so, or as images."
        )
