"""Killed commands for `benchmarks/soak.py`.

Every command that writes is killed before each change it makes to its folder and at random moments, and run
again; its files are compared with those of an undisturbed run.
"""

import hashlib
import itertools
import multiprocessing
import os
import re
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mer_core import parallel
from mer_core.errors import MerError

OUTCOMES = ("as undisturbed", "refused", "lost", "different", "traceback")
MAX_S = 900.0  # a busy machine may be slow, and a command that hangs never ends
MAX_WORKERS_S = 30.0  # for workers to notice that their parent is gone
TIME = re.compile(rb"20\d\d-\d\d-\d\dT[\d:.]+")
CHANGES = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.link", "os.symlink")


@dataclass(frozen=True)
class Task:
    """A command, and where it writes: `run(out)` is what is killed."""

    name: str
    run: Callable[[Path], Any]
    start: Path | None = None  # a folder that `out` begins as a copy of


@dataclass(frozen=True)
class Kill:
    """When a run ends: before the n-th change to its folder, or after a time."""

    change: int = -1
    cut: bool = False  # leave half of a file where it is about to take its place
    after_s: float = 0.0


def tasks(folder: Path) -> list[Task]:
    """Prepare the six commands on a replica of CASME II, each continuing from an undisturbed predecessor."""
    from data_prep.prepare import prepare
    from data_prep.prepared import open_prepared
    from flow.prepared_flow import estimate_prepared
    from mer import bundle, training
    from mer.evaluation.config import CvConfig
    from mer.evaluation.run import cross_validate_prepared
    from mer.inference import batch, predict
    from mer.report import export
    from mer_core.parallel import Workers

    root, prepared, flowed = folder / "casme2", folder / "prepared", folder / "flowed"
    config = CvConfig(protocol="labels", method="farneback", classifier="logistic", seeds=1)

    def estimate(out: Path) -> None:
        estimate_prepared(open_prepared([out])[0], "farneback", jobs=1)

    def spot(out: Path) -> None:
        track, found = predict.spot(clip, label=False, fps=200)
        export.write_intervals(found, out / "intervals.csv")
        export.write_frames(track, found, out / "frames.csv")

    found = [
        Task("prepare", lambda out: prepare("casme2", root, out, workers=Workers(jobs=1))),
        Task("flow", estimate, prepared),
        Task("cv", lambda out: cross_validate_prepared([flowed], config, out)),
        Task("train", lambda out: bundle.save(training.fit([flowed], config, out), out)),
        Task("score", lambda out: batch.score_all(clip.parent, out / "results.csv", fps=200, jobs=1)),
        Task("spot", spot),
    ]
    if not root.exists():
        _must(_in_fork(_write_replica, root), "the replica")
    clip = next(path.parent for path in sorted(root.rglob("*.jpg")))  # one of three of its subject
    _load_models(clip)
    for task, made in zip(found, (prepared, flowed)):
        if not made.exists():
            _begin(task, made)
            _must(_in_fork(task.run, made), task.name)
    return found


def _write_replica(root: Path) -> None:
    from mer.demo import replica

    replica.N_SUBJECTS = 3  # of fewer nothing is trained; this process ends here
    replica.write_replica("casme2", root, jobs=1)


def _load_models(clip: Path) -> None:
    """Load all that a fork may inherit; the face models have threads, which it may not."""
    from mer.inference import models, predict

    cv2.setNumThreads(1)
    predict.score(clip, fps=200)
    models.get_mesh.cache_clear()
    models.get_detector.cache_clear()


def _must(ended: tuple[int | None, str], name: str) -> None:
    if ended[1]:
        raise MerError(f"{name} fails undisturbed: {ended[1]}")


@dataclass
class Undisturbed:
    """Files of a task without a kill, by name; those that differ between two such runs are not compared."""

    files: dict[str, str]
    n_changes: int
    seconds: float


def undisturbed(task: Task, out: Path) -> Undisturbed:
    """Run a task twice from its beginning, to learn which of its output is reproducible."""
    both, seconds = [], 0.0
    counter = multiprocessing.get_context("fork").Value("i", 0)
    for _ in range(2):
        counter.value = 0
        _begin(task, out)
        begun = time.monotonic()
        _must(_in_fork(task.run, out, counter=counter), task.name)
        seconds = time.monotonic() - begun
        both.append(_files(out))
    files = {name: digest if both[0].get(name) == digest else "" for name, digest in both[1].items()}
    return Undisturbed(files, counter.value, seconds)


def plan(known: Undisturbed, rng: np.random.Generator) -> Iterator[Kill]:
    """Yield kills before every change, whole and truncated files in turn, and as many at random moments."""
    for cut in itertools.cycle((False, True)):
        for change in range(known.n_changes):
            yield Kill(change, cut)
            yield Kill(after_s=float(rng.uniform(0, known.seconds)))


def kill_and_rerun(task: Task, out: Path, kill: Kill, known: Undisturbed) -> tuple[str, str]:
    """Kill a task and run it again; return one of `OUTCOMES` and the details."""
    _begin(task, out)
    _in_fork(task.run, out, kill)
    _, why = _in_fork(task.run, out)
    if why:
        return ("refused" if why.startswith("refused") else "traceback"), why
    now = _files(out)
    lost = [name for name in known.files if name not in now]
    other = [name for name, digest in known.files.items() if digest and name in now and now[name] != digest]
    other += [name for name in now if name not in known.files]
    if lost or other:
        return ("lost" if lost else "different"), f"lost {lost[:5]}, different {other[:5]}"
    return "as undisturbed", ""


def _begin(task: Task, out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    if task.start:
        shutil.copytree(task.start, out)


def _files(out: Path) -> dict[str, str]:
    """Return digests by name, without times of day and hidden files, which a killed writer may leave."""
    found = (path for path in sorted(out.rglob("*")) if path.is_file() and not path.name.startswith("."))
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(TIME.sub(b"", path.read_bytes())).hexdigest()
        for path in found
    }


def _in_fork(
    run: Callable[[Path], Any], out: Path, kill: Kill | None = None, counter: Any = None
) -> tuple[int | None, str]:
    """Call `run(out)` in a forked process; exit status, and why it failed unless it was killed on purpose."""
    context = multiprocessing.get_context("fork")
    mine, pipe = context.Pipe()
    process = context.Process(target=_child, args=(run, out, kill, counter, pipe))
    process.start()
    assert process.pid is not None
    pipe.close()
    process.join(kill.after_s if kill and kill.after_s else MAX_S)
    hung = process.is_alive()
    process.kill()
    process.join()
    _await_workers(process.pid)
    why = mine.recv() if mine.poll() and process.exitcode == 1 else ""
    if not kill and not why and process.exitcode:
        why = f"no end after {MAX_S:.0f} s" if hung else f"exit status {process.exitcode}"
    return process.exitcode, why


def _await_workers(group: int) -> None:
    """Wait for the workers of a process that has ended; raise `MerError` where they go on without it."""
    give_up = time.monotonic() + MAX_WORKERS_S
    while time.monotonic() < give_up:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    os.killpg(group, signal.SIGKILL)
    raise MerError(f"Workers of process {group} go on {MAX_WORKERS_S:.0f} s after it was killed.")


def _child(run: Callable[[Path], Any], out: Path, kill: Kill | None, counter: Any, pipe: Any) -> None:
    os.setpgid(0, 0)  # its workers belong to the group too
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    # Workers inherit the models too.
    parallel.get_context = lambda _: multiprocessing.get_context("fork")  # type: ignore[assignment]
    if kill is None or not kill.after_s:
        _watch_changes(out, kill, counter)
    try:
        run(out)
    except MerError as error:
        pipe.send(f"refused: {error.code}: {error}")
        os._exit(1)
    except BaseException:
        pipe.send(traceback.format_exc(limit=-6))
        os._exit(1)
    os._exit(0)


def _watch_changes(out: Path, kill: Kill | None, counter: Any) -> None:
    """Count the changes that this process makes below `out`, and end it before the one that `kill` names."""
    n_done, inside = 0, os.fspath(out.absolute())

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal n_done
        if event not in CHANGES or isinstance(arguments[0], int):
            return
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if not path.startswith(inside) or (event == "open" and not _writes(arguments[2])):
            return
        if kill and n_done == kill.change:
            if kill.cut and event == "os.rename" and os.path.isfile(path):
                os.truncate(path, os.path.getsize(path) // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        n_done += 1
        if counter is not None:
            counter.value = n_done

    sys.addaudithook(watch)


def _writes(flags: int) -> bool:
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
