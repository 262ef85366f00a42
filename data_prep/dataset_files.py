"""Search of a downloaded dataset for the folders of subjects and clips and their frames; published facts.

Names are compared without regard to case and Unicode form, because copying between systems changes both.
Among several candidate folders a reader states its preference, or the choice is refused; alphabetical order
never decides. `data_prep/datasets/` holds what is specific to one dataset.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from data_prep.clip_images import FrameFile, video_frame_files
from data_prep.clutter import clutter_kind
from data_prep.frames import file_kinds, image_names
from data_prep.identity import clean_name, subject_key
from data_prep.image_files.frame_names import FrameNames
from data_prep.own_recordings.recordings import is_video
from mer_core.errors import BadInput, NotFound

MAX_DEPTH = 4  # levels of folders that are searched: zips often nest a folder in one of the same name


class AmbiguousFolder(BadInput):
    """Several folders could be the requested one."""

    code = "ambiguous-folder"


@dataclass(frozen=True)
class DatasetFacts:
    """What is published about a dataset; a count that is not published is None."""

    title: str
    fps: float
    subjects: int | None
    clips: int | None  # None for own recordings
    emotions: dict[str, int | None]  # the dataset's word -> number of clips
    licence: str
    obtain: str
    citation: str
    doi: str
    missing_fraction: float = 0.01  # of clips without frames in the release; more means a wrong folder
    unverified: bool = False  # some counts are not verified against the paper or the release
    intervals: dict[str, int] | None = None  # of long videos: kind -> number of expressions


def clear_caches() -> None:
    """Forget all search results, which are cached because every clip of a dataset needs the same."""
    for search in (find_folder, folders_named, all_folders, folders_in, images_in, names_in):
        search.cache_clear()


@dataclass(frozen=True)
class Folders:
    """Folders below a root, searchable by name."""

    root: Path
    paths: tuple[Path, ...]
    prefer: tuple[str, ...] = ()  # names on the path of the preferred folder, best first

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        paths: dict[str, list[Path]] = {}
        for path in self.paths:
            paths.setdefault(_name_key(path.name), []).append(path)
        return paths

    def get(self, name: str, subject: str = "") -> Path | None:
        """Return the folder called `name`, or None.

        With a `subject`, a folder below that of another subject is none of its clips. Among several, the one
        below a folder of `subject`, the preferred one, or the only one with images is returned;
        `AmbiguousFolder` is raised if more than one remains.
        """
        matches = self._by_name.get(_name_key(name), [])
        if subject:
            matches = [path for path in matches if not _is_below_other(path, self.root, subject)]
            matches = [path for path in matches if _is_below(path, self.root, subject)] or matches
        return self._select(matches, f"folders called {name}")

    def get_prefixed(self, start: str) -> Path | None:
        """Return the folder whose name begins with `start`, as `get` does."""
        matches = [
            path for key, paths in self._by_name.items() if key.startswith(_name_key(start)) for path in paths
        ]
        return self._select(matches, f"folders called {start}...")

    def get_subject(self, name: str) -> Path | None:
        """Return the folder of a subject in any spelling, as `get` does."""
        matches = [path for path in self.paths if subject_key(path.name) == subject_key(name)]
        return self._select(matches, f"folders of the subject {name}")

    def _select(self, matches: list[Path], description: str) -> Path | None:
        if len(matches) > 1:
            matches = _preferred(self.root, matches, self.prefer)
        if len(matches) > 1:
            matches = [path for path in matches if images_in(path)] or matches
        if len(matches) > 1:
            raise _ambiguous(description, matches)
        return matches[0] if matches else None


@lru_cache
def find_folder(root: Path, child: str, prefer: tuple[str, ...] = (), avoid: tuple[str, ...] = ()) -> Path:
    """Find the folder at or below `root` that contains the folders of the subjects.

    Parameters
    ----------
    root : Path
        Where to search, down to `MAX_DEPTH` levels.
    child : str
        Pattern of the whole name of the folders it contains.
    prefer : tuple of str
        Among several, the one with the earliest of these names on its path is returned.
    avoid : tuple of str
        Names of folders that are not entered.

    Raises
    ------
    BadInput
        If there is none; the message lists the content of `root`.
    AmbiguousFolder
        If several remain, or two of the children have the same name.
    """
    parents = [
        folder
        for folder, names in walk_folders(root, child, avoid)
        if any(_matches(name, child) for name in names)
    ]
    if not parents:
        content = sorted(path.name + "/" * path.is_dir() for path in root.iterdir())
        raise NotFound(
            f"No folder in {root}, down to {MAX_DEPTH} levels, holds the subjects' folders (named like "
            f"{child}). It holds: {', '.join(content[:8]) or 'nothing'}{', ...' if len(content) > 8 else ''}."
        )
    best = _preferred(root, parents, prefer)
    if len(best) > 1:
        raise _ambiguous(f"folders that hold subjects (named like {child})", best)
    folders_in(best[0])  # refuses two children of one name
    return best[0]


@lru_cache
def folders_named(root: Path, pattern: str, prefer: tuple[str, ...] = ()) -> Folders:
    """Return the folders below `root` whose whole name matches `pattern`; these are not entered."""
    paths = (
        folder / name
        for folder, names in walk_folders(root, pattern)
        for name in names
        if _matches(name, pattern)
    )
    return Folders(root, tuple(paths), prefer)


@lru_cache
def all_folders(root: Path, prefer: tuple[str, ...] = ()) -> Folders:
    """Return `root` and all folders below it, down to `MAX_DEPTH` levels."""
    paths = (folder / name for folder, names in walk_folders(root, "(?!)") for name in names)
    return Folders(root, (root, *paths), prefer)


@lru_cache
def folders_in(folder: Path) -> dict[str, Path]:
    """Return the folders in `folder` by the form of their name used for comparison.

    Empty if `folder` does not exist; raises `AmbiguousFolder` for two of one name.
    """
    folders: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir() and not clutter_kind(path.name):
            first = folders.setdefault(_name_key(path.name), path)
            if first != path:
                raise _ambiguous("folders whose names differ in case or Unicode form only", [first, path])
    return folders


def resolve_path(folder: Path, *names: str) -> Path:
    """Follow `names` from `folder` in any case; names that do not exist are appended as they are."""
    for name in names:
        folder = folders_in(folder).get(_name_key(name), folder / name)
    return folder


def subject_folder(folder: Path, subject: str) -> Path:
    """Return the folder of a subject in `folder`, in any spelling; raise `AmbiguousFolder` for two.

    Without such a folder, `subject` is appended as it is.
    """
    matches = [path for path in folders_in(folder).values() if subject_key(path.name) == subject_key(subject)]
    if len(matches) > 1:
        raise _ambiguous(f"folders of the subject {subject}", matches)
    return matches[0] if matches else folder / subject


def frames_in(folder: Path) -> dict[int, FrameFile]:
    """Return the frames of a clip as `images_in`; raise `NotFound` if its folder holds only other files."""
    if not (files := images_in(folder)) and (kinds := file_kinds(folder)):
        raise NotFound(f"{folder} holds no numbered images of a kind that is read, but {kinds}.")
    return files


@lru_cache(maxsize=8)
def images_in(folder: Path) -> dict[int, FrameFile]:
    """Return the images of a folder by frame number, cached for clips that share a long video's folder.

    If a video of that name lies in the folder's place, its frames are returned, counted from 0.
    """
    videos = [] if folder.is_dir() or not folder.parent.is_dir() else list(folder.parent.iterdir())
    videos = [path for path in videos if _name_key(path.stem) == _name_key(folder.name) and is_video(path)]
    if len(videos) > 1:
        raise _ambiguous(f"videos called {folder.name}", sorted(videos))
    if videos:
        return video_frame_files(videos[0])
    return dict(names_in(folder).files)


@lru_cache(maxsize=8)
def names_in(folder: Path) -> FrameNames:
    """Return the images of a folder with what is odd about their names, cached as `images_in`."""
    return image_names(folder)


def skipped_folders(root: Path) -> str:
    """Describe the clutter folders that are not entered, by kind; empty if there are none."""
    names_by_kind: dict[str, list[str]] = {}
    for folder, _ in walk_folders(root, "(?!)"):
        for path in sorted(folder.iterdir()):
            if (kind := clutter_kind(path.name)) and path.is_dir():
                names_by_kind.setdefault(kind, []).append(str(path.relative_to(root)))
    kinds = [
        f"{len(names)} {kind} ({names[0]}{', ...' if len(names) > 1 else ''})"
        for kind, names in names_by_kind.items()
    ]
    return f"Folders not entered: {', '.join(kinds)}." if kinds else ""


def walk_folders(root: Path, stop: str, avoid: tuple[str, ...] = ()) -> Iterator[tuple[Path, list[str]]]:
    """Yield each folder from `root` down to `MAX_DEPTH` levels with the names of the folders in it.

    A video counts as a folder of its name without the suffix, see `images_in`. Clutter, folders that match
    the pattern `stop`, and those named in `avoid` are not entered.
    """
    if not root.is_dir():
        raise NotFound(f"There is no folder at {root}. Check --root.")
    level, avoided = [root], [name.lower() for name in avoid]
    for _ in range(MAX_DEPTH + 1):
        deeper = []
        for folder in level:
            with os.scandir(folder) as entries:  # tells folders from files without a stat call for each
                kept = [entry for entry in entries if not clutter_kind(entry.name)]
            folders = {entry.name for entry in kept if entry.is_dir() and entry.name.lower() not in avoided}
            videos = {
                Path(entry.name).stem for entry in kept if is_video(Path(entry.path)) and entry.is_file()
            }
            yield folder, sorted(folders | videos)
            deeper += [folder / name for name in sorted(folders) if not _matches(name, stop)]
        level = deeper


def _name_key(name: str) -> str:
    """Return a folder's name in the form used for comparison."""
    return clean_name(name).casefold()


def _matches(name: str, pattern: str) -> bool:
    return bool(re.fullmatch(pattern, clean_name(name), re.IGNORECASE))


def _is_below(path: Path, root: Path, subject: str) -> bool:
    return any(subject_key(part) == subject_key(subject) for part in path.relative_to(root).parts[:-1])


def _is_below_other(path: Path, root: Path, subject: str) -> bool:
    """Return whether a folder on the way is named like `subject` but with another number."""
    key = subject_key(subject)
    keys = [subject_key(part) for part in path.relative_to(root).parts[:-1]]
    return key not in keys and any(re.sub(r"\d+", "0", a) == re.sub(r"\d+", "0", key) for a in keys)


def _preferred(root: Path, folders: list[Path], prefer: tuple[str, ...]) -> list[Path]:
    """Return the folders with the earliest name of `prefer` on their path."""

    def rank(folder: Path) -> int:
        names = [name.lower() for name in (root.name, *folder.relative_to(root).parts)]
        return min((i for i, name in enumerate(prefer) if name.lower() in names), default=len(prefer))

    best = min(map(rank, folders))
    return [folder for folder in folders if rank(folder) == best]


def _ambiguous(description: str, paths: list[Path]) -> AmbiguousFolder:
    more = ", ..." if len(paths) > 4 else ""
    return AmbiguousFolder(
        f"There are {len(paths)} {description}: {', '.join(map(str, paths[:4]))}{more}. "
        "Join them, or move those that do not belong out of the dataset's folder."
    )
