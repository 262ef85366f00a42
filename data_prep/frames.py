"""Frames of a clip with their numbers and times, from images, a video, a multi-page TIFF, or an array."""

import math
import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import numpy as np

from data_prep.clip_images import ClipImages, open_file
from data_prep.frame_changes import FrameChanges
from data_prep.frame_report import Frame, FrameReport
from data_prep.frame_source import Frames
from data_prep.image_files.frame_array import ArrayFrames
from data_prep.image_files.frame_names import FrameNames, name_gaps, read_frame_names, usual_step
from data_prep.image_files.images import (
    IMAGE_SUFFIXES,
    UnreadableImage,
    exif_orientation,
    read_image,
    write_image,
)
from data_prep.image_files.name_times import times_in_numbers
from data_prep.image_files.stack import StackFrames
from data_prep.videos.display import FrameShape
from data_prep.videos.video import VideoFrames
from mer_core.errors import BadSetting, NotFound

__all__ = [
    "ArrayFrames",
    "Frame",
    "FrameReport",
    "Frames",
    "ImageFrames",
    "StackFrames",
    "VideoFrames",
    "open_frames",
    "read_image",
    "write_image",
]


def image_names(folder: str | Path) -> FrameNames:
    """Number the image files of `folder`, skipping other files; raise `BadInput` as `read_frame_names`."""
    folder = Path(folder)
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}.")
    with os.scandir(folder) as entries:  # a dead link counts as a damaged image, and a pipe would block
        paths = [Path(entry.path) for entry in entries if entry.is_file() or entry.is_symlink()]
    return read_frame_names(
        path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
    )


def file_kinds(folder: Path) -> str:
    """Count the files of a folder by suffix, as "3 .heic, 1 .txt"; hidden files are excluded."""
    files = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    counts = Counter(path.suffix.lower() or "without suffix" for path in files)
    return ", ".join(f"{n} {suffix}" for suffix, n in counts.most_common())


def _other_frames(folder: Path, images: Collection[Path]) -> list[str]:
    """Return a note about files that are named like the images but are none, as "Not read: 3 .heic."."""

    def words(path: Path) -> str:
        return re.sub(r"\d+", "0", path.stem.casefold())

    alike = set(map(words, images))
    others = (path for path in folder.iterdir() if path.suffix.lower() not in IMAGE_SUFFIXES)
    counts = Counter(path.suffix.lower() for path in others if words(path) in alike and path.is_file())
    return [f"Not read: {', '.join(f'{n} {kind}' for kind, n in counts.most_common())}."] if counts else []


class ImageFrames(Frames):
    """The frames of a folder of numbered images.

    Parameters
    ----------
    path : Path
        The folder.
    fps : float or None
        Frame rate that gives the times; without it they come from time stamps in the names, or are NaN.
    """

    def __init__(self, path: Path, fps: float | None = None):
        self.path, self.fps = path, fps
        self.names = image_names(path)
        self.files = self.names.files
        if not self.files:
            kinds = file_kinds(path)
            raise NotFound(
                f"{path} holds no numbered images ({', '.join(IMAGE_SUFFIXES)})"
                f"{f', but {kinds}' if kinds else ''}. Give a folder of frames, or a video."
            )
        self.times, self.times_from = self._find_times()
        self._images = ClipImages(self.files)
        self._size: tuple[int, int] | None = None  # of the first frame, once it has been read
        self.report = self._new_report()

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Frame]:
        self.report = report = self._new_report()
        shape, changes = FrameShape(report), FrameChanges(report)
        for number, file in self.files.items():
            try:
                image = self._images.read(number)
                report.white = self._images.white or 255.0
                if not report.n_used:
                    report.orientation = exif_orientation(file)
            except UnreadableImage:
                report.add_damaged(file.name)
                continue
            fitted = shape.fit(image)
            if fitted is not None:
                report.n_used += 1
                self._size = shape.size
                changes.add(number, fitted)
                yield Frame(number, self.times[number], fitted)
        changes.finish()
        if not report.n_used:
            raise UnreadableImage(
                f"None of the {len(self.files)} images in {self.path} can be read. Copy them again."
            )

    def frame_times(self) -> dict[int, float]:
        """Return the seconds since the first frame by frame number; NaN if unknown."""
        return dict(self.times)

    @property
    def n_expected(self) -> int:
        """Number of images."""
        return len(self)

    def select(self, numbers: Iterable[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Yield number and image of the given frames, in the size of the first frame of an iteration.

        Other files are read only for deeper than 8 bits.
        """
        shape = FrameShape(self._new_report())
        shape.size = self._size
        for number in sorted(set(numbers)):
            image = shape.fit(self._images.read(number))
            if image is not None:
                yield number, image

    def _find_times(self) -> tuple[dict[int, float], str]:
        """Return the seconds since the first frame by number, and their source for the report."""
        first = next(iter(self.files))
        if self.names.times_s and not self.fps:
            return self.names.times_s, "names"
        if stamps := times_in_numbers(self.files, self.fps, self.path):
            return stamps, "names"
        rate = self.fps or math.nan
        return {number: (number - first) / rate for number in self.files}, "fps" if self.fps else "none"

    def _new_report(self) -> FrameReport:
        numbers = list(self.files)
        gaps, step = name_gaps(numbers), usual_step(numbers)
        notes = [*self.names.notes, *_other_frames(self.path, self.files.values())]
        if step > 1 and self.times_from == "fps" and self.fps:
            notes.append(
                f"Frame numbers rise by {step:g}: at --fps {self.fps:g}, "
                f"images are {step / self.fps:.3g} s apart."
            )
        if step > 1 and self.times_from == "names" and self.fps:
            notes.append(
                f"Numbers are read as times, because their steps fit --fps {self.fps:g}; as numbers of "
                f"frames, images would be {step / self.fps:.3g} s apart."
            )
        return FrameReport(
            n_in_file=len(self.files),
            n_missing=sum(last - first + 1 for first, last in gaps),
            first_missing=gaps[0][0] if gaps else None,
            times=self.times_from,
            fps_given=self.fps,
            white=self._images.white or 255.0,
            notes=notes,
        )


def open_frames(clip: str | Path | np.ndarray, fps: float | None = None) -> Frames:
    """Open a folder of numbered images, a video, a multi-page TIFF, or an array of frames, also in a file.

    Parameters
    ----------
    clip : path, (N, H, W, 3) uint8 RGB or (N, H, W) uint8 grey
        Folder, file or frames.
    fps : float or None
        Frame rate of images; for a video, it replaces the file's rate and rescales its times.

    Returns
    -------
    Frames
        Iterate it for `Frame` objects, or `pick` single images. After an iteration, `.report.sentences()`
        describes every irregularity.

    Raises
    ------
    BadInput
        If `clip` has no frames, or they cannot be read.
    BadSetting
        If `fps` is no positive number.
    """
    if fps is not None and not 0 < fps < math.inf:
        raise BadSetting(f"The frame rate {fps} is no positive number.")
    if isinstance(clip, np.ndarray):
        return ArrayFrames(clip, fps)
    path = Path(clip)
    if path.is_dir():
        return ImageFrames(path, fps)
    if not path.is_file():
        raise NotFound(f"There is no file or folder at {path}. Give a video, or a folder of frames.")
    return open_file(path, fps)
