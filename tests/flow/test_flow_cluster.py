"""A Dask cluster gives the flow that one machine gives, byte for byte, also when a worker is killed in the
middle.
"""

import shutil

import numpy as np
import pytest
import skimage.data

from data_prep.prepared import PreparedDataset
from flow import prepared_flow
from tests.killed_worker import local_cluster, worker_killed_once, written_once
from tests.prepared_folder import write_prepared

COUNT = 24


@pytest.fixture
def prepared(tmp_path):
    """A prepared folder of clips by hand: one face, moved by a different part of a pixel in each."""
    rows = [{"dataset": "made", "subject": "s", "clip": f"c{i}", "onset": 1, "apex": 2} for i in range(COUNT)]
    face = np.ascontiguousarray(skimage.data.astronaut()[60:156, 160:256])
    step = np.roll(face, 1, axis=1).astype(float) - face
    write_prepared(tmp_path / "one", rows, lambda i: (face, (face + i / COUNT * step).astype(np.uint8)))
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    return PreparedDataset(tmp_path / "one"), PreparedDataset(tmp_path / "two")


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_killed_worker_loses_nothing(prepared):
    one, two = prepared
    assert prepared_flow.estimate_prepared(one, "dis", jobs=1) == COUNT
    with (
        local_cluster() as cluster,
        worker_killed_once(cluster, lambda: list((two.path / "flow").glob("*/*/[!.]*.npz"))) as done,
    ):
        assert prepared_flow.estimate_prepared(two, "dis", scheduler=cluster.scheduler_address) == COUNT
    assert len(done) < COUNT and written_once(done)
    there = {path: data for path, data in files_of(two.path).items() if not path.name.startswith(".")}
    assert there == files_of(one.path)


def test_networks_get_the_same_batches_and_settings_are_kept(prepared, monkeypatch):
    asked = []
    monkeypatch.setitem(prepared_flow.BATCH_SIZES, "cpu", 16)

    def each(scheduler, work, items, **same):
        asked.append((scheduler, [len(batch) for batch in items], same["options"], same["match_exposure"]))
        return [work(batch, **same) for batch in items]

    monkeypatch.setattr(prepared_flow.cluster, "map_items", each)
    one, two = prepared
    assert (
        prepared_flow.estimate_prepared(two, "dis", scheduler="tcp://x", preset="fast", match_exposure=False)
        == COUNT
    )
    prepared_flow.estimate_prepared(one, "dis", preset="fast", match_exposure=False)
    assert files_of(two.path) == files_of(one.path)
    monkeypatch.setattr(prepared_flow, "_cluster_task", lambda *_, **__: None)
    network = prepared_flow.Method("srflownet", {"weights": None}, None, True)
    prepared_flow.estimate_prepared(two, network, scheduler="tcp://x")
    assert asked == [
        ("tcp://x", [1] * COUNT, {"preset": "fast"}, False),
        ("tcp://x", [16, 8], {"weights": None}, True),
    ]
