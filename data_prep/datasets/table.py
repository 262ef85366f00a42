"""Own recordings: videos or folders of frames, listed in a table with subjects and labels.

The `root` of this reader is the table, or a folder with `clips.csv`; paths are relative to the table. Frames
of a video count from 0, frames of a folder have the numbers of its images.
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
    fps=math.nan,  # given for each clip
    subjects=None,
    clips=None,
    emotions={},
    licence="your own",
    obtain="docs/guides/own-recordings.md",
    citation="",
    doi="",
    missing_fraction=1.0,  # failed recordings are rows with a reason, however many there are
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

NUMBERS_VIDEO_FRAMES = True  # from 0; see `clip_files` in data_prep/annotations.py
TOLERANCE_S = 0.01  # between a frame and a time given for the same moment; at least 1.5 frames


class BadRow(BadInput):
    """A row of the table contradicts itself, its file, or another row."""

    code = "bad-row"


@dataclass(frozen=True)
class _Clip:
    """A row of the table with the clip's name, and with times converted to frame numbers."""

    recording: Recording
    name: str
    frames: dict[str, int]  # of onset, apex and offset, those given
    fps: float | None
    problem: str = ""  # why the row cannot be used


def read_annotations(root: Path) -> pd.DataFrame:
    """Read the clip table of the listed recordings; onset and apex are empty if they are to be spotted."""
    _read_clips.cache_clear()
    clips, sources = _read_clips(Path(root).absolute())
    return clip_table([_row(clip) for clip in clips], sources)


def find_problems(root: Path) -> list[Finding]:
    """Return a finding for each row that cannot be used; it refuses the clip."""
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
    """Return the frames of a clip's recording by number; raise `BadRow` for a row that cannot be used."""
    path, _ = find_recording(root, row)
    return video_frame_files(path) if path.is_file() else images_in(path)


def find_recording(root: Path, row) -> tuple[Path, float | None]:
    """Return the file or folder of a clip, and its frame rate if known; raise as `frame_files`."""
    root = Path(root).absolute()
    clips, _ = _read_clips(root)
    matches = (clip for clip in clips if (clip.recording.subject, clip.name) == (row.subject, row.clip))
    clip = next(matches, None)
    if clip is None:
        raise BadRow(f"the table has no clip {row.clip} of {row.subject}")
    if clip.problem:
        raise BadRow(f"line {clip.recording.line}: {clip.problem}")
    return _table_folder(root) / clip.recording.file, clip.fps


@lru_cache(maxsize=4)
def _read_clips(root: Path) -> tuple[list[_Clip], AnnotationSources]:
    """Read the rows of a table; cached, because every clip needs them, until `read_annotations` is called."""
    recordings, sources = read_recordings(root)
    copies = _find_copies(_table_folder(root), recordings)
    subjects: dict[str, dict[str, int]] = {}  # file -> subject -> line
    for recording in recordings:
        subjects.setdefault(recording.file, {}).setdefault(recording.subject, recording.line)
    clips = [
        _build_clip(root, recording, name, subjects[recording.file], copies.get(recording.file, ""))
        for recording, name in zip(recordings, _name_clips(recordings))
    ]
    return clips, sources


def _find_copies(folder: Path, recordings: list[Recording]) -> dict[str, str]:
    """Map videos to an identical video, byte for byte, that is listed for another subject."""
    subjects = {recording.file: recording.subject for recording in recordings}
    files_by_size: dict[int, list[str]] = {}
    for file in subjects:
        if not _leaves_folder(file) and (folder / file).is_file():
            files_by_size.setdefault((folder / file).stat().st_size, []).append(file)
    copies = {}
    for files in (files for files in files_by_size.values() if len(files) > 1):
        first: dict[str, str] = {}
        for file in files:
            other = first.setdefault(content_id(folder / file), file)
            if subjects[other] != subjects[file]:
                copies[file] = other
    return copies


def _leaves_folder(file: str) -> bool:
    """Return whether a relative path leads out of its folder, on this or another system."""
    path = PurePosixPath(file)
    return path.is_absolute() or ".." in path.parts or ":" in file.split("/")[0]


def _table_folder(root: Path) -> Path:
    return root if root.is_dir() else root.parent


def _row(clip: _Clip) -> dict:
    recording = clip.recording
    return {
        "dataset": "table",
        "subject": recording.subject,
        "clip": clip.name,
        **clip.frames,
        "fps": clip.fps,
        "emotion": recording.label,
        "action_units": recording.action_units,
        "onset_source": "annotated" if "onset" in clip.frames else "",
        "apex_source": "annotated" if "apex" in clip.frames else "",
        "note": recording.note,
    }


def _name_clips(recordings: list[Recording]) -> list[str]:
    """Name each clip as given, or by its file, with the folders or the onset if that is not unique."""
    files_of_name: dict[tuple[str, str], set[str]] = {}
    for recording in recordings:
        key = recording.subject, _path_parts(recording)[-1].casefold()
        files_of_name.setdefault(key, set()).add(recording.file)
    n_rows = Counter((recording.subject, recording.file) for recording in recordings)
    names = []
    for recording in recordings:
        parts = _path_parts(recording)
        is_unique = len(files_of_name[recording.subject, parts[-1].casefold()]) == 1
        name = parts[-1] if is_unique else "_".join(parts)
        if n_rows[recording.subject, recording.file] > 1:
            onset = recording.frames.get("onset", recording.seconds.get("onset", ""))
            name = f"{name}_{onset}".rstrip("_")
        names.append(recording.clip or name or f"line {recording.line}")
    return names


def _path_parts(recording: Recording) -> tuple[str, ...]:
    """Return the parts of a recording's path, without the suffix of a video."""
    path = PurePosixPath(recording.file)
    return (path.with_suffix("") if path.suffix.lower() in VIDEO_SUFFIXES else path).parts or ("",)


def _build_clip(root: Path, recording: Recording, name: str, subjects: dict[str, int], copy_of: str) -> _Clip:
    """Convert the times of a row to frames, or record the problem that makes it unusable."""
    try:
        path = _check_path(root, recording, subjects)
        if copy_of:
            raise BadRow(f"{recording.file} is a copy of {copy_of}, which is listed for another subject")
        source = open_frames(path, recording.fps)
        fps = recording.fps or getattr(source.report, "fps_in_file", None)
        if not recording.seconds:
            return _Clip(recording, name, recording.frames, fps)
        return _Clip(recording, name, _times_to_frames(recording, source.frame_times()), fps)
    except BadInput as error:
        problem = str(error).replace(f"{_table_folder(root)}/", "")
        return _Clip(recording, name, recording.frames, recording.fps, problem)


def _check_path(root: Path, recording: Recording, subjects: dict[str, int]) -> Path:
    """Return the path of a recording, which must be below the table's folder and show one subject."""
    if recording.problem:
        raise BadRow(recording.problem)
    for field in ("file", "subject"):
        if not getattr(recording, field):
            raise BadRow(f"no {field} is given")
    if _leaves_folder(recording.file):
        raise BadRow(f"{recording.file!r} leaves the folder of the table; give a path below it")
    path = _table_folder(root) / recording.file
    if not path.exists():
        raise BadRow(f"there is no {recording.file}")
    if path.is_file() and not is_video(path):
        raise BadRow(f"{recording.file} is neither a video nor a folder of images")
    others = {subject: line for subject, line in subjects.items() if subject != recording.subject}
    if others:
        subject, line = next(iter(others.items()))
        raise BadRow(
            f"{recording.file} is listed for {recording.subject!r} and, in line {line}, for {subject!r}; "
            "the recording would be in training and in test"
        )
    return path


def _times_to_frames(recording: Recording, times: dict[int, float]) -> dict[str, int]:
    """Return onset, apex and offset as frame numbers; a frame and a time given for one moment must agree.

    times : frame number -> seconds since the first frame
    """
    if any(math.isnan(time) for time in times.values()):
        raise BadRow("times in seconds need fps, which neither the table nor the recording gives")
    last = max(times.values())
    step = last / max(len(times) - 1, 1)
    frames = dict(recording.frames)
    for name in FRAMES:
        if name not in recording.seconds:
            continue
        time = recording.seconds[name]
        if time > last + 1.5 * step:
            raise BadRow(f"{name}_s {time:g} is after the last frame, at {last:.3f} s")
        nearest = min(times, key=lambda number: abs(times[number] - time))
        number = frames.setdefault(name, nearest)
        if number in times and abs(times[number] - time) > max(TOLERANCE_S, 1.5 * step):
            raise BadRow(
                f"{name} {number} and {name}_s {time:g} disagree: frame {number} is at "
                f"{times[number]:.3f} s, and {time:g} s is frame {nearest}"
            )
    return frames
