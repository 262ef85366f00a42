"""Parallel work in processes of this machine or on a Dask cluster, with a progress bar."""

import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from typing import Any, TypeVar

from mer_core import cluster, registry
from mer_core.device import n_cores
from mer_core.errors import WorkerKilled
from mer_core.progress import track

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Workers:
    """Where parallel work runs: in processes of this machine, or on a Dask cluster."""

    jobs: int | None = 1  # None: all cores
    scheduler: str | None = None  # address of a Dask scheduler


def map_items(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    title: str | None,
    *,
    jobs: int | None = 1,
    ordered: bool = False,
    threads: int = 1,
    setup: Callable[[], Any] | None = None,
    isolated: bool = False,
    scheduler: str | None = None,
) -> Iterator[Result]:
    """Yield `work(item)` for every item, in the order of completion or, if `ordered`, of `items`.

    Parameters
    ----------
    work : callable
        Function of a module that the workers can import.
    items : iterable
        Argument of each call.
    title : str or None
        Title of the progress bar; None for no bar.
    jobs : int or None
        Number of processes; None uses all cores; 1 works in this process, unless `isolated`.
    ordered : bool
        Keep the order of `items`; ignored on a cluster.
    threads : int
        Number of threads that numerical libraries may use in each process.
    setup : callable or None
        Called once in each worker process before its first item; not called in this process or on a cluster.
    isolated : bool
        Use a worker process even if one is enough, so that a crash of a library does not end this process.
    scheduler : str or None
        Address of a Dask scheduler whose workers replace the processes.

    Raises
    ------
    WorkerKilled
        If a worker process was killed. Exceptions of `work` pass through.
    """
    items = list(items)
    jobs = min(jobs or n_cores(), len(items))
    if scheduler:
        results: Iterator[Result] = cluster.map_items(scheduler, work, items)
    elif jobs <= 1 and not (isolated and items):
        results = map(work, items)
    else:
        results = _in_processes(work, items, jobs, ordered, threads, setup)
    yield from results if title is None else track(results, title, total=len(items))


def prefetch(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items, none of them None, computing each in a thread while the one before it is in use."""
    remaining = iter(items)
    with ThreadPoolExecutor(1) as pool:
        upcoming = pool.submit(next, remaining, None)
        while (item := upcoming.result()) is not None:
            upcoming = pool.submit(next, remaining, None)
            yield item


def map_in_threads(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield `work(item)` in the order of the items; threads compute the next few while one is in use."""
    with ThreadPoolExecutor(n_cores()) as pool:
        started: deque[Future[Result]] = deque()
        for item in items:
            started.append(pool.submit(work, item))
            if len(started) > n_cores():
                yield started.popleft().result()
        yield from (future.result() for future in started)


@contextmanager
def companion(
    setup: Callable[[], Any], threads: int = 1
) -> Iterator[Callable[[Callable[[], Result]], Result]]:
    """Start a process that calls `setup` at once, and yield a function that runs calls in it.

    Calls are functions of modules that the process can import, or `partial`s of them. The process ends with
    the block.

    Raises
    ------
    WorkerKilled
        By a call, if the process was killed. Exceptions of `setup` and of the call pass through.
    """
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(
        target=_serve, args=(there, registry.imported_files(), pickle.dumps(setup), threads), daemon=True
    )
    process.start()
    there.close()

    def call(work: Callable[[], Result]) -> Result:
        answer: tuple[Result, Exception | None]
        try:
            here.send(work)
            answer = here.recv()
        except (EOFError, OSError) as killed:
            raise WorkerKilled(
                "A worker process was killed, perhaps for lack of memory. Run the same command again."
            ) from killed
        result, error = answer
        if error is not None:
            raise error
        return result

    try:
        yield call
    finally:
        process.terminate()
        process.join()


def _serve(connection: Any, files: list[str], setup: bytes, threads: int) -> None:
    """Run the calls of `companion` in its process, where an error of `setup` answers each of them.

    The caller works during `setup`, which therefore gets one thread.
    """
    # Threads of OpenMP that wait spin by default, on cores that the caller needs.
    os.environ["OMP_WAIT_POLICY"] = "passive"
    failed: Exception | None = None
    try:
        _start_worker(files, setup, threads=1)
        _limit_threads(threads)
    except Exception as error:
        failed = error
    while True:
        try:
            work = connection.recv()
        except EOFError:
            return
        try:
            answer = (None, failed) if failed else (work(), None)
        except Exception as error:
            answer = None, error
        connection.send(answer)


def _in_processes(
    work: Callable[[Any], Any],
    items: list[Any],
    jobs: int,
    ordered: bool,
    threads: int,
    setup: Callable[[], Any] | None,
) -> Iterator[Any]:
    # `setup` may come from a plug-in file, so each worker unpickles it after importing these files.
    arguments = (registry.imported_files(), pickle.dumps(setup), threads)
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _start_worker, arguments)
    try:
        futures = [pool.submit(work, item) for item in items]
        for future in futures if ordered else as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        advice = "Run the same command again to go on, with fewer --jobs."
        raise WorkerKilled(f"A worker process was killed, perhaps for lack of memory. {advice}") from error
    finally:  # also when the consumer stops early: pending items are cancelled
        pool.shutdown(cancel_futures=True)


def _start_worker(files: list[str], setup: bytes, threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C; running items finish
    _exit_with_parent()
    os.environ["OMP_NUM_THREADS"] = str(threads)
    registry.restore_files(files)
    if (function := pickle.loads(setup)) is not None:  # bytes of the parent process, never of a file
        function()
    _limit_threads(threads)


def _limit_threads(threads: int) -> None:
    """Limit the threads of libraries already loaded; those loaded later read OMP_NUM_THREADS."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(threads)


def _exit_with_parent() -> None:
    """Make this worker exit as soon as its parent process has ended, however it ended."""
    threading.Thread(target=_exit_after, args=(parent_process(),), daemon=True).start()


def _exit_after(parent: Any) -> None:
    if parent is not None:
        parent.join()
        os._exit(1)
