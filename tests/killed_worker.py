"""A local Dask cluster of two processes, one of which is killed in the middle of the work."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def local_cluster():
    """Two worker processes of one thread; skips the test where Dask is not installed."""
    distributed = pytest.importorskip("distributed", reason="needs Dask: pip install 'srflow-mer[cluster]'")
    return distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    )


@contextmanager
def worker_killed_once(cluster, finished: Callable[[], list[Path]]) -> Iterator[dict[Path, int]]:
    """Kill a worker as soon as `finished` lists files; yields those that were finished then, with the times
    at which they were written.
    """
    worker = next(iter(cluster.workers.values()))
    then: dict[Path, int] = {}

    def kill() -> None:
        while not (files := finished()):
            time.sleep(0.005)
        os.kill(worker.pid, signal.SIGKILL)
        then.update({file: file.stat().st_mtime_ns for file in files})

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    yield then
    thread.join(timeout=5)
    assert then, "no worker was killed"


def written_once(files: dict[Path, int]) -> bool:
    """Whether none of the files that were finished when the worker was killed was written again."""
    return files == {file: file.stat().st_mtime_ns for file in files}
