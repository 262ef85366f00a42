"""The loop from a dataset folder to a prepared one: clip -> aligned faces on disk -> one outcome row.

It can be stopped at any moment and run again: a clip's folder appears only when it is whole, and what is whole and
made from the same frames is kept. The bytes of the result do not depend on interruptions or on the number of processes.
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
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context, parent_process
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from data_prep import apex as spotting
from data_prep import clip_table
from data_prep.align import similarity, transform_points, warp
from data_prep.dataset_check import (
    Found,
    check_dataset,
    load_dataset,
    locate_all,
    missed,
    missing_message,
    read_clips,
    too_many_missing,
)
from data_prep.frames import read_image, write_image
from data_prep.interval_table import read_intervals
from data_prep.landmarks import FaceMesh
from data_prep.layouts import MARKER
from data_prep.prepared import CLIPS_FILE, INTERVALS_FILE, OUTCOME_FILE, SETTINGS_FILE
from mer_core import __version__, claims, cluster, registry
from mer_core.device import cores
from mer_core.errors import BadInput, MerError
from mer_core.io import replacing, write_npz
from mer_core.progress import say, track

__all__ = ["check_dataset", "prepare"]

ADVICE = "With --apex frame-difference it is looked for, which on rendered clips comes much nearer (docs/results/spotting.md)."
CLIPS_PER_WORKER = 40  # a process needs about as long to start as it takes to prepare this many clips


@dataclass(frozen=True)
class Job:
    """What is the same for every clip of a dataset, as sent to the processes that prepare them."""

    root: Path
    out: Path
    size: int


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
) -> pd.DataFrame:
    """Prepare the dataset `name` in `root` into the folder `out`; see `data_prep/prepared.py` for reading it.

    size         : side of the aligned faces in px
    jobs         : processes; all cores by default, and fewer where starting them would take longer than the work
    apex         : what stands in for an apex that is not annotated, one of `spotting.METHODS`
    corrections  : apply data_prep/corrections/NAME.csv
    skip_missing : go on where more clips lack frames than the release itself lacks (`Facts.lacking`, mostly 1 %)
    scheduler    : address of a Dask cluster to work on instead of processes here; its machines must see `root` and `out`

    Returns the outcome table, one row per clip: clip_id, outcome ("ok", "no face", "missing frame", "unreadable frame",
    "no onset", "no apex", "bad name", "duplicate"), reason, onset, apex, apex_source. Raises `BadInput` for a folder that is not the dataset, for
    too many missing frames, and for an `out` that holds something else.
    """
    registry.check(apex, list(spotting.METHODS), "apex method")
    root, out = Path(root).absolute(), Path(out)
    annotations = read_clips(name, root, corrections)
    table = annotations.table
    for line in (*annotations.sources, *annotations.oddities):
        say(line)
    found = locate_all(name, root, annotations, apex)
    if too_many_missing(name, found, skip_missing):
        raise BadInput(missing_message(found, root))
    settings = {
        "dataset": name,
        "size": size,
        "apex": apex,
        "corrections": corrections,
        "synthetic": (root / MARKER).is_file(),
    } | {"mer": __version__, "mediapipe": version("mediapipe")}
    more = {"annotations": ", ".join(annotations.read), "corrections_applied": annotations.corrections}
    _claim(out, settings, more)

    outcomes = {clip.clip_id: _outcome(clip, clip.outcome, clip.reason) for clip in found if clip.outcome}
    to_do = []
    for clip in (clip for clip in found if not clip.outcome):
        done = _finished(clip, root, _folder(out, clip))
        if done:
            outcomes[clip.clip_id] = done
        else:
            to_do.append(clip)
    job = Job(root, out.absolute(), size)
    work = cluster.each(scheduler, _in_cluster, to_do, job=job) if scheduler else _work(to_do, job, jobs)
    start = time.perf_counter()
    for outcome in track(work, f"preparing {name}", len(to_do)):
        outcomes[outcome["clip_id"]] = outcome
    if to_do:
        say(f"{len(to_do)} clips prepared, {len(to_do) / (time.perf_counter() - start):.1f} per second")

    for note in missed(name, root, found):
        say(note)
    stand_ins = sum(outcome["apex_source"] == "midpoint" for outcome in outcomes.values())
    if stand_ins:
        say(f"{stand_ins} clips have no annotated apex: their midpoint stands in. {ADVICE}")
    outcome = pd.DataFrame([outcomes[clip_id] for clip_id in table["clip_id"]]).astype(
        {"onset": "Int64", "apex": "Int64"}
    )
    for clip_id in outcome.loc[outcome["outcome"] != "ok", "clip_id"]:
        shutil.rmtree(
            out.joinpath("faces", *clip_id.split("/")[1:]), ignore_errors=True
        )  # of an earlier, luckier run
    table[["apex", "apex_source"]] = outcome[["apex", "apex_source"]].astype(
        {"apex_source": table["apex_source"].dtype}
    )
    with replacing(out / OUTCOME_FILE) as temporary:
        outcome.to_csv(temporary, index=False, lineterminator="\n")
    if load_dataset(name).FACTS.intervals:
        with replacing(out / INTERVALS_FILE) as temporary:
            read_intervals(name, root).to_csv(temporary, index=False, lineterminator="\n")
    clip_table.write(table, out / CLIPS_FILE)  # last: the folder is finished where it is
    return outcome


def _claim(out: Path, settings: dict, more: dict) -> None:
    """Write the settings, with `more` for the record, into `out`; refuse it if it was made with others or holds something else."""
    claims.claim(out, SETTINGS_FILE, settings, "prepared faces", record=more)
    for path in (*out.glob(".*.*"), *out.glob("faces/*/*/.*.*")):
        path.unlink()  # half-written by a run that was killed, see mer_core/io.py
    for folder in out.glob("faces/*/.*.partial"):
        shutil.rmtree(folder)


def _work(found: list[Found], job: Job, jobs: int | None) -> Iterator[dict]:
    """Prepare clips here or in worker processes, yielding outcome rows as they come."""
    workers = min(jobs or cores(), math.ceil(len(found) / CLIPS_PER_WORKER))
    if workers <= 1:
        with FaceMesh() as mesh:
            for clip in found:
                yield _prepare_clip(clip, job, mesh)
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
    """Wait for the parent to end, and end too: a worker whose parent was killed would wait for work forever."""
    parent_process().join()
    os._exit(1)


def _in_worker(clip: Found, job: Job) -> dict:
    return _prepare_clip(clip, job, _mesh)


_threads = threading.local()


def _in_cluster(clip: Found, job: Job) -> dict:
    """The same in a thread of a Dask worker; each thread has a mesh of its own, because a mesh serves one caller at a time."""
    if not hasattr(_threads, "mesh"):
        _threads.mesh = FaceMesh()
    return _prepare_clip(clip, job, _threads.mesh)


def _prepare_clip(clip: Found, job: Job, mesh: FaceMesh) -> dict:
    """Read, align and write one clip; returns its outcome row, whatever happens."""
    folder = _folder(job.out, clip)
    try:
        onset = read_image(clip.files[clip.onset])
        points = mesh.landmarks(onset)
        if points is None:
            return _outcome(clip, "no face", f"onset frame {clip.onset}")
        apex_number = clip.apex
        if apex_number is None:
            span = ((number, read_image(file)) for number, file in clip.files.items())
            apex_number = spotting.spot_apex(span, similarity(points, spotting.SIZE))
        apex = read_image(clip.files[apex_number])
    except BadInput as error:
        return _outcome(clip, "unreadable frame", str(error).replace(f"{job.root}/", ""))
    if apex.shape != onset.shape:
        return _outcome(
            clip, "unreadable frame", f"onset and apex differ in size: {onset.shape[:2]} and {apex.shape[:2]}"
        )
    apex_points = mesh.landmarks(apex)
    if apex_points is None:
        return _outcome(clip, "no face", f"apex frame {apex_number}")

    matrix = similarity(points, job.size)  # the clip's one transform: the apex is aligned by the onset
    partial = folder.with_name(
        f".{folder.name}.{os.getpid()}.partial"
    )  # a cluster may try a clip twice at once
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    write_image(partial / "onset.png", warp(onset, matrix, job.size))
    write_image(partial / "apex.png", warp(apex, matrix, job.size))
    write_npz(
        partial / "landmarks.npz",
        onset=transform_points(points, matrix),
        apex=transform_points(apex_points, matrix),
        transform=matrix,
        frames=np.array([clip.onset, apex_number]),
        files=_names(clip, [clip.onset, apex_number], job.root),
    )
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(partial, folder)
    for flow in job.out.glob(f"flow/*/{folder.parent.name}/{folder.name}.npz"):
        flow.unlink()  # it belonged to other faces
    return _outcome(clip, "ok", clip.reason, apex=apex_number)


def _finished(clip: Found, root: Path, folder: Path) -> dict | None:
    """The outcome row of a clip that an earlier run prepared from the very same frames, else None."""
    file = folder / "landmarks.npz"
    if not file.is_file():
        return None
    with np.load(file) as stored:
        onset, apex = (int(number) for number in stored["frames"][:2])
        same = onset == clip.onset and clip.apex in (None, apex) and apex in clip.files
        numbers = [onset, apex]
        if not same or list(stored["files"]) != list(_names(clip, numbers, root)):
            return None
    return _outcome(clip, "ok", clip.reason, apex)


def _outcome(clip: Found, outcome: str, reason: str = "", apex: int | None = None) -> dict:
    apex = clip.apex if apex is None else apex
    return {
        "clip_id": clip.clip_id,
        "outcome": outcome,
        "reason": reason,
        "onset": clip.onset,
        "apex": apex,
        "apex_source": clip.apex_source if apex is not None else "",
    }


def _names(clip: Found, numbers: list[int], root: Path) -> np.ndarray:
    """Paths of the frames' files below the dataset folder, (len(numbers),) text."""
    return np.array([clip.files[number].relative_to(root).as_posix() for number in numbers])


def _folder(out: Path, clip: Found) -> Path:
    _, subject, name = clip.clip_id.split("/")
    return out / "faces" / subject / name
