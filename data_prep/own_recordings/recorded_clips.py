"""Clips of own recordings: the name, frame numbers and problem of each row of their table."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath

from data_prep.annotations import dataset_folder
from data_prep.frame_report import FrameReport
from data_prep.frames import open_frames
from data_prep.identity import clean_name
from data_prep.outcomes import Outcome
from data_prep.own_recordings.recording_table import FRAMES, Recording, read_recordings
from data_prep.own_recordings.recordings import RECORDING_SUFFIXES, is_recording
from data_prep.sheets.annotation_sheets import AnnotationSources
from mer_core.content import content_id
from mer_core.errors import BadInput

OpenTimes = Callable[[Path, float | None], tuple[dict[int, float], FrameReport]]
TOLERANCE_S = 0.01  # between a frame and a time given for the same moment; at least 1.5 frames


class BadRow(BadInput):
    """A row of the table contradicts itself, its file, or another row."""

    code = "bad-row"


@dataclass(frozen=True)
class RecordedClip:
    """A row of the table with the clip's name, and with times converted to frame numbers."""

    recording: Recording
    name: str
    frames: dict[str, int]  # of onset, apex and offset, those given
    fps: float | None
    problem: str = ""  # why the row cannot be used
    outcome: Outcome = "bad row"  # of a row that cannot be used

    @property
    def clip_id(self) -> str:
        return f"table/{self.subject}/{self.name}"

    @property
    def subject(self) -> str:
        return self.recording.subject or "_"

    @property
    def line(self) -> str:
        return f"line {self.recording.line}"


@lru_cache(maxsize=4)
def read_recorded_clips(root: Path) -> tuple[list[RecordedClip], AnnotationSources]:
    """Read the rows of a table; cached, because every clip needs them, until `read_annotations` is called."""
    recordings, sources = read_recordings(root)
    recordings = [_with_file_as_on_disk(dataset_folder(root), recording) for recording in recordings]
    copies = _find_copies(dataset_folder(root), recordings)
    subjects: dict[str, dict[str, int]] = {}  # file -> subject -> line
    for recording in recordings:
        if recording.subject:
            subjects.setdefault(recording.file, {}).setdefault(recording.subject, recording.line)
    open_times = lru_cache(maxsize=4)(_open_times)  # several rows may name one recording
    clips = [
        _build_clip(
            root,
            recording,
            name,
            subjects.get(recording.file, {}),
            copies.get(recording.file, ""),
            open_times,
        )
        for recording, name in zip(recordings, _name_clips(recordings))
    ]
    return _refuse_repeats(clips), sources


def _refuse_repeats(clips: list[RecordedClip]) -> list[RecordedClip]:
    """Give each row a name of its own; refuse a repeated row, and both where two labels contradict."""
    result: list[RecordedClip] = []
    first_of_frames: dict[tuple, int] = {}
    named: dict[tuple[str, str], list[RecordedClip]] = {}
    for clip in clips:
        namesakes = named.setdefault((clip.subject, clip.name), [])
        frames = clip.subject, clip.recording.file, *sorted(clip.frames.items())
        position = len(result) if clip.problem else first_of_frames.setdefault(frames, len(result))
        if position < len(result):
            other, labels = result[position], [result[position].recording.label, clip.recording.label]
            if labels[0] == labels[1]:
                clip = replace(clip, problem=f"repeats {other.line}", outcome="duplicate")
            else:
                problem = f"{other.line} and {clip.line} label one expression {labels[0]!r} and {labels[1]!r}"
                result[position], clip = replace(other, problem=problem), replace(clip, problem=problem)
        elif namesakes and not clip.problem:
            problem = f"has the name {clip.name!r}, as {namesakes[0].line}; name the clips in a column clip"
            clip = replace(clip, problem=problem, outcome="duplicate")
        namesakes.append(clip)
        n = len(namesakes)
        result.append(replace(clip, name=f"{clip.name}~{n}") if n > 1 else clip)
    return result


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


def _name_clips(recordings: list[Recording]) -> list[str]:
    """Name each clip as given, or by its file, with the folders or the onset if that is not unique."""
    files_of_name: dict[tuple[str, str], set[str]] = {}
    for recording in recordings:
        key = recording.subject, _path_parts(recording)[-1].casefold()
        files_of_name.setdefault(key, set()).add(recording.file)
    onsets: dict[tuple[str, str], set[float | str]] = {}
    for recording in recordings:
        onsets.setdefault((recording.subject, recording.file), set()).add(_printed_onset(recording))
    names = []
    for recording in recordings:
        parts = _path_parts(recording)
        is_unique = len(files_of_name[recording.subject, parts[-1].casefold()]) == 1
        name = parts[-1] if is_unique else "_".join(parts)
        if len(onsets[recording.subject, recording.file]) > 1:
            name = f"{name}_{_printed_onset(recording)}".rstrip("_")
        names.append(recording.clip or name or f"line {recording.line}")
    return names


def _printed_onset(recording: Recording) -> float | str:
    return recording.frames.get("onset", recording.seconds.get("onset", ""))


def _path_parts(recording: Recording) -> tuple[str, ...]:
    """Return the parts of a recording's path, without the suffix of a file."""
    path = PurePosixPath(recording.file)
    return (path.with_suffix("") if path.suffix.lower() in RECORDING_SUFFIXES else path).parts or ("",)


def _build_clip(
    root: Path, recording: Recording, name: str, subjects: dict[str, int], copy_of: str, open_times: OpenTimes
) -> RecordedClip:
    """Convert the times of a row to frames, or record the problem that makes it unusable."""
    try:
        path = _check_path(root, recording, subjects)
        if copy_of:
            raise BadRow(f"{recording.file} is a copy of {copy_of}, which is listed for another subject")
        times, report = open_times(path, recording.fps)
        frames = _times_to_frames(recording, times) if recording.seconds else recording.frames
        _check_order(frames)
        _check_end(frames, times)
        notes = [recording.note, *report.rate_sentences()]
        recording = replace(recording, note="; ".join(note.rstrip(".") for note in notes if note))
        return RecordedClip(recording, name, frames, recording.fps or report.fps_in_file)
    except BadInput as error:
        problem = str(error).replace(f"{dataset_folder(root)}/", "")
        return RecordedClip(recording, name, recording.frames, recording.fps, problem)


def _with_file_as_on_disk(folder: Path, recording: Recording) -> Recording:
    """Return a recording under its name on disk, if the table's differs in case or Unicode form only.

    Copying between systems changes both. Of several such names none is chosen.
    """
    if not recording.file or _leaves_folder(recording.file) or (folder / recording.file).exists():
        return recording
    path = folder
    for part in PurePosixPath(recording.file).parts:
        names = [entry.name for entry in path.iterdir()] if path.is_dir() else []
        alike = [name for name in names if clean_name(name).casefold() == clean_name(part).casefold()]
        if len(alike) != 1:
            return recording
        path /= alike[0]
    found = path.relative_to(folder).as_posix()
    note = f"{recording.file!r} is read as {found!r}"
    return replace(recording, file=found, note="; ".join(filter(None, (recording.note, note))))


def _open_times(path: Path, fps: float | None) -> tuple[dict[int, float], FrameReport]:
    """Return the seconds since the first frame by frame number, and the report of a recording."""
    source = open_frames(path, fps)
    return source.frame_times(), source.report


def _check_path(root: Path, recording: Recording, subjects: dict[str, int]) -> Path:
    """Return the path of a recording, which must be below the table's folder and show one subject."""
    if recording.problem:
        raise BadRow(recording.problem)
    for field in ("file", "subject"):
        if not getattr(recording, field):
            raise BadRow(f"no {field} is given")
    if _leaves_folder(recording.file):
        raise BadRow(f"{recording.file!r} leaves the folder of the table; give a path below it")
    path = dataset_folder(root) / recording.file
    if not path.exists():
        raise BadRow(f"there is no {recording.file}")
    if path.is_file() and not is_recording(path):
        raise BadRow(f"{recording.file} is neither a video, an array (.npy) nor a folder of images")
    others = {subject: line for subject, line in subjects.items() if subject != recording.subject}
    if others:
        subject, line = next(iter(others.items()))
        raise BadRow(
            f"{recording.file} is listed for {recording.subject!r} and, in line {line}, for {subject!r}; "
            "the recording would be in training and in test"
        )
    return path


def _check_order(frames: dict[str, int]) -> None:
    """Refuse numbers that contradict each other: which of them is wrong cannot be known."""
    given = {name: frames[name] for name in FRAMES if name in frames}
    if list(given.values()) != sorted(given.values()):
        numbers = ", ".join(f"{name} {number}" for name, number in given.items())
        raise BadRow(f"{numbers} are not in this order")


def _check_end(frames: dict[str, int], times: dict[int, float]) -> None:
    """Refuse a number after the last frame: the table may count from 1, or at another rate."""
    for name, number in frames.items():
        if number > max(times):
            raise BadRow(
                f"{name} {number} is after the last frame: frames {min(times)} to {max(times)} are there"
            )


def _times_to_frames(recording: Recording, times: dict[int, float]) -> dict[str, int]:
    """Return onset, apex and offset as frame numbers; a frame and a time given for one moment must agree.

    `times` maps frame numbers to seconds since the first frame.
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
