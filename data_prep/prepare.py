"""Preparation of a dataset: from its folder to aligned faces on disk, with one outcome row per clip.

A run can be interrupted at any time and repeated: a clip's folder appears only when it is complete, and a
complete clip made from the same frames is kept. The bytes of the result depend neither on interruptions nor
on the number of processes.
"""

import functools
import math
import platform
import shutil
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from data_prep import clip_table
from data_prep.annotations import Annotations, dataset_folder, load_dataset, read_clips
from data_prep.apex import METHODS as APEX_METHODS
from data_prep.clip_search import ClipFiles, locate_clips, missing_message, too_many_missing
from data_prep.dataset_check import coverage_remarks
from data_prep.dataset_files import skipped_folders
from data_prep.face_model_file import VARIABLE, describe_model
from data_prep.interval_table import interval_remarks, read_intervals
from data_prep.landmarks import FaceMesh
from data_prep.layouts import MARKER
from data_prep.prepare_clip import (
    PrepareJob,
    clip_folder,
    load_outcome,
    outcome_row,
    prepare_clip,
    remove_clip,
)
from data_prep.prepared import CLIPS_FILE, INTERVALS_FILE, OUTCOME_FILE, RECORDINGS_FOLDER, SETTINGS_FILE
from mer_core import __version__, claims, parallel, registry
from mer_core.device import n_cores
from mer_core.errors import Incompatible, NotFound
from mer_core.io import atomic_replace
from mer_core.locks import hold_lock
from mer_core.parallel import Workers
from mer_core.progress import detail, say
from mer_core.text import format_count

CLIPS_PER_WORKER = 40  # starting a worker process takes about as long as preparing this many clips


@dataclass(frozen=True)
class PrepareOptions:
    """How `prepare` makes the faces of a dataset."""

    size: int = 224  # side of the aligned faces, px
    apex: str = "midpoint"  # rule for clips without an annotated apex, one of `data_prep.apex.METHODS`
    corrections: bool = True  # apply `data_prep/corrections/NAME.csv`
    skip_missing: bool = False  # continue even if more clips lack frames than in the release itself


def prepare(
    name: str,
    root: str | Path,
    out: str | Path,
    options: PrepareOptions = PrepareOptions(),
    *,
    workers: Workers = Workers(jobs=None),
    annotations: Annotations | None = None,
) -> pd.DataFrame:
    """Prepare the dataset `name` in `root` into the folder `out`, which `PreparedDataset` reads.

    Parameters
    ----------
    name : str
        Name of a dataset reader in `data_prep/datasets/`.
    root, out : path
        Folder of the dataset, or the table of own recordings; and the output folder.
    options : PrepareOptions
        How the faces are made.
    workers : Workers
        `jobs=None` uses all cores, or fewer if starting processes would take longer than the work. Dask
        workers must see `root` and `out` under the same paths.
    annotations : Annotations or None
        Used instead of those in `root`, for own recordings whose onset and apex have been spotted.

    Returns
    -------
    pandas.DataFrame
        One row per clip: `clip_id, outcome, reason, onset, apex, apex_source, onset_source`; `outcome` is one
        of `data_prep.outcomes.OUTCOMES`.

    Raises
    ------
    BadInput
        If `root` is not the dataset, too many clips lack frames, or `out` holds something else.
    InUse
        If another run writes to `out`.
    """
    registry.check_name(options.apex, list(APEX_METHODS), "apex method")
    root, out = Path(root).absolute(), Path(out)
    if annotations is None:
        annotations = read_clips(name, root, options.corrections)
    else:
        options = replace(options, apex="spotted")
    clips = _locate_frames(name, root, annotations, options)
    with hold_lock(out):
        job = _claim_output(name, root, out, annotations, options)
        rows = _prepare_all(clips, job, workers)
        _say_all(*coverage_remarks(name, job.root, clips), _midpoint_remark(rows))
        return _write_tables(name, root, out, annotations.table, rows)


def _locate_frames(
    name: str, root: Path, annotations: Annotations, options: PrepareOptions
) -> list[ClipFiles]:
    """Locate the frames of every clip and say what is odd; raise `BadInput` if too many clips lack frames."""
    _say_all(*annotations.sources, *annotations.oddities, skipped_folders(dataset_folder(root)))
    clips = locate_clips(name, root, annotations, options.apex)
    if too_many_missing(name, clips, options.skip_missing):
        raise NotFound(missing_message(clips, root))
    return clips


def _say_all(*lines: str) -> None:
    for line in filter(None, lines):
        say(line)


def _claim_output(
    name: str, root: Path, out: Path, annotations: Annotations, options: PrepareOptions
) -> PrepareJob:
    """Claim `out` for these faces, and remove the partial files of a killed run."""
    folder = dataset_folder(root)
    settings: dict[str, Any] = {
        "dataset": name,
        "size": options.size,
        "apex": options.apex,
        "corrections": options.corrections,
        "synthetic": (folder / MARKER).is_file(),
        "mer": __version__,
        "mediapipe": describe_model(),
    }
    # What was read may differ between runs that continue one folder.
    provenance = {
        "root": str(root),
        "annotations": ", ".join(annotations.files_read),
        "corrections_applied": annotations.corrections,
    }
    claims.claim_folder(
        out, SETTINGS_FILE, settings, "prepared faces", record=provenance, besides=(RECORDINGS_FOLDER,)
    )
    for path in (*out.glob(".*.*"), *out.glob("faces/*/*/.*.*")):
        path.unlink()  # temporary files of `atomic_replace`
    for partial in out.glob("faces/*/.*.partial"):
        shutil.rmtree(partial)
    return PrepareJob(folder, out.absolute(), options.size, settings["mediapipe"])


def _prepare_all(clips: list[ClipFiles], job: PrepareJob, workers: Workers) -> dict[str, dict]:
    """Return the outcome rows by clip: of refused clips, of finished ones, and of those prepared now."""
    rows, pending = {}, []
    for clip in clips:
        if clip.outcome:
            rows[clip.clip_id] = outcome_row(clip, clip.outcome, clip.reason)
        elif row := load_outcome(clip, job.root, clip_folder(job.out, clip.clip_id)):
            rows[clip.clip_id] = row
        else:
            pending.append(clip)
    start = time.perf_counter()
    for row in parallel.map_items(
        functools.partial(_prepare_one, job=job),
        pending,
        "preparing",
        jobs=max(1, min(workers.jobs or n_cores(), math.ceil(len(pending) / CLIPS_PER_WORKER))),
        setup=_load_mesh,
        scheduler=workers.scheduler,
    ):
        rows[row["clip_id"]] = row
        detail(f"{row['clip_id']}: {row['outcome']} {row['reason']}".rstrip())
    if pending:
        rate = len(pending) / (time.perf_counter() - start)
        say(f"{format_count(len(pending), 'clip')} prepared, {rate:.1f} per second")
    return rows


_thread = threading.local()  # a FaceMesh serves one thread at a time, and Dask workers have several


def _load_mesh() -> None:
    _thread.mesh, _thread.face_model = FaceMesh(), describe_model()


def _prepare_one(clip: ClipFiles, job: PrepareJob) -> dict:
    if getattr(_thread, "face_model", None) != job.face_model:
        _load_mesh()
    if _thread.face_model != job.face_model:
        raise Incompatible(
            f"The Dask worker on {platform.node()} finds landmarks with MediaPipe {_thread.face_model}, "
            f"this machine with {job.face_model}. Install the same release there, and start workers and "
            f"this command with the same {VARIABLE}."
        )
    # A cluster repeats an item whose worker died, perhaps after the clip was finished.
    finished = load_outcome(clip, job.root, clip_folder(job.out, clip.clip_id))
    return finished or prepare_clip(clip, job, _thread.mesh)


def _midpoint_remark(rows: dict[str, dict]) -> str:
    n = sum(row["apex_source"] == "midpoint" for row in rows.values())
    return (
        f"{format_count(n, 'clip has', 'clips have')} no annotated apex: the midpoint is used. --apex "
        "frame-difference spots it, which is much closer on rendered clips (docs/results/spotting.md)."
        if n
        else ""
    )


def _write_tables(
    name: str, root: Path, out: Path, table: pd.DataFrame, rows: dict[str, dict]
) -> pd.DataFrame:
    """Write the tables of a prepared folder and return outcome.csv.

    The clip table comes last and marks the folder as finished.
    """
    outcome = pd.DataFrame([rows[clip_id] for clip_id in table["clip_id"]])
    outcome["onset_source"] = table["onset_source"].to_numpy()
    outcome = outcome.astype({"onset": "Int64", "apex": "Int64"})
    for clip_id in outcome.loc[outcome["outcome"] != "ok", "clip_id"]:
        remove_clip(out, clip_id)  # left by an earlier run in which it was ok
    source_type = {"apex_source": table["apex_source"].dtype}
    table[["apex", "apex_source"]] = outcome[["apex", "apex_source"]].astype(source_type)
    with atomic_replace(out / OUTCOME_FILE) as temporary:
        outcome.to_csv(temporary, index=False, lineterminator="\n")
    if load_dataset(name).FACTS.intervals:
        intervals = read_intervals(name, root)
        _say_all(*interval_remarks(intervals))
        with atomic_replace(out / INTERVALS_FILE) as temporary:
            intervals.to_csv(temporary, index=False, lineterminator="\n")
    clip_table.write(table, out / CLIPS_FILE)
    return outcome
