"""The loop from a dataset folder to a prepared one: clip -> aligned faces on disk -> one outcome row.

It can be stopped at any moment and run again: a clip's folder appears only when it is whole, and what is
whole and made from the same frames is kept. The bytes of the result do not depend on interruptions or on the
number of processes.
"""

import math
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from importlib.metadata import version
from multiprocessing import get_context, parent_process
from pathlib import Path

import cv2
import pandas as pd

from data_prep import apex as spotting
from data_prep import clip_table
from data_prep.annotations import Annotations, dataset_folder, load_dataset, read_clips
from data_prep.clip_search import ClipFiles, locate_clips, missing_message, too_many_missing
from data_prep.dataset_check import check_dataset, coverage_remarks
from data_prep.dataset_files import skipped_folders
from data_prep.interval_table import read_intervals
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
from data_prep.prepared import CLIPS_FILE, INTERVALS_FILE, OUTCOME_FILE, SETTINGS_FILE
from mer_core import __version__, claims, cluster, registry
from mer_core.device import n_cores
from mer_core.errors import BadInput, MerError
from mer_core.io import atomic_replace
from mer_core.locks import hold_lock
from mer_core.progress import say, track

__all__ = ["check_dataset", "prepare"]

ADVICE = (
    "With --apex frame-difference it is looked for, which on rendered clips comes much nearer "
    "(docs/results/spotting.md)."
)
CLIPS_PER_WORKER = 40  # a process needs about as long to start as it takes to prepare this many clips


def prepare(
    name: str,
    root: str | Path,
    out: str | Path,
    *,
    size: int = 224,
    jobs: int | None = None,
    apex: str = "midpoint",
    corrections: bool = True,
    skip_missing: bool = False,
    scheduler: str | None = None,
    annotations: Annotations | None = None,
) -> pd.DataFrame:
    """Prepare the dataset `name` in `root` into the folder `out`; `data_prep/prepared.py` reads it.

    Parameters
    ----------
    size : side of the aligned faces, px.
    jobs : processes; all cores by default, and fewer where starting them would take longer than the work.
    apex : what stands in for an apex that is not annotated, one of `data_prep.apex.METHODS`.
    corrections : apply data_prep/corrections/NAME.csv.
    skip_missing : go on where more clips lack frames than the release itself lacks (`DatasetFacts.missing_fraction`).
    scheduler : address of a Dask cluster to work on; its machines must see `root` and `out`.
    annotations : instead of those in `root`, as where onset and apex of own recordings have been spotted.

    Returns
    -------
    One row per clip: clip_id, outcome ("ok", "no face", "implausible face", "missing frame", "unreadable
    frame", "no onset", "no apex", "bad name", "duplicate"), reason, onset, apex, apex_source, onset_source.

    Raises
    ------
    BadInput : `root` is not the dataset, too many frames are missing, or `out` holds something else.
    InUse : another run writes to `out`.
    """
    registry.check_name(apex, list(spotting.METHODS), "apex method")
    root, out = Path(root).absolute(), Path(out)
    if annotations is None:
        annotations = read_clips(name, root, corrections)
    else:
        apex = "spotted"
    home = dataset_folder(root)
    _say_all(*annotations.sources, *annotations.oddities, skipped_folders(home))
    found = locate_clips(name, root, annotations, apex)
    if too_many_missing(name, found, skip_missing):
        raise BadInput(missing_message(found, root))
    settings = {"dataset": name, "size": size, "apex": apex, "corrections": corrections} | _versions(home)
    with hold_lock(out):
        _claim(out, settings, _record(root, annotations))
        rows = _prepare_all(found, PrepareJob(home, out.absolute(), size), jobs, scheduler)
        _say_all(*coverage_remarks(name, home, found), _stand_ins(rows))
        outcome = pd.DataFrame([rows[clip_id] for clip_id in annotations.table["clip_id"]])
        outcome["onset_source"] = annotations.table["onset_source"].to_numpy()
        return _write_tables(
            name, root, out, annotations.table, outcome.astype({"onset": "Int64", "apex": "Int64"})
        )


def _say_all(*lines: str) -> None:
    for line in filter(None, lines):
        say(line)


def _versions(root: Path) -> dict:
    """What else decides the faces: whether these are rendered, and who aligned them."""
    synthetic = (root / MARKER).is_file()
    return {"synthetic": synthetic, "mer": __version__, "mediapipe": version("mediapipe")}


def _record(root: Path, annotations: Annotations) -> dict:
    """What was read; it may change between two calls that go on with one folder."""
    return {
        "root": str(root),
        "annotations": ", ".join(annotations.files_read),
        "corrections_applied": annotations.corrections,
    }


def _prepare_all(
    found: list[ClipFiles], job: PrepareJob, jobs: int | None, scheduler: str | None
) -> dict[str, dict]:
    """Outcome rows by clip: of clips that are refused, of those that are finished, and of the rest once
    prepared.
    """
    rows, to_do = {}, []
    for clip in found:
        done = None if clip.outcome else load_outcome(clip, job.root, clip_folder(job.out, clip.clip_id))
        if clip.outcome:
            rows[clip.clip_id] = outcome_row(clip, clip.outcome, clip.reason)
        elif done:
            rows[clip.clip_id] = done
        else:
            to_do.append(clip)
    work = cluster.map_items(scheduler, _in_cluster, to_do, job=job) if scheduler else _work(to_do, job, jobs)
    start = time.perf_counter()
    for row in track(work, "preparing", len(to_do)):
        rows[row["clip_id"]] = row
    if to_do:
        say(f"{len(to_do)} clips prepared, {len(to_do) / (time.perf_counter() - start):.1f} per second")
    return rows


def _stand_ins(rows: dict[str, dict]) -> str:
    """How many clips have the midpoint for an apex, and what else there is; empty where none has."""
    n = sum(row["apex_source"] == "midpoint" for row in rows.values())
    return f"{n} clips have no annotated apex: their midpoint stands in. {ADVICE}" if n else ""


def _write_tables(
    name: str, root: Path, out: Path, table: pd.DataFrame, outcome: pd.DataFrame
) -> pd.DataFrame:
    """Write what the folder says of its clips. The clip table comes last: with it the folder is finished."""
    for clip_id in outcome.loc[outcome["outcome"] != "ok", "clip_id"]:
        remove_clip(out, clip_id)  # of an earlier, luckier run
    source_type = {"apex_source": table["apex_source"].dtype}
    table[["apex", "apex_source"]] = outcome[["apex", "apex_source"]].astype(source_type)
    with atomic_replace(out / OUTCOME_FILE) as temporary:
        outcome.to_csv(temporary, index=False, lineterminator="\n")
    if load_dataset(name).FACTS.intervals:
        with atomic_replace(out / INTERVALS_FILE) as temporary:
            read_intervals(name, root).to_csv(temporary, index=False, lineterminator="\n")
    clip_table.write(table, out / CLIPS_FILE)
    return outcome


def _claim(out: Path, settings: dict, record: dict) -> None:
    """Make `out` the folder of this work, or continue there.

    What a run that was killed left half-written goes.
    """
    claims.claim_folder(out, SETTINGS_FILE, settings, "prepared faces", record=record)
    for path in (*out.glob(".*.*"), *out.glob("faces/*/*/.*.*")):
        path.unlink()  # see mer_core/io.py
    for folder in out.glob("faces/*/.*.partial"):
        shutil.rmtree(folder)


def _work(found: list[ClipFiles], job: PrepareJob, jobs: int | None) -> Iterator[dict]:
    """Prepare clips here or in worker processes, yielding outcome rows as they come."""
    workers = min(jobs or n_cores(), math.ceil(len(found) / CLIPS_PER_WORKER))
    if workers <= 1:
        with FaceMesh() as mesh:
            for clip in found:
                yield prepare_clip(clip, job, mesh)
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker)
    try:
        for future in as_completed([pool.submit(_in_worker, clip, job) for clip in found]):
            yield future.result()
    except BrokenProcessPool as error:
        advice = "Run the same command again to go on, with fewer --jobs."
        raise MerError(f"A worker process was killed, perhaps for lack of memory. {advice}") from error
    finally:
        pool.shutdown(cancel_futures=True)


_mesh: FaceMesh


def _start_worker() -> None:
    global _mesh
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C is the parent's to handle; clips under way are finished
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["OMP_NUM_THREADS"] = "1"
    cv2.setNumThreads(1)
    _mesh = FaceMesh()


def _end_with_parent() -> None:
    """End with the parent: a worker whose parent was killed would wait for work forever."""
    if parent := parent_process():
        parent.join()
    os._exit(1)


def _in_worker(clip: ClipFiles, job: PrepareJob) -> dict:
    return prepare_clip(clip, job, _mesh)


_threads = threading.local()


def _in_cluster(clip: ClipFiles, job: PrepareJob) -> dict:
    """The same in a thread of a Dask worker; each thread has a mesh of its own, because a mesh serves one
    caller at a time.
    """
    if not hasattr(_threads, "mesh"):
        _threads.mesh = FaceMesh()
    return prepare_clip(clip, job, _threads.mesh)
