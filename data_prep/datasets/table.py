"""Own recordings: videos or folders of frames, and a table of who shows what in them.

The `root` of this reader is the table itself, or a folder with `clips.csv`; files lie relative to the table.
Frames of a video are counted from 0, those of a folder are numbered as its images are.
"""

import math
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

import pandas as pd

from data_prep.annotation_checks import Finding
from data_prep.annotation_sheets import AnnotationSources
from data_prep.clip_images import FrameFile, video_frame_files
from data_prep.clip_table import clip_table
from data_prep.dataset_files import DatasetFacts, images_in
from data_prep.frames import open_frames
from data_prep.recording_table import FRAMES, Recording, read_recordings
from data_prep.recordings import VIDEO_SUFFIXES, is_video
from mer_core.content import content_id
from mer_core.errors import BadInput

FACTS = DatasetFacts(
    title="Own recordings",
    fps=math.nan,  # each clip's own stands in its row
    subjects=None,
    clips=None,
    emotions={},
    licence="your own",
    obtain="docs/guides/own-recordings.md",
    citation="",
    doi="",
    missing_fraction=1.0,  # a recording that fails is a row with a reason, however many fail
)

TREE = """\
clips.csv                             (or .xlsx, .xls, .tsv, an ELAN .eaf, BIDS ..._events.tsv)
  file, subject, label                and if you have them
  clip                                (a name; made from the file's where it is missing)
  onset, apex, offset                 (frames: of a video from 0, of a folder as its images are numbered)
  onset_s, apex_s, offset_s           (or seconds)
  fps                                 (needed for seconds in a folder of images)
  action_units                        (as 4+7)
videos/anna_1.mp4                     (files and folders, relative to the table)
frames/ben_2/0001.png ..."""

NUMBERS_VIDEO_FRAMES = True  # as they are; see `clip_files` in data_prep/annotations.py
AGREE_S = 0.01  # of a frame and a time for the same moment, or one and a half frames where that is more


class BadRow(BadInput):
    """A row of the table that contradicts itself, its file, or another row."""

    code = "bad-row"


@dataclass(frozen=True)
class _Clip:
    """A row with its name, and its numbers as frames."""

    recording: Recording
    name: str
    frames: dict[str, int]
    fps: float | None
    problem: str = ""


def read_annotations(root: Path) -> pd.DataFrame:
    """Clip table of the recordings that a table lists.

    Onset and apex are empty where they are still to be spotted.
    """
    _read_clips.cache_clear()
    clips, sources = _read_clips(Path(root).absolute())
    return clip_table([_row(clip) for clip in clips], sources)


def find_problems(root: Path) -> list[Finding]:
    """A finding for each row that cannot be used; it refuses the clip."""
    return [
        Finding(
            "a row that cannot be used",
            f"table/{clip.recording.subject}/{clip.name}",
            f"line {clip.recording.line}: {clip.problem}",
            "bad row",
        )
        for clip in _read_clips(Path(root).absolute())[0]
        if clip.problem
    ]


def frame_files(root: Path, row) -> dict[int, FrameFile]:
    """Frames of one clip's recording by number; raises `BadRow` for a row that cannot be used."""
    path, _ = find_recording(root, row)
    return video_frame_files(path) if path.is_file() else images_in(path)


def find_recording(root: Path, row) -> tuple[Path, float | None]:
    """The file or folder of a clip and its frame rate, None where that is unknown.

    Raises as `frame_files`.
    """
    root = Path(root).absolute()
    clips, _ = _read_clips(root)
    named = (one for one in clips if (one.recording.subject, one.name) == (row.subject, row.clip))
    clip = next(named, None)
    if clip is None:
        raise BadRow(f"the table has no clip {row.clip} of {row.subject}")
    if clip.problem:
        raise BadRow(f"line {clip.recording.line}: {clip.problem}")
    return _table_folder(root) / clip.recording.file, clip.fps


@lru_cache(maxsize=4)
def _read_clips(root: Path) -> tuple[list[_Clip], AnnotationSources]:
    """The rows of a table; kept, since every clip asks, until the annotations are read anew."""
    recordings, sources = read_recordings(root)
    copies = _find_copies(_table_folder(root), recordings)
    people: dict[str, dict[str, int]] = {}  # file -> subject -> line
    for one in recordings:
        people.setdefault(one.file, {}).setdefault(one.subject, one.line)
    names = _name_clips(recordings)
    clips = [
        _build_clip(root, one, name, people[one.file], copies.get(one.file, ""))
        for one, name in zip(recordings, names)
    ]
    return clips, sources


def _find_copies(home: Path, recordings: list[Recording]) -> dict[str, str]:
    """Videos that another subject's row names under another name, byte for byte: file -> that other file."""
    subjects = {one.file: one.subject for one in recordings}
    sizes: dict[int, list[str]] = {}
    for file in subjects:
        if not _leaves_folder(file) and (home / file).is_file():
            sizes.setdefault((home / file).stat().st_size, []).append(file)
    copies = {}
    for files in (files for files in sizes.values() if len(files) > 1):
        first: dict[str, str] = {}
        for file in files:
            other = first.setdefault(content_id(home / file), file)
            if subjects[other] != subjects[file]:
                copies[file] = other
    return copies


def _leaves_folder(file: str) -> bool:
    """Whether a path leads, or might lead on another system, out of the folder it is relative to."""
    path = PurePosixPath(file)
    return path.is_absolute() or ".." in path.parts or ":" in file.split("/")[0]


def _table_folder(root: Path) -> Path:
    return root if root.is_dir() else root.parent


def _row(clip: _Clip) -> dict:
    one = clip.recording
    return {
        "dataset": "table",
        "subject": one.subject,
        "clip": clip.name,
        **clip.frames,
        "fps": clip.fps,
        "emotion": one.label,
        "action_units": one.action_units,
        "onset_source": "annotated" if "onset" in clip.frames else "",
        "apex_source": "annotated" if "apex" in clip.frames else "",
        "note": one.note,
    }


def _name_clips(recordings: list[Recording]) -> list[str]:
    """A name for each clip: as given, else that of the file, with its folders or its onset where that is not
    enough.
    """
    files_of_name: dict[tuple[str, str], set[str]] = {}
    for one in recordings:
        files_of_name.setdefault((one.subject, _path_parts(one)[-1].casefold()), set()).add(one.file)
    n_rows = Counter((one.subject, one.file) for one in recordings)
    names = []
    for one in recordings:
        parts = _path_parts(one)
        unique = len(files_of_name[one.subject, parts[-1].casefold()]) == 1
        name = parts[-1] if unique else "_".join(parts)
        if n_rows[one.subject, one.file] > 1:
            start = one.frames.get("onset", one.seconds.get("onset", ""))
            name = f"{name}_{start}".rstrip("_")
        names.append(one.clip or name or f"line {one.line}")
    return names


def _path_parts(one: Recording) -> tuple[str, ...]:
    """The parts of a recording's path, of a video without its suffix."""
    path = PurePosixPath(one.file)
    return (path.with_suffix("") if path.suffix.lower() in VIDEO_SUFFIXES else path).parts or ("",)


def _build_clip(root: Path, one: Recording, name: str, people: dict[str, int], copy_of: str) -> _Clip:
    """The row with its times as frames, or with the problem that keeps it from being used."""
    try:
        path = _check_path(root, one, people)
        if copy_of:
            raise BadRow(f"{one.file} is a copy of {copy_of}, which is listed for another subject")
        source = open_frames(path, one.fps)
        fps = one.fps or getattr(source.report, "fps_in_file", None)
        if not one.seconds:
            return _Clip(one, name, one.frames, fps)
        return _Clip(one, name, _times_to_frames(one, source.frame_times()), fps)
    except BadInput as error:
        return _Clip(one, name, one.frames, one.fps, str(error).replace(f"{_table_folder(root)}/", ""))


def _check_path(root: Path, one: Recording, people: dict[str, int]) -> Path:
    """The recording, which must lie below the table's folder and show one person."""
    if one.problem:
        raise BadRow(one.problem)
    for what in ("file", "subject"):
        if not getattr(one, what):
            raise BadRow(f"no {what} is given")
    if _leaves_folder(one.file):
        raise BadRow(f"{one.file!r} leaves the folder of the table; give a path below it")
    path = _table_folder(root) / one.file
    if not path.exists():
        raise BadRow(f"there is no {one.file}")
    if path.is_file() and not is_video(path):
        raise BadRow(f"{one.file} is neither a video nor a folder of images")
    others = {subject: line for subject, line in people.items() if subject != one.subject}
    if others:
        subject, line = next(iter(others.items()))
        raise BadRow(
            f"{one.file} is listed for {one.subject!r} and, in line {line}, for {subject!r}; "
            "one of them would be fitted on where the other is tested"
        )
    return path


def _times_to_frames(one: Recording, times: dict[int, float]) -> dict[str, int]:
    """Onset, apex and offset as frames; where both frames and seconds are given, they must agree."""
    if any(math.isnan(time) for time in times.values()):
        raise BadRow("times in seconds need fps, which neither the table nor the recording gives")
    last = max(times.values())
    gap = last / max(len(times) - 1, 1)
    frames = dict(one.frames)
    for name in FRAMES:
        if name not in one.seconds:
            continue
        wanted = one.seconds[name]
        if wanted > last + 1.5 * gap:
            raise BadRow(f"{name}_s {wanted:g} lies behind the last frame, at {last:.3f} s")
        nearest = min(times, key=lambda number: abs(times[number] - wanted))
        number = frames.setdefault(name, nearest)
        if number in times and abs(times[number] - wanted) > max(AGREE_S, 1.5 * gap):
            raise BadRow(
                f"{name} {number} and {name}_s {wanted:g} disagree: frame {number} is at "
                f"{times[number]:.3f} s, and {wanted:g} s is frame {nearest}"
            )
    return frames
