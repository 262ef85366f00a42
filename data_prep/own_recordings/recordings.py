"""Clips in a folder of own recordings: videos, multi-page TIFFs, and folders of numbered images."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from data_prep.clutter import camera_extras, clutter_kind
from data_prep.image_files.frame_array import ARRAY_SUFFIX
from data_prep.image_files.images import IMAGE_SUFFIXES, TIFF_SUFFIXES, n_pictures
from mer_core.content import content_id
from mer_core.errors import NotFound
from mer_core.io import printable_path

VIDEO_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".wmv", ".asf", ".mpg", ".mpeg", ".m2v", ".vob", ".mts",
    ".m2ts", ".ts", ".3gp", ".3g2", ".flv", ".f4v", ".ogv", ".mxf", ".dv", ".divx", ".mjpeg", ".mjpg", ".y4m",
    ".h264", ".264", ".h265", ".hevc", ".gif",
)  # fmt: skip
RECORDING_SUFFIXES = (*VIDEO_SUFFIXES, *TIFF_SUFFIXES, ARRAY_SUFFIX)  # of files that hold many frames


@dataclass
class Recordings:
    """The clips below a folder."""

    folder: Path
    clips: dict[str, Path] = field(default_factory=dict)  # path below the folder, printable -> path
    skipped: Counter = field(default_factory=Counter)  # other files, and folders not entered, by kind
    examples: dict[str, str] = field(default_factory=dict)  # kind -> the first skipped name

    def skip(self, kind: str, path: Path) -> None:
        """Count a file or folder that is skipped."""
        self.skipped[kind] += 1
        self.examples.setdefault(kind, printable_path(path.name))

    def sentence(self) -> str:
        """Describe what was skipped, by kind with the first of each; empty if nothing was."""
        kinds = [
            f"{n} {kind} ({self.examples[kind]}{', ...' if n > 1 else ''})"
            for kind, n in self.skipped.most_common()
        ]
        return f"Skipped in {self.folder}: {', '.join(kinds)}." if kinds else ""


def find_recordings(folder: Path, ignore: Path | None = None) -> Recordings:
    """Find the clips at or below `folder`, sorted by path.

    Links are followed, and each folder is entered once. A folder is judged by its content, not by its name.

    Parameters
    ----------
    folder : Path
        Folder to search; it may be a clip itself.
    ignore : Path or None
        A file there that is not counted as skipped, such as our own output.

    Raises
    ------
    BadInput
        If there is no such folder, or no clip in it.
    """
    if not folder.exists():
        raise NotFound(f"There is no file or folder at {folder}.")
    recordings = Recordings(folder)
    if folder.is_file():
        recordings.clips[printable_path(folder.name)] = folder
        return recordings
    for path, files in _folders(folder, recordings):
        images = [
            file for file in files if file.suffix.lower() in IMAGE_SUFFIXES and re.search(r"\d", file.stem)
        ]
        stacks = [file for file in images if file.suffix.lower() in TIFF_SUFFIXES and n_pictures(file) > 1]
        clips = [file for file in files if is_video(file)] + stacks
        if len(images) > len(stacks):
            clips.append(path)
        for clip in sorted(clips):
            recordings.clips[printable_path(clip.name if clip == folder else clip.relative_to(folder))] = clip
        for file in files:
            if file not in clips and file != ignore and (path not in clips or file not in images):
                recordings.skip(file.suffix.lower() or "without suffix", file)
    recordings.clips = dict(sorted(recordings.clips.items(), key=lambda item: item[1].parts))
    if not recordings.clips:
        raise NotFound(
            f"{folder} holds no videos ({', '.join(VIDEO_SUFFIXES)}) and no folders of numbered images "
            f"({', '.join(IMAGE_SUFFIXES)}). {recordings.sentence()}".strip()
        )
    return recordings


def is_video(file: Path) -> bool:
    """Return whether a file is a video by its suffix; for .ts (also TypeScript), the first byte decides."""
    if file.suffix.lower() not in VIDEO_SUFFIXES:
        return False
    if file.suffix.lower() != ".ts" or not file.is_file():
        return True
    try:
        with file.open("rb") as stream:
            return stream.read(1) == b"G"  # the sync byte of a transport stream
    except OSError:
        return True


def is_recording(file: Path) -> bool:
    """Return whether a file may hold many frames, by its suffix: a video, a multi-page TIFF or an array."""
    return file.suffix.lower() in RECORDING_SUFFIXES and (
        file.suffix.lower() not in VIDEO_SUFFIXES or is_video(file)
    )


def recording_id(clip: Path) -> str:
    """Return the content identity of a clip: of its video, or of the images in its folder."""
    if clip.is_file():
        return content_id(clip)
    return content_id(
        [file for file in clip.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES and file.is_file()]
    )


def _folders(folder: Path, recordings: Recordings) -> Iterator[tuple[Path, list[Path]]]:
    """Yield each folder from `folder` down once, with its files; clutter and dead links are only counted."""
    entered = set()

    def unreadable(error: OSError) -> None:
        recordings.skip("unreadable", Path(error.filename))

    for top, names, files in os.walk(folder, followlinks=True, onerror=unreadable):
        status = os.stat(top)
        if (status.st_dev, status.st_ino) in entered:
            names.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        kept, extras = [], camera_extras(names)
        for path in sorted(Path(top, name) for name in (*names, *files)):
            # A video with a dead link is a clip that fails with a reason, not a skipped file.
            dead = "" if path.exists() or is_video(path) else "dead link"
            extra = "folder of thumbnails or small copies" if path.name in extras else ""
            special = path.exists() and not (path.is_file() or path.is_dir())  # opening it may block
            if kind := clutter_kind(path.name) or extra or dead or "pipe or device" * special:
                recordings.skip(kind, path)
            elif not path.is_dir():
                kept.append(path)
        names[:] = sorted(name for name in names if not clutter_kind(name) and name not in extras)
        yield Path(top), kept
