"""One annotated clip -> its folder of aligned faces, and one outcome row. The loop over clips is in
`data_prep/prepare.py`.

The folder appears only when it is whole. It records by content what it was made from, so that it is never
taken for that of other frames.
"""

import glob
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_prep import apex as spotting
from data_prep.align import fit_similarity, transform_points, warp_face
from data_prep.clip_images import ClipImages, containing_file, frame_name
from data_prep.clip_search import ClipFiles
from data_prep.face_plausibility import MIN_PLAUSIBILITY, plausibility
from data_prep.images import write_image
from data_prep.landmarks import FaceMesh
from mer_core.content import content_id
from mer_core.errors import BadInput
from mer_core.io import read_npz, write_npz

LANDMARKS_FILE = "landmarks.npz"


@dataclass(frozen=True)
class PrepareJob:
    """What is the same for every clip of a dataset, as sent to the processes that prepare them."""

    root: Path
    out: Path
    size: int
    face_model: str  # as `describe_model` names it


class UnusableClip(Exception):
    """A clip cannot be prepared: its outcome and the reason."""

    def __init__(self, outcome: str, reason: str):
        super().__init__(outcome, reason)
        self.outcome, self.reason = outcome, reason


@dataclass(frozen=True)
class ClipFrames:
    """Onset and apex of one clip as read, with the landmarks of each, (478, 2) px of the frame."""

    onset: np.ndarray
    apex: np.ndarray
    onset_points: np.ndarray
    apex_points: np.ndarray
    apex_number: int


def prepare_clip(clip: ClipFiles, job: PrepareJob, mesh: FaceMesh) -> dict:
    """Read, align and write one clip; returns its outcome row, whatever happens."""
    folder = clip_folder(job.out, clip.clip_id)
    try:
        frames = _read_frames(clip, mesh)
    except BadInput as error:
        return outcome_row(clip, "unreadable frame", str(error).replace(f"{job.root}/", ""))
    except UnusableClip as why:
        return outcome_row(clip, why.outcome, why.reason)
    # With the process in its name, because a cluster may try a clip twice at once.
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    _write_faces(partial, clip, frames, job)
    remove_clip(job.out, clip.clip_id)
    os.replace(partial, folder)
    return outcome_row(clip, "ok", clip.reason, apex=frames.apex_number)


def load_outcome(clip: ClipFiles, root: Path, folder: Path) -> dict | None:
    """The outcome row of a clip that an earlier run prepared from files of the very same names and bytes,
    else None.
    """
    file = folder / LANDMARKS_FILE
    if not file.is_file():
        return None
    try:
        stored = read_npz(file)
        onset, apex = (int(number) for number in stored["frames"])
        if onset != clip.onset or clip.apex not in (None, apex) or apex not in clip.files:
            return None
        same_names = list(stored["files"]) == _frame_names(clip, [onset, apex], root)
        content = str(stored["content"]) if "content" in stored else ""
        if not same_names or content != _content_id(clip):
            return None
    # damaged landmarks are made anew; a frame that cannot be read is reported when it is prepared again
    except (BadInput, KeyError, TypeError, ValueError):
        return None
    return outcome_row(clip, "ok", clip.reason, apex)


def outcome_row(clip: ClipFiles, outcome: str, reason: str = "", apex: int | None = None) -> dict:
    """The row of a clip in outcome.csv."""
    apex = clip.apex if apex is None else apex
    return {
        "clip_id": clip.clip_id,
        "outcome": outcome,
        "reason": reason,
        "onset": clip.onset,
        "apex": apex,
        "apex_source": clip.apex_source if apex is not None else "",
    }


def clip_folder(out: Path, clip_id: str) -> Path:
    """Where the faces of a clip lie below the prepared folder `out`."""
    _, subject, name = clip_id.split("/")
    return out / "faces" / subject / name


def remove_clip(out: Path, clip_id: str) -> None:
    """Remove the faces of a clip, and first the flow that was estimated on them."""
    folder = clip_folder(out, clip_id)
    for flow in out.glob(f"flow/*/{glob.escape(folder.parent.name)}/{glob.escape(folder.name)}.npz"):
        flow.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def _read_frames(clip: ClipFiles, mesh: FaceMesh) -> ClipFrames:
    """Read onset and apex, and find the face in both. Raises `UnusableClip`, or `BadInput` for a file that
    cannot be read.
    """
    images = ClipImages({number: clip.files[number] for number in _deciding_frames(clip)})
    assert clip.onset is not None  # else `locate` has given the clip an outcome
    onset = images.read(clip.onset)
    onset_points = _find_landmarks(onset, mesh, f"onset frame {clip.onset}")
    apex_number = clip.apex
    if apex_number is None:
        span = ((number, images.read(number)) for number in images.files)
        apex_number = spotting.spot_apex(span, fit_similarity(onset_points, spotting.SIZE))
    apex = images.read(apex_number)
    if apex.shape != onset.shape:
        sizes = f"{onset.shape[:2]} and {apex.shape[:2]}"
        raise UnusableClip("unreadable frame", f"onset and apex differ in size: {sizes}")
    apex_points = _find_landmarks(apex, mesh, f"apex frame {apex_number}")
    return ClipFrames(onset, apex, onset_points, apex_points, apex_number)


def _find_landmarks(image: np.ndarray, mesh: FaceMesh, frame: str) -> np.ndarray:
    """Landmarks (478, 2) px that lie on a face.

    Raises `UnusableClip` where there is none, or it cannot be one.
    """
    points = mesh.landmarks(image)
    if points is None:
        raise UnusableClip("no face", frame)
    found = plausibility(points, image)
    if found.value < MIN_PLAUSIBILITY:
        raise UnusableClip("implausible face", f"{frame}: {found.reason} (plausibility {found.value:.2f})")
    return points


def _write_faces(folder: Path, clip: ClipFiles, frames: ClipFrames, job: PrepareJob) -> None:
    """Write onset and apex, aligned by the onset's transform, with their landmarks and what they were made
    from.
    """
    matrix = fit_similarity(frames.onset_points, job.size)
    numbers = [number for number in (clip.onset, frames.apex_number) if number is not None]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_image(folder / "onset.png", warp_face(frames.onset, matrix, job.size))
    write_image(folder / "apex.png", warp_face(frames.apex, matrix, job.size))
    write_npz(
        folder / LANDMARKS_FILE,
        onset=transform_points(frames.onset_points, matrix),
        apex=transform_points(frames.apex_points, matrix),
        transform=matrix,
        frames=np.array(numbers),
        files=np.array(_frame_names(clip, numbers, job.root)),
        content=np.array(_content_id(clip)),
    )


def _deciding_frames(clip: ClipFiles) -> list[int]:
    """Frames that decide the faces of onset and apex: these two, or with an apex to be spotted the whole
    span.
    """
    if clip.apex is None:
        return list(clip.files)
    return sorted(number for number in {clip.onset, clip.apex} if number is not None)


def _frame_names(clip: ClipFiles, numbers: Iterable[int], root: Path) -> list[str]:
    """The frames' files below the dataset folder."""
    return [frame_name(clip.files[number], root) for number in numbers]


def _content_id(clip: ClipFiles) -> str:
    """Identify the files that decide the faces, by their bytes."""
    return content_id(dict.fromkeys(containing_file(clip.files[number]) for number in _deciding_frames(clip)))
