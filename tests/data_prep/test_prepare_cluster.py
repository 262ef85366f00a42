"""A Dask cluster gives the bytes that one process gives, also when a worker is killed in the middle."""

import sys

import pytest

from data_prep.prepare import prepare
from mer_core.cluster import SchedulerUnreachable
from mer_core.errors import MissingDependency
from mer_core.parallel import Workers
from tests.killed_worker import local_cluster, worker_killed_once, written_once

distributed = pytest.importorskip("distributed", reason="needs Dask: pip install 'srflow-mer[cluster]'")


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_killed_worker_loses_nothing(make_replica, tmp_path):
    root = make_replica("smic", clips_each=5)
    prepare("smic", root, tmp_path / "one", workers=Workers(1))
    with (
        local_cluster() as cluster,
        worker_killed_once(
            cluster, lambda: list((tmp_path / "two").glob("faces/*/[!.]*/landmarks.npz"))
        ) as done,
    ):
        outcome = prepare("smic", root, tmp_path / "two", workers=Workers(1, cluster.scheduler_address))
    assert len(done) < 10 and written_once(done) and (outcome["outcome"] == "ok").all() and len(outcome) == 10
    leftovers = {path for path in (tmp_path / "two").rglob("*.partial")}
    assert {
        path: data for path, data in files_of(tmp_path / "two").items() if ".partial" not in str(path)
    } == files_of(tmp_path / "one")
    prepare("smic", root, tmp_path / "two")
    assert not any(path.exists() for path in leftovers)


def test_no_scheduler_is_said(make_replica, tmp_path, monkeypatch):
    monkeypatch.setattr(distributed, "Client", lambda *_, **__: (_ for _ in ()).throw(OSError("timed out")))
    with pytest.raises(SchedulerUnreachable, match="tcp://nowhere:1.*timed out"):
        prepare("smic", make_replica("smic"), tmp_path / "out", workers=Workers(1, "tcp://nowhere:1"))


def test_dask_is_an_extra(make_replica, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingDependency, match=r"srflow-mer\[cluster\]"):
        prepare("smic", make_replica("smic"), tmp_path / "out", workers=Workers(1, "tcp://nowhere:1"))
