"""The images of one annotated clip by frame number: files of a folder, or frames of a video in its place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_prep.frame_source import Frames
from data_prep.image_files.frame_array import ARRAY_SUFFIX, open_array
from data_prep.image_files.images import TIFF_SUFFIXES, UnreadableImage, decode_image, to_8_bits, white_level
from data_prep.image_files.stack import StackFrames
from data_prep.videos.video import VideoFrames


@dataclass(frozen=True)
class VideoFrame:
    """A frame inside a file of many: a video, a multi-page TIFF or an array."""

    video: Path
    index: int  # counted from 0


FrameFile = Path | VideoFrame


def containing_file(frame: FrameFile) -> Path:
    """Return the file that contains a frame."""
    return frame.video if isinstance(frame, VideoFrame) else frame


def frame_name(frame: FrameFile, root: Path) -> str:
    """Return a frame's file relative to `root`; for a video, followed by # and the frame's index."""
    name = containing_file(frame).relative_to(root).as_posix()
    return f"{name}#{frame.index}" if isinstance(frame, VideoFrame) else name


def open_file(path: Path, fps: float | None = None) -> Frames:
    """Open a file of many frames: an array (.npy), a multi-page TIFF, or else a video."""
    suffix = path.suffix.lower()
    if suffix == ARRAY_SUFFIX:
        return open_array(path, fps)
    return (StackFrames if suffix in TIFF_SUFFIXES else VideoFrames)(path, fps)


def video_frame_files(video: Path) -> dict[int, FrameFile]:
    """Return the frames of a video by index, counted by decoding: the container's count may be wrong."""
    return {number: VideoFrame(video, number) for number in open_file(video).frame_times()}


def number_from_onset(
    files: dict[int, FrameFile], onset: int | None, offset: int | None
) -> dict[int, FrameFile]:
    """Number the frames of a video of one clip as annotated.

    A video does not say which annotated number its first frame has. If it has exactly as many frames as the
    annotation spans, it begins with the onset; otherwise its first frame could be frame 0, frame 1 or any
    other, so it is refused.

    Parameters
    ----------
    files : dict
        Frames of the video by index, from `video_frame_files`.
    onset, offset : int or None
        Annotated frame numbers.

    Raises
    ------
    UnreadableImage
        If the counts differ, or no offset is annotated.
    """
    video = containing_file(next(iter(files.values())))
    span = None if onset is None or offset is None else offset - onset + 1
    if onset is None or len(files) != span or max(files) != len(files) - 1:
        annotated = (
            "no span is annotated" if span is None else f"the annotation spans {span} ({onset} to {offset})"
        )
        raise UnreadableImage(
            f"{video} holds {len(files)} whole frames and {annotated}, so its frames cannot be numbered. "
            "Give the frames as images."
        )
    return {index + onset: frame for index, frame in files.items()}


def number_recording(files: dict[int, FrameFile]) -> dict[int, FrameFile]:
    """Number the frames of a long video as published: a video file counts from 1, images keep their numbers.

    Raises `UnreadableImage` if the images begin before 1: they were exported anew, and every annotated number
    would name another frame.
    """
    files_before = [file for number, file in files.items() if number < 1 and isinstance(file, Path)]
    if files_before:
        raise UnreadableImage(
            f"{files_before[0]} has a number below 1, with which the published frames begin. Frames "
            "that were exported anew cannot be found by annotated numbers: restore the published ones."
        )
    return {number + 1 if isinstance(file, VideoFrame) else number: file for number, file in files.items()}


class ClipImages:
    """Images of one clip as uint8 RGB; deeper images are all scaled by the same factor.

    Parameters
    ----------
    files : mapping
        Frame number -> file. All are read for the factor if one is deeper than 8 bits.
    """

    def __init__(self, files: Mapping[int, FrameFile]):
        self.files = files
        self.white: float | None = None  # sample value of full brightness, once a deeper image was read

    def read(self, number: int) -> np.ndarray:
        """Read a frame as (H, W, 3) uint8 RGB; raise `BadInput` if it is unreadable."""
        frame = self.files[number]
        if isinstance(frame, VideoFrame):
            images = open_file(frame.video).pick([frame.index])
            if frame.index not in images:
                raise UnreadableImage(f"Frame {frame.index} of {frame.video} is damaged or not there.")
            return images[frame.index]
        image = decode_image(frame)
        if image.dtype != np.uint8 and self.white is None:
            self.white = find_clip_white(file for file in self.files.values() if isinstance(file, Path))
        return to_8_bits(image, self.white)


def find_clip_white(files: Iterable[Path]) -> float:
    """Read all images of a clip and return the value of full brightness; 255 for 8 bits."""
    brightest, dtype = 0.0, np.dtype(np.uint8)
    for file in files:
        try:
            image = decode_image(file)
        except UnreadableImage:
            continue
        brightest, dtype = max(brightest, float(image.max())), np.promote_types(dtype, image.dtype)
    return white_level(brightest, dtype)
