"""The frame files of each annotated clip, or why it has none; no image is opened."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pandas as pd

from data_prep.annotations import Annotations, clip_files, dataset_folder, load_dataset
from data_prep.apex import midpoint
from data_prep.clip_images import FrameFile
from mer_core.errors import BadInput
from mer_core.progress import track


@dataclass(frozen=True)
class ClipFiles:
    """The files of one clip that preparing reads: onset and apex, or with an apex to be spotted the whole
    span.
    """

    clip_id: str
    onset: int | None
    apex: int | None
    apex_source: str
    files: dict[int, FrameFile]
    outcome: str = (
        ""  # why the clip cannot be prepared, as in outcome.csv; empty while nothing speaks against it
    )
    reason: str = ""


def locate_clips(name: str, root: Path, annotations: Annotations, apex_rule: str) -> list[ClipFiles]:
    """`locate_clip` for every row of the clip table.

    Clips that were refused when they were read are not looked for.
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
    """Find the frame files that preparing one row of the clip table needs, and the apex where a number
    settles it.
    """
    onset, apex, offset = (
        None if pd.isna(value) else int(value) for value in (row.onset, row.apex, row.offset)
    )
    source = row.apex_source
    own = hasattr(
        dataset, "find_problems"
    )  # of own recordings nothing stands in for an apex: it is spotted before
    if apex is None and onset is not None and offset is not None and not own:
        apex, source = (midpoint(onset, offset), "midpoint") if apex_rule == "midpoint" else (None, "spotted")

    def found(files=(), outcome="", reason=""):
        return ClipFiles(
            row.clip_id,
            onset,
            apex,
            source,
            dict(files),
            outcome,
            reason.replace(f"{dataset_folder(root)}/", ""),
        )

    if onset is None:
        return found(outcome="no onset", reason=row.note or "no onset frame is given")
    if not source:
        return found(outcome="no apex", reason="neither apex nor offset is given")
    try:
        files = clip_files(dataset, root, row)
    except BadInput as error:
        return found(outcome="missing frame", reason=str(error))
    last = onset if offset is None else offset
    wanted = [onset, apex] if apex is not None else [onset] + [n for n in files if onset < n <= last]
    for number in wanted:
        if number not in files:
            reach = (
                f"frames {min(files)} to {max(files)} are there" if files else "its folder holds no frames"
            )
            return found(outcome="missing frame", reason=f"frame {number}: {reach}")
    if apex is None and len(wanted) < 2:
        return found(outcome="missing frame", reason=f"no frame after the onset {onset}")
    return found((number, files[number]) for number in sorted(set(wanted)))


def too_many_missing(name: str, found: list[ClipFiles], skip_missing: bool) -> bool:
    """Do more clips lack frames than preparing goes on with? Some releases lack a few themselves
    (`DatasetFacts.missing_fraction`).
    """
    missing = sum(clip.outcome == "missing frame" for clip in found)
    return missing == len(found) or (
        missing > load_dataset(name).FACTS.missing_fraction * len(found) and not skip_missing
    )


def missing_message(found: list[ClipFiles], root: Path) -> str:
    """What, where, how many more, what to do, for the clips whose frames are missing; empty if none is."""
    missing = [clip for clip in found if clip.outcome == "missing frame"]
    if not missing:
        return ""
    first = f"{missing[0].clip_id}, {missing[0].reason.rstrip('.')}"
    option = "--root" if root.is_dir() else "--index"
    return (
        f"{len(missing)} of {len(found)} clips lack frames. First: {first}. "
        f"Check {option} ({root}), or go on with --skip-missing; they stay listed in outcome.csv."
    )
