"""Folders and frames of a dataset as it was downloaded: nested zips, subjects, clips; and the dataset's
facts.

Names are compared without regard to case and Unicode form, because copying between systems changes both. Of
several folders that could be meant none is taken by the alphabet: a reader names the one it prefers, or the
choice is refused. What is particular to one dataset stands in its file in `data_prep/datasets/`.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from data_prep.clip_images import FrameFile, video_frame_files
from data_prep.clutter import clutter_kind
from data_prep.frames import numbered_images
from data_prep.identity import clean_name, subject_key
from data_prep.recordings import is_video
from mer_core.errors import BadInput

MAX_DEPTH = 4  # folders in folders that are looked into: zips nest a folder in a folder of the same name


class AmbiguousFolder(BadInput):
    """Several folders, each of which could be the one that is meant."""

    code = "ambiguous-folder"


@dataclass(frozen=True)
class DatasetFacts:
    """What is published about a dataset; a count that is not published is None.

    `emotions` counts the clips of each of its words; `missing_fraction` is the fraction of clips that the release
    itself has no frames for, above which a folder is likely not what was meant.
    """

    title: str
    fps: float
    subjects: int | None
    clips: int | None  # None for own recordings, of which nothing is published
    emotions: dict[str, int | None]
    licence: str
    obtain: str
    citation: str
    doi: str
    missing_fraction: float = 0.01
    unverified: bool = False  # some counts are not verified against the paper or the release; --check says so
    intervals: dict[str, int] | None = (
        None  # of a dataset of long videos: expressions of each kind, see data_prep/interval_table.py
    )


def clear_caches() -> None:
    """Look at the disk anew: what the functions below found is kept, since every clip of a dataset asks the
    same.
    """
    for search in (find_folder, folders_named, all_folders, folders_in, images_in):
        search.cache_clear()


@dataclass(frozen=True)
class Folders:
    """Folders found below a root, by name."""

    root: Path
    paths: tuple[Path, ...]
    prefer: tuple[str, ...] = ()

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in self.paths:
            found.setdefault(_name_key(path.name), []).append(path)
        return found

    def get(self, name: str, subject: str = "") -> Path | None:
        """The folder called `name`; of several that below a folder of `subject`, the preferred, or the one
        with images.

        Raises `AmbiguousFolder` if more than one is left.
        """
        found = self._by_name.get(_name_key(name), [])
        if len(found) > 1 and subject:
            found = [path for path in found if _is_below(path, self.root, subject)] or found
        return self._one(found, f"folders called {name}")

    def get_prefixed(self, start: str) -> Path | None:
        """The folder whose name begins with `start`; as `get`."""
        found = [
            path for key, paths in self._by_name.items() if key.startswith(_name_key(start)) for path in paths
        ]
        return self._one(found, f"folders called {start}...")

    def get_subject(self, name: str) -> Path | None:
        """The folder of a subject, whichever way it is spelled; as `get`."""
        found = [path for path in self.paths if subject_key(path.name) == subject_key(name)]
        return self._one(found, f"folders of the subject {name}")

    def _one(self, found: list[Path], what: str) -> Path | None:
        if len(found) > 1:
            found = _preferred(self.root, found, self.prefer)
        if len(found) > 1:
            found = [path for path in found if images_in(path)] or found
        if len(found) > 1:
            raise _ambiguous(what, found)
        return found[0] if found else None


@lru_cache
def find_folder(root: Path, holds: str, prefer: tuple[str, ...] = (), avoid: tuple[str, ...] = ()) -> Path:
    """The folder at or below `root` that holds folders whose whole name matches the pattern `holds`.

    Of several, the one whose path has the earliest name of `prefer`; folders named in `avoid` are not
    entered. Raises `BadInput` saying where it looked, `AmbiguousFolder`, or as `folders_in` does.
    """
    found = [
        folder
        for folder, inside in walk_folders(root, holds, avoid)
        if any(_matches(name, holds) for name in inside)
    ]
    if not found:
        here = sorted(path.name + "/" * path.is_dir() for path in root.iterdir())
        raise BadInput(
            f"No folder in {root}, down to {MAX_DEPTH} levels, holds the subjects' folders (named like {holds}). "
            f"It holds: {', '.join(here[:8]) or 'nothing'}{', ...' if len(here) > 8 else ''}."
        )
    best = _preferred(root, found, prefer)
    if len(best) > 1:
        raise _ambiguous(f"folders that hold subjects (named like {holds})", best)
    folders_in(best[0])  # refuses two of one name
    return best[0]


@lru_cache
def folders_named(root: Path, pattern: str, prefer: tuple[str, ...] = ()) -> Folders:
    """Folders down to `MAX_DEPTH` levels below `root` whose whole name matches `pattern`.

    They are not entered.
    """
    named = (
        folder / name
        for folder, inside in walk_folders(root, pattern)
        for name in inside
        if _matches(name, pattern)
    )
    return Folders(root, tuple(named), prefer)


@lru_cache
def all_folders(root: Path, prefer: tuple[str, ...] = ()) -> Folders:
    """All folders down to `MAX_DEPTH` levels below `root`, and the root."""
    inside = (folder / name for folder, names in walk_folders(root, "(?!)") for name in names)
    return Folders(root, (root, *inside), prefer)


@lru_cache
def folders_in(folder: Path) -> dict[str, Path]:
    """Folders in `folder`, by name as it is compared; none where there is no such folder.

    Raises `AmbiguousFolder` for two of one name.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir() and not clutter_kind(path.name):
            first = found.setdefault(_name_key(path.name), path)
            if first != path:
                raise _ambiguous("folders whose names differ in case or Unicode form only", [first, path])
    return found


def resolve_path(folder: Path, *names: str) -> Path:
    """The path `names` lead to from `folder`, in whatever case.

    Where there is none, the names as they are.
    """
    for name in names:
        folder = folders_in(folder).get(_name_key(name), folder / name)
    return folder


def subject_folder(folder: Path, subject: str) -> Path:
    """The folder of a subject in `folder`, whichever way it spells the subject.

    Raises `AmbiguousFolder` for two.
    """
    found = [path for path in folders_in(folder).values() if subject_key(path.name) == subject_key(subject)]
    if len(found) > 1:
        raise _ambiguous(f"folders of the subject {subject}", found)
    return found[0] if found else folder / subject


@lru_cache(maxsize=8)
def images_in(folder: Path) -> dict[int, FrameFile]:
    """`numbered_images`, read once for clips that share a folder, as in long videos.

    Where a video lies in the folder's place, its frames, counted from 0.
    """
    videos = [] if folder.is_dir() or not folder.parent.is_dir() else list(folder.parent.iterdir())
    videos = [path for path in videos if _name_key(path.stem) == _name_key(folder.name) and is_video(path)]
    if len(videos) > 1:
        raise _ambiguous(f"videos called {folder.name}", sorted(videos))
    if videos:
        return video_frame_files(videos[0])
    return dict(numbered_images(folder))


def skipped_folders(root: Path) -> str:
    """Say which folders are nobody's data and are not entered, by kind; empty where there are none."""
    found: dict[str, list[str]] = {}
    for folder, _ in walk_folders(root, "(?!)"):
        for path in sorted(folder.iterdir()):
            if (kind := clutter_kind(path.name)) and path.is_dir():
                found.setdefault(kind, []).append(str(path.relative_to(root)))
    kinds = [
        f"{len(names)} {kind} ({names[0]}{', ...' if len(names) > 1 else ''})"
        for kind, names in found.items()
    ]
    return f"Folders not entered: {', '.join(kinds)}." if kinds else ""


def walk_folders(root: Path, stop: str, avoid: tuple[str, ...] = ()) -> Iterator[tuple[Path, list[str]]]:
    """Yield folders from `root` down to `MAX_DEPTH` levels with the names of the folders in them.

    A video counts as a folder of its name without the suffix, see `images_in`. Not entered are folders that
    match `stop`, those named in `avoid`, and clutter.
    """
    if not root.is_dir():
        raise BadInput(f"There is no folder at {root}. Check --root.")
    level, avoided = [root], [name.lower() for name in avoid]
    for _ in range(MAX_DEPTH + 1):
        deeper = []
        for folder in level:
            with os.scandir(folder) as entries:  # knows folders from files without asking the disk about each
                kept = [entry for entry in entries if not clutter_kind(entry.name)]
            folders = {entry.name for entry in kept if entry.is_dir() and entry.name.lower() not in avoided}
            videos = {
                Path(entry.name).stem for entry in kept if is_video(Path(entry.path)) and entry.is_file()
            }
            yield folder, sorted(folders | videos)
            deeper += [folder / name for name in sorted(folders) if not _matches(name, stop)]
        level = deeper


def _name_key(name: str) -> str:
    """A folder's name as it is compared."""
    return clean_name(name).casefold()


def _matches(name: str, pattern: str) -> bool:
    return bool(re.fullmatch(pattern, clean_name(name), re.IGNORECASE))


def _is_below(path: Path, root: Path, subject: str) -> bool:
    return any(subject_key(part) == subject_key(subject) for part in path.relative_to(root).parts[:-1])


def _preferred(root: Path, found: list[Path], prefer: tuple[str, ...]) -> list[Path]:
    """Those of `found` whose path has the earliest name of `prefer`."""

    def rank(folder: Path) -> int:
        names = [name.lower() for name in (root.name, *folder.relative_to(root).parts)]
        return min((i for i, name in enumerate(prefer) if name.lower() in names), default=len(prefer))

    best = min(map(rank, found))
    return [folder for folder in found if rank(folder) == best]


def _ambiguous(what: str, found: list[Path]) -> AmbiguousFolder:
    more = ", ..." if len(found) > 4 else ""
    return AmbiguousFolder(
        f"There are {len(found)} {what}: {', '.join(map(str, found[:4]))}{more}. "
        "Join them, or move those that are not meant out of the dataset's folder."
    )
