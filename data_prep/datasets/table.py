"""Own recordings: videos, arrays or folders of frames, listed in a table with subjects and labels.

The `root` of this reader is the table, or a folder with `clips.csv`; paths are relative to the table. Frames
of a video count from 0, frames of a folder have the numbers of its images.
"""

import math
from pathlib import Path

import pandas as pd

from data_prep.annotation_checks import Finding
from data_prep.annotations import dataset_folder
from data_prep.clip_images import FrameFile, video_frame_files
from data_prep.clip_table import clip_table
from data_prep.dataset_files import DatasetFacts, frames_in
from data_prep.own_recordings.recorded_clips import BadRow, RecordedClip, read_recorded_clips

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
videos/anna_1.mp4                     (videos, multi-page TIFFs and .npy arrays, relative to the table)
frames/ben_2/0001.png ...             (folders of numbered images)"""

NUMBERS_VIDEO_FRAMES = True  # from 0; see `clip_files` in data_prep/annotations.py


def read_annotations(root: Path) -> pd.DataFrame:
    """Read the clip table of the listed recordings; onset and apex are empty if they are to be spotted."""
    read_recorded_clips.cache_clear()
    clips, sources = read_recorded_clips(Path(root).absolute())
    return clip_table([_row(clip) for clip in clips], sources)


def find_problems(root: Path) -> list[Finding]:
    """Return a finding for each row that cannot be used, which refuses it, and for each without a label."""
    clips, _ = read_recorded_clips(Path(root).absolute())
    refused = [
        Finding("a row that cannot be used", clip.clip_id, f"{clip.line}: {clip.problem}", clip.outcome)
        for clip in clips
        if clip.problem
    ]
    unlabelled = [
        Finding("no label, which protocol labels leaves out", clip.clip_id, clip.line)
        for clip in clips
        if not clip.problem and not clip.recording.label
    ]
    return refused + unlabelled


def frame_files(root: Path, row) -> dict[int, FrameFile]:
    """Return the frames of a clip's recording by number; raise `BadRow` for a row that cannot be used."""
    path, _ = find_recording(root, row)
    return video_frame_files(path) if path.is_file() else frames_in(path)


def find_recording(root: Path, row) -> tuple[Path, float | None]:
    """Return the file or folder of a clip, and its frame rate if known; raise as `frame_files`."""
    root = Path(root).absolute()
    clips, _ = read_recorded_clips(root)
    matches = (clip for clip in clips if (clip.subject, clip.name) == (row.subject, row.clip))
    clip = next(matches, None)
    if clip is None:
        raise BadRow(f"the table has no clip {row.clip} of {row.subject}")
    if clip.problem:
        raise BadRow(f"{clip.line}: {clip.problem}")
    return dataset_folder(root) / clip.recording.file, clip.fps


def _row(clip: RecordedClip) -> dict:
    recording = clip.recording
    return {
        "dataset": "table",
        "subject": clip.subject,
        "clip": clip.name,
        **clip.frames,
        "fps": clip.fps,
        "emotion": recording.label,
        "action_units": recording.action_units,
        "onset_source": "annotated" if "onset" in clip.frames else "",
        "apex_source": "annotated" if "apex" in clip.frames else "",
        "note": recording.note,
    }
