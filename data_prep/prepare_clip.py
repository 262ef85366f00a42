"""Preparation of one clip: its folder of aligned faces, and its outcome row. `prepare.py` loops over clips.

A clip's folder appears only when it is complete. It stores the content identity of the files it was made
from, so that it is never reused for other frames.
"""

import glob
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_prep.align import fit_similarity, transform_points, warp_face
from data_prep.apex import SIZE as SPOTTING_SIZE
from data_prep.apex import spot_apex
from data_prep.clip_images import ClipImages, containing_file, frame_name
from data_prep.clip_search import ClipFiles
from data_prep.face_plausibility import MIN_PLAUSIBILITY, plausibility
from data_prep.image_files.images import write_image
from data_prep.landmarks import FaceMesh
from data_prep.outcomes import Outcome
from mer_core.content import content_id
from mer_core.errors import BadInput
from mer_core.io import read_npz, write_npz

LANDMARKS_FILE = "landmarks.npz"


@dataclass(frozen=True)
class PrepareJob:
    """What is the same for every clip of a dataset."""

    root: Path  # folder of the dataset
    out: Path
    size: int  # side of the aligned faces, px
    face_model: str  # as `describe_model` names it


class UnusableClip(Exception):
    """A clip that cannot be prepared; becomes its outcome row."""

    def __init__(self, outcome: Outcome, reason: str):
        super().__init__(outcome, reason)
        self.outcome, self.reason = outcome, reason


@dataclass(frozen=True)
class ClipFrames:
    """Onset and apex of one clip, (H, W, 3) uint8 RGB, and the landmarks of each, (478, 2) px."""

    onset: np.ndarray
    apex: np.ndarray
    onset_points: np.ndarray
    apex_points: np.ndarray
    onset_number: int
    apex_number: int


def prepare_clip(clip: ClipFiles, job: PrepareJob, mesh: FaceMesh) -> dict:
    """Read, align and write one clip.

    Parameters
    ----------
    clip : ClipFiles
        A clip without an outcome.
    job : PrepareJob
        Folders and size.
    mesh : FaceMesh
        Landmark detector.

    Returns
    -------
    dict
        The clip's row of outcome.csv, whatever happens.
    """
    folder = clip_folder(job.out, clip.clip_id)
    try:
        frames = _read_frames(clip, mesh)
    except BadInput as error:
        return outcome_row(clip, "unreadable frame", str(error).replace(f"{job.root}/", ""))
    except UnusableClip as error:
        return outcome_row(clip, error.outcome, error.reason)
    # The name contains the process, because a cluster may run a clip twice at the same time.
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    _write_faces(partial, clip, frames, job)
    remove_clip(job.out, clip.clip_id)
    os.replace(partial, folder)
    return outcome_row(clip, "ok", clip.reason, apex=frames.apex_number)


def load_outcome(clip: ClipFiles, root: Path, folder: Path) -> dict | None:
    """Return the outcome row of a clip that an earlier run prepared from the same files, by name and bytes.

    None if the clip must be prepared (again).
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
    # Damaged landmarks are recomputed; preparing the clip again reports an unreadable frame.
    except (BadInput, KeyError, TypeError, ValueError):
        return None
    return outcome_row(clip, "ok", clip.reason, apex)


def outcome_row(clip: ClipFiles, outcome: Outcome, reason: str = "", apex: int | None = None) -> dict:
    """Return the row of a clip in outcome.csv."""
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
    """Return the folder of a clip's faces below the prepared folder `out`."""
    _, subject, name = clip_id.split("/")
    return out / "faces" / subject / name


def remove_clip(out: Path, clip_id: str) -> None:
    """Remove the faces of a clip, and before them the flow estimated on them."""
    folder = clip_folder(out, clip_id)
    for flow in out.glob(f"flow/*/{glob.escape(folder.parent.name)}/{glob.escape(folder.name)}.npz"):
        flow.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def _read_frames(clip: ClipFiles, mesh: FaceMesh) -> ClipFrames:
    """Read onset and apex and find the face in both; raise `UnusableClip`, or `BadInput` for a bad file."""
    images = ClipImages({number: clip.files[number] for number in _deciding_frames(clip)})
    assert clip.onset is not None  # else `locate_clip` gives the clip an outcome
    onset = images.read(clip.onset)
    onset_points = _find_landmarks(onset, mesh, f"onset frame {clip.onset}")
    apex_number = clip.apex
    if apex_number is None:
        span = ((number, images.read(number)) for number in images.files)
        apex_number = spot_apex(span, fit_similarity(onset_points, SPOTTING_SIZE))
    apex = images.read(apex_number)
    if apex.shape != onset.shape:
        sizes = f"{onset.shape[:2]} and {apex.shape[:2]}"
        raise UnusableClip("unreadable frame", f"onset and apex differ in size: {sizes}")
    apex_points = _find_landmarks(apex, mesh, f"apex frame {apex_number}")
    return ClipFrames(onset, apex, onset_points, apex_points, clip.onset, apex_number)


def _find_landmarks(image: np.ndarray, mesh: FaceMesh, frame: str) -> np.ndarray:
    """Return the landmarks of a plausible face, (478, 2) px, or raise `UnusableClip` naming the `frame`."""
    points = mesh.landmarks(image)
    if points is None:
        raise UnusableClip("no face", frame)
    rating = plausibility(points, image)
    if rating.value < MIN_PLAUSIBILITY:
        reason = f"{frame}: {rating.reason} (plausibility {rating.value:.2f})"
        raise UnusableClip("implausible face", reason)
    return points


def _write_faces(folder: Path, clip: ClipFiles, frames: ClipFrames, job: PrepareJob) -> None:
    """Write onset and apex, both aligned by the onset's transform, with their landmarks and provenance."""
    matrix = fit_similarity(frames.onset_points, job.size)
    numbers = [frames.onset_number, frames.apex_number]
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
    """Return the frames that decide the faces: onset and apex, or the whole span if the apex is spotted."""
    if clip.apex is None:
        return list(clip.files)
    return sorted(number for number in {clip.onset, clip.apex} if number is not None)


def _frame_names(clip: ClipFiles, numbers: Iterable[int], root: Path) -> list[str]:
    return [frame_name(clip.files[number], root) for number in numbers]


def _content_id(clip: ClipFiles) -> str:
    """Return the content identity of the files that decide the faces."""
    return content_id(dict.fromkeys(containing_file(clip.files[number]) for number in _deciding_frames(clip)))
