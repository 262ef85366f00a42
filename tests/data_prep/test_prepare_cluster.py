"""A Dask cluster gives the bytes that one process gives, also when a worker is killed in the middle."""

import os
import signal
import sys
import threading
import time

import pytest

from data_prep.prepare import prepare
from mer_core.errors import BadInput

distributed = pytest.importorskip("distributed", reason="needs Dask: pip install 'mer[cluster]'")


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_killed_worker_loses_nothing(make_replica, tmp_path):
    root = make_replica("smic", clips_each=5)
    prepare("smic", root, tmp_path / "one", jobs=1)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as cluster:
        first = next(iter(cluster.workers.values()))
        killed = []

        def kill_after_the_first_clip():
            while not list((tmp_path / "two").glob("faces/*/*/landmarks.npz")):
                time.sleep(0.01)
            killed.append(first.pid)
            os.kill(first.pid, signal.SIGKILL)

        threading.Thread(target=kill_after_the_first_clip, daemon=True).start()
        outcome = prepare("smic", root, tmp_path / "two", scheduler=cluster.scheduler_address)
    assert killed and (outcome["outcome"] == "ok").all() and len(outcome) == 10
    leftovers = {path for path in (tmp_path / "two").rglob("*.partial")}
    assert {
        path: data for path, data in files_of(tmp_path / "two").items() if ".partial" not in str(path)
    } == files_of(tmp_path / "one")
    prepare("smic", root, tmp_path / "two")
    assert not any(path.exists() for path in leftovers)


def test_no_scheduler_is_said(make_replica, tmp_path, monkeypatch):
    monkeypatch.setattr(distributed, "Client", lambda *_, **__: (_ for _ in ()).throw(OSError("timed out")))
    with pytest.raises(BadInput, match="No Dask scheduler answers at tcp://nowhere:1: timed out. Start one"):
        prepare("smic", make_replica("smic"), tmp_path / "out", scheduler="tcp://nowhere:1")


def test_dask_is_an_extra(make_replica, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BadInput, match=r"pip install 'mer\[cluster\]'"):
        prepare("smic", make_replica("smic"), tmp_path / "out", scheduler="tcp://nowhere:1")
