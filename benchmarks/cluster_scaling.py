"""How `mer prepare` and `mer flow estimate` scale from one Dask worker to two on this machine.

Each worker is a process of one thread; starting it and its first clip, which loads the models, are not
timed. Other work on the machine is part of the clock's time, so the load is printed beside it.
"""

import argparse
import os
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.prepare_speed import write_dataset
from data_prep.prepare import prepare
from data_prep.prepared import PreparedDataset
from flow.prepared_flow import estimate_prepared
from mer_core import markdown, progress
from mer_core.parallel import Workers

WARM_UP = 4  # clips for each worker before the clock starts


def measure(n_workers: int, clips: int, method: str, folder: Path) -> tuple[float, float]:
    """Return the seconds to prepare `clips` clips, and to estimate their flow, with `n_workers` workers."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=n_workers, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as cluster:
        seconds = (0.0, 0.0)
        for name, n in (("warm-up", WARM_UP * n_workers), ("timed", clips)):
            root, out = folder / f"{name}-in", folder / f"{name}-out"
            write_dataset(root, n)
            start = time.perf_counter()
            prepare("casme2", root, out, workers=Workers(scheduler=cluster.scheduler_address))
            between = time.perf_counter()
            estimate_prepared(PreparedDataset(out), method, scheduler=cluster.scheduler_address)
            seconds = (between - start, time.perf_counter() - between)
    shutil.rmtree(folder)
    return seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--method", default="srflownet")
    given = parser.parse_args()
    progress.set_verbosity(quiet=True)
    rows = []
    with TemporaryDirectory() as folder:
        for n in (1, 2):
            prepared, flow = measure(n, given.clips, given.method, Path(folder) / str(n))
            rows.append([n, f"{given.clips / prepared:.1f}", f"{given.clips / flow:.1f}"])
    print(markdown.format_table(["workers", "prepare, clips/s", f"flow ({given.method}), clips/s"], rows))
    print(f"\nLoad of the machine in the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")


if __name__ == "__main__":
    main()
