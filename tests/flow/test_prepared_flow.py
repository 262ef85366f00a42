import json
import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import skimage.data

from data_prep.frames import write_image
from data_prep.image_files.images import UnreadableImage
from data_prep.prepared import PreparedDataset
from flow import prepared_flow
from flow.estimate import Method, estimate, load_method
from mer_core import registry
from mer_core.errors import ChangedSettings, Incompatible, InUse, NotFound
from mer_core.locks import hold_lock
from tests.prepared_folder import write_prepared

FACE = np.ascontiguousarray(skimage.data.astronaut()[60:156, 160:256])
APEX = np.roll(FACE, 1, axis=1)


@pytest.fixture
def prepared(tmp_path):
    """A prepared folder of three clips by hand; only one frame pair is ever used."""
    rows = [
        {"dataset": "made", "subject": f"s{i % 2}", "clip": f"c{i}", "onset": 1, "apex": 2} for i in range(3)
    ]
    write_prepared(tmp_path, rows, lambda i: (FACE, APEX))
    return PreparedDataset(tmp_path)


def test_fills_the_cache_where_the_contract_says(prepared):
    assert prepared_flow.estimate_prepared(prepared, "dis", jobs=2) == 3
    with np.load(prepared.path / "flow" / "dis" / "s1" / "c1.npz", allow_pickle=False) as stored:
        assert np.array_equal(stored["flow"], estimate("dis", FACE, APEX))
    assert np.array_equal(prepared_flow.read(prepared, "dis", "made/s0/c2"), estimate("dis", FACE, APEX))
    settings = json.loads((prepared.path / "flow" / "dis" / "flow.json").read_text())
    assert (
        settings["method"] == "dis"
        and settings["options"] == {"preset": "face"}
        and settings["match_exposure"] is True
    )
    assert settings["version"]


def counting(method="counted", network=False, **options):
    """A method that returns zero flow and remembers how many pairs it was given at a time."""
    seen = []

    def run(onsets, apexes):
        seen.append(len(onsets))
        return np.zeros(onsets.shape[:3] + (2,), np.float32)

    return Method(method, options, run, network), seen


def test_goes_on_where_it_stopped(prepared):
    method, seen = counting()
    prepared_flow.estimate_prepared(prepared, method)
    (prepared.path / "flow" / "counted" / "s0" / "c2.npz").unlink()
    assert prepared_flow.estimate_prepared(prepared, method) == 3
    assert seen == [1, 1, 1, 1]


def test_an_error_half_way_keeps_what_is_done_and_no_half_file(prepared):
    (prepared.folder("made/s0/c2") / "apex.png").write_bytes(b"no image")
    with pytest.raises(UnreadableImage, match="apex.png"):
        prepared_flow.estimate_prepared(prepared, "dis", jobs=1)
    files = sorted(path.name for path in (prepared.path / "flow" / "dis").rglob("*.npz"))
    assert files == ["c0.npz", "c1.npz"]


def test_networks_get_batches(prepared, monkeypatch):
    monkeypatch.setitem(prepared_flow.BATCH_SIZES, "cpu", 2)
    method, seen = counting(network=True)
    assert prepared_flow.estimate_prepared(prepared, method, jobs=1) == 3
    assert seen == [2, 1]
    (prepared.path / "flow" / "counted" / "s0" / "c0.npz").unlink()
    prepared_flow.estimate_prepared(prepared, method)
    assert seen == [2, 1, 2]  # the same batch as at first, so the same digits


def test_other_settings_are_refused_with_the_changed_key(prepared):
    prepared_flow.estimate_prepared(prepared, "dis")
    with pytest.raises(ChangedSettings, match="options.preset.*face.*medium"):
        prepared_flow.estimate_prepared(prepared, "dis", preset="medium")
    with pytest.raises(ChangedSettings, match="match_exposure.*True.*False"):
        prepared_flow.estimate_prepared(prepared, "dis", match_exposure=False)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A copy of the frozen weights in place of those that ship, and a function that puts others there."""
    pytest.importorskip("torch")
    from flow import srflownet
    from flow.methods import srflownet as method

    file = tmp_path / "weights" / "srflownet-compact.safetensors"
    file.parent.mkdir()
    shutil.copy(method.WEIGHTS_FOLDER / file.name, file)
    monkeypatch.setattr(method, "WEIGHTS_FOLDER", file.parent)

    def replace():
        network = srflownet.load_network(file)
        srflownet.save_weights(file, network.state_dict(), "compact", {}, "trained anew")

    return replace


def test_flow_of_new_frozen_weights_is_never_mixed_with_the_old(prepared, shipped):
    prepared_flow.estimate_prepared(prepared, "srflownet", jobs=1)
    settings = prepared_flow.stored_settings(prepared, "srflownet")
    assert re.fullmatch("[0-9a-f]{16}", settings["weights"]) and settings["options"] == {
        "network": "auto",
        "weights": None,
        "detect_landmarks": True,
    }
    assert prepared_flow.estimate_prepared(prepared, "srflownet") == 3
    shipped()
    (prepared.path / "flow" / "srflownet" / "s0" / "c2.npz").unlink()
    with pytest.raises(ChangedSettings, match=f"weights.*{settings['weights']}.*[0-9a-f]{{16}}"):
        prepared_flow.estimate_prepared(prepared, "srflownet")
    assert not prepared_flow.flow_file(prepared, "srflownet", "made/s0/c2").exists()


def test_flow_from_before_weights_were_recorded_is_not_taken_for_new(prepared, shipped):
    prepared_flow.estimate_prepared(prepared, "srflownet", jobs=1)
    settings = prepared_flow.stored_settings(prepared, "srflownet")
    del settings["weights"]
    (prepared.path / "flow" / "srflownet" / "flow.json").write_text(json.dumps(settings))
    with pytest.raises(ChangedSettings, match="weights"):
        prepared_flow.estimate_prepared(prepared, "srflownet")


def test_weights_of_ones_own_are_known_by_name_and_content_not_by_folder(prepared, tmp_path):
    def method(path, content):
        return Method("counted", {"weights": str(tmp_path / path)}, counting()[0].run, False, content)

    prepared_flow.estimate_prepared(prepared, method("w.bin", "1"))
    prepared_flow.estimate_prepared(prepared, method("a/w.bin", "1"))
    with pytest.raises(ChangedSettings, match="weights.*1.*2"):
        prepared_flow.estimate_prepared(prepared, method("w.bin", "2"))


def test_a_cluster_machine_with_other_weights_is_refused(prepared, shipped):
    asked = {
        "folder": prepared.path,
        "name": "srflownet",
        "device": "cpu",
        "options": {},
        "precision": "float32",
        "match_exposure": True,
    }
    with pytest.raises(Incompatible, match="[0-9a-f]{16}.*123"):
        prepared_flow._cluster_task(["made/s0/c0"], weights="123", **asked)


def precise(precision):
    """A stand-in for a network that computes in `precision`, as on a device of that kind."""
    return replace(counting(network=True)[0], precision=precision)


def test_flow_of_two_precisions_is_never_mixed(prepared):
    prepared_flow.estimate_prepared(prepared, precise("bfloat16"))
    assert prepared_flow.stored_settings(prepared, "counted")["precision"] == "bfloat16"
    prepared_flow.flow_file(prepared, "counted", "made/s0/c2").unlink()
    with pytest.raises(ChangedSettings, match="precision.*bfloat16.*float32"):
        prepared_flow.estimate_prepared(prepared, precise("float32"))
    assert not prepared_flow.flow_file(prepared, "counted", "made/s0/c2").exists()
    assert prepared_flow.estimate_prepared(prepared, precise("bfloat16")) == 3


def test_a_method_says_in_what_precision_it_computes(monkeypatch):
    def load(device="cpu"):
        run = counting()[0].run
        if device == "cuda":
            run.precision = "bfloat16"
        return run

    monkeypatch.setattr(registry, "load", lambda package, name: SimpleNamespace(load=load, NETWORK=True))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert (
        load_method("made", "cpu").precision == "float32"
        and load_method("made", "cuda").precision == "bfloat16"
    )


def test_srflownet_on_a_cpu_is_float32():
    pytest.importorskip("torch")
    assert load_method("srflownet").precision == "float32"


def test_a_cluster_machine_with_another_precision_is_refused(prepared, shipped):
    asked = {
        "folder": prepared.path,
        "name": "srflownet",
        "device": "cpu",
        "options": {},
        "match_exposure": True,
    }
    with pytest.raises(Incompatible, match="float32.*bfloat16"):
        prepared_flow._cluster_task(
            ["made/s0/c0"], weights=load_method("srflownet").weights, precision="bfloat16", **asked
        )


def test_reading_what_is_not_there_says_the_command(prepared):
    with pytest.raises(NotFound, match="--method tvl1"):
        prepared_flow.read(prepared, "tvl1", "made/s0/c0")
    with pytest.raises(NotFound, match="--method tvl1"):
        prepared_flow.stored_settings(prepared, "tvl1")


def test_a_network_works_on_each_batch_with_one_thread_because_sums_differ_otherwise(prepared):
    torch = pytest.importorskip("torch")
    before, seen = torch.get_num_threads(), []

    def run(onsets, apexes):
        seen.append((torch.get_num_threads(), cv2.getNumThreads()))
        return np.zeros(onsets.shape[:3] + (2,), np.float32)

    torch.set_num_threads(2)
    try:
        prepared_flow.estimate_prepared(prepared, Method("counted", {}, run, True))
        assert set(seen) == {(1, 1)} and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_flow_of_other_faces_is_never_served_and_estimated_again(prepared):
    prepared_flow.estimate_prepared(prepared, "dis", jobs=1)
    before = prepared_flow.read(prepared, "dis", "made/s1/c1")
    write_image(prepared.folder("made/s1/c1") / "apex.png", np.roll(FACE, 3, axis=1))
    with pytest.raises(ChangedSettings, match="made/s1/c1"):
        prepared_flow.read(prepared, "dis", "made/s1/c1")
    written = prepared_flow.flow_file(prepared, "dis", "made/s0/c0").stat().st_mtime_ns
    prepared_flow.estimate_prepared(prepared, "dis", jobs=1)
    after = prepared_flow.read(prepared, "dis", "made/s1/c1")
    assert np.abs(after - before).max() > 1
    assert prepared_flow.flow_file(prepared, "dis", "made/s0/c0").stat().st_mtime_ns == written  # kept


def test_flow_that_records_no_faces_is_estimated_again(prepared):
    prepared_flow.estimate_prepared(prepared, "dis", jobs=1)
    path = prepared_flow.flow_file(prepared, "dis", "made/s1/c1")
    np.savez(path, flow=np.zeros((96, 96, 2), np.float32))
    with pytest.raises(ChangedSettings):
        prepared_flow.read(prepared, "dis", "made/s1/c1")
    prepared_flow.estimate_prepared(prepared, "dis", jobs=1)
    assert prepared_flow.read(prepared, "dis", "made/s1/c1").any()


def test_a_second_run_is_refused_while_the_first_one_writes(prepared):
    with hold_lock(prepared.path / "flow" / "dis"), pytest.raises(InUse):
        prepared_flow.estimate_prepared(prepared, "dis")
    assert prepared_flow.estimate_prepared(prepared, "dis") == 3
