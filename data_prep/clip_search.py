"""The frame files of each annotated clip, or the reason why it has none; no image is opened."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pandas as pd

from data_prep.annotations import (
    Annotations,
    clip_files,
    dataset_folder,
    holds_own_recordings,
    load_dataset,
)
from data_prep.apex import midpoint
from data_prep.clip_images import FrameFile
from data_prep.dataset_files import names_in
from data_prep.image_files.frame_names import FrameNames, name_gaps, usual_step
from data_prep.outcomes import Outcome
from mer_core.errors import BadInput
from mer_core.progress import track

MAX_GAPS = 3  # gaps between frames that a message lists


@dataclass(frozen=True)
class ClipFiles:
    """The files of one clip that preparation reads: onset and apex, or the whole span to spot the apex in."""

    clip_id: str
    onset: int | None
    apex: int | None
    apex_source: str
    files: dict[int, FrameFile]  # by frame number
    outcome: Outcome | None = None  # why the clip cannot be prepared; None so far
    reason: str = ""


def locate_clips(name: str, root: Path, annotations: Annotations, apex_rule: str) -> list[ClipFiles]:
    """Locate the frames of every row of the clip table; clips that the annotations refuse are not searched.

    Parameters
    ----------
    name : str
        Name of the dataset.
    root : Path
        Absolute path of its folder, or of the table of own recordings.
    annotations : Annotations
        As returned by `read_clips`.
    apex_rule : str
        Rule for an apex that is not annotated, one of `data_prep.apex.METHODS`.

    Returns
    -------
    list of ClipFiles
        In the order of the clip table.
    """
    dataset = load_dataset(name)
    refused = {
        finding.clip_id: (finding.outcome, finding.detail)
        for finding in annotations.findings
        if finding.outcome
    }
    return [
        ClipFiles(row.clip_id, None, None, "", {}, *refused[row.clip_id])
        if row.clip_id in refused
        else locate_clip(dataset, root, row, apex_rule)
        for row in track(list(annotations.table.itertuples()), f"finding the frames of {name}")
    ]


def locate_clip(dataset: ModuleType, root: Path, row, apex_rule: str) -> ClipFiles:
    """Locate the frames that one row of the clip table needs; `locate_clips` describes the arguments."""
    onset, apex, offset = (
        None if pd.isna(value) else int(value) for value in (row.onset, row.apex, row.offset)
    )
    source = row.apex_source
    is_own = holds_own_recordings(dataset)  # a missing apex of theirs is spotted before
    if apex is None and onset is not None and offset is not None and not is_own:
        apex, source = (midpoint(onset, offset), "midpoint") if apex_rule == "midpoint" else (None, "spotted")

    def result(files=(), outcome: Outcome | None = None, reason: str = "") -> ClipFiles:
        reason = reason.replace(f"{dataset_folder(root)}/", "")
        return ClipFiles(row.clip_id, onset, apex, source, dict(files), outcome, reason)

    if onset is None:
        return result(outcome="no onset", reason=row.note or "no onset frame is given")
    if not source:
        return result(outcome="no apex", reason="neither apex nor offset is given")
    try:
        files = clip_files(dataset, root, row)
    except BadInput as error:
        return result(outcome="missing frame", reason=str(error))
    if not is_own and (problem := _foreign_numbers(files, onset, offset)):
        return result(outcome="missing frame", reason=problem)
    last = onset if offset is None else offset
    span = [number for number in files if onset <= number <= last]
    needed = [onset, apex] if apex is not None else sorted({onset, *span})
    for number in needed:
        if number not in files:
            return result(outcome="missing frame", reason=f"frame {number}: {_describe_frames(files)}")
    if apex is None and len(needed) < 2:
        return result(outcome="missing frame", reason=f"no frame after the onset {onset}")
    notes = [note for names in _names_of(files) for note in names.notes]
    if apex is None and len(span) < last - onset + 1:
        notes.append(f"the apex is spotted in {len(span)} of the {last - onset + 1} annotated frames")
    return result(((number, files[number]) for number in sorted(set(needed))), reason="; ".join(notes))


def _describe_frames(files: Collection[int]) -> str:
    """Describe which frames a folder holds."""
    if not files:
        return "its folder holds no frames"
    gaps = [f"{a} to {b}" if a < b else f"{a}" for a, b in name_gaps(sorted(files))]
    more = ", ..." if len(gaps) > MAX_GAPS else ""
    missing = f", except {', '.join(gaps[:MAX_GAPS])}{more}" if gaps else ""
    step = usual_step(sorted(files))
    by_step = f" in steps of {step:g}" if step > 1 else ""
    return f"frames {min(files)} to {max(files)} are there{by_step}{missing}"


def _foreign_numbers(files: dict[int, FrameFile], onset: int, offset: int | None) -> str:
    """Return why the numbers of the files are not those of the annotations; empty if they may be.

    Frames that were exported or renamed count from 0 or 1; annotated numbers then name other frames.
    """
    if any(names.is_ordinal for names in _names_of(files)):
        return "the names hold no frame numbers (times of day, hashes?), so annotated numbers cannot be found"
    first, last = min(files, default=onset), max(files, default=onset)
    if offset is not None and first != onset and len(files) == offset - onset + 1 == last - first + 1:
        return (
            f"frames {first} to {last} are there, exactly as many as annotated ({onset} to {offset}): they "
            "seem renumbered; restore the published names"
        )
    return ""


def _names_of(files: dict[int, FrameFile]) -> list[FrameNames]:
    """Return what is known about the names in each folder of images that the files lie in."""
    folders = {file.parent for file in files.values() if isinstance(file, Path)}
    return [names_in(folder) for folder in sorted(folders)]


def too_many_missing(name: str, clips: list[ClipFiles], skip_missing: bool) -> bool:
    """Return whether more clips lack frames than in the release itself (`DatasetFacts.missing_fraction`)."""
    n_missing = sum(clip.outcome == "missing frame" for clip in clips)
    allowed = load_dataset(name).FACTS.missing_fraction * len(clips)
    return n_missing == len(clips) or (n_missing > allowed and not skip_missing)


def missing_message(clips: list[ClipFiles], root: Path) -> str:
    """Describe the clips that lack frames, and what to do; empty if there are none."""
    missing = [clip for clip in clips if clip.outcome == "missing frame"]
    if not missing:
        return ""
    first = f"{missing[0].clip_id}, {missing[0].reason.rstrip('.')}"
    option = "--root" if root.is_dir() else "--index"
    return (
        f"{len(missing)} of {len(clips)} clips lack frames. First: {first}. "
        f"Check {option} ({root}), or go on with --skip-missing; they stay listed in outcome.csv."
    )
