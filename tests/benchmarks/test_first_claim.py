"""Arms differ in data alone, trainings go on where they stopped, and the page gives the changes."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from torchvision.models.optical_flow import raft_small

from benchmarks import first_claim, first_claim_page, raft_training
from benchmarks.measured_pairs import MeasuredPairs
from benchmarks.raft_training import FineTuning, fine_tune
from flow.benchmark.entries import ZERO_FLOW
from flow.benchmark.pairs import BenchmarkPair
from flow.methods.raft import read_network
from mer_core.errors import ChangedSettings


@pytest.fixture
def start(tmp_path):
    torch.manual_seed(0)
    torch.save(raft_small().state_dict(), tmp_path / "raft.pth")
    return tmp_path / "raft.pth"


def test_a_training_that_was_stopped_ends_with_the_same_weights(start, tmp_path, monkeypatch):
    monkeypatch.setattr(raft_training, "SAVE_EVERY", 1)
    settings = FineTuning({"generic": 1.0}, seed=3, steps=2, size=64, batch=1, updates=1)
    whole = fine_tune(start, settings, tmp_path, tmp_path / "whole")

    def stop_after_one(*args):
        save(*args)
        raise KeyboardInterrupt

    save = raft_training._save
    with monkeypatch.context() as once, pytest.raises(KeyboardInterrupt):
        once.setattr(raft_training, "_save", stop_after_one)
        fine_tune(start, settings, tmp_path, tmp_path / "stopped")
    stopped = fine_tune(start, settings, tmp_path, tmp_path / "stopped")
    first, second, untrained = (read_network(path).state_dict() for path in (whole, stopped, start))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], untrained[name]) for name in first)
    with pytest.raises(ChangedSettings, match="seed.*3.*4"):
        fine_tune(start, dataclasses.replace(settings, seed=4), tmp_path, tmp_path / "stopped")


def test_flow_of_enlarged_frames_comes_back_in_px_of_the_frame():
    flow = torch.full((1, 2, 16 * raft_training.SCALE, 16 * raft_training.SCALE), 3.0)
    expected = torch.full((1, 2, 16, 16), 3.0 / raft_training.SCALE)
    torch.testing.assert_close(raft_training._to_frame(flow), expected)


def test_arms_differ_in_their_data_alone(tmp_path):
    a, b = (first_claim.compact_config(arm, 1, tmp_path, 40).model_dump() for arm in "ab")
    assert {key for key in a if a[key] != b[key]} == {"data_fractions"} and not a["loss_weights"]
    assert a["data_fractions"] == {"generic": 1.0} and "pool" in b["data_fractions"]


class TwoPairs:
    """A source of pairs whose face moves by (0.3, 0.4) px."""

    def __init__(self):
        self.made = 0

    def pairs(self, size, count, seed, still):
        for _ in range(count):
            self.made += 1
            frame, mask = np.full((size, size, 3), 100, np.uint8), np.zeros((size, size), bool)
            mask[:, : size // 2] = True
            flow = np.where(mask[..., None], (0.3, 0.4), 50).astype(np.float32)
            yield BenchmarkPair(frame, frame, flow, mask, 0.5, "test")


def test_errors_are_those_on_the_face_and_taken_once(tmp_path):
    source = TwoPairs()
    pairs = MeasuredPairs(tmp_path, {"rendered": source}, seed=1, count=2, size=16)
    for _ in range(2):
        pairs.add("zero", ZERO_FLOW)
    errors = pairs.errors()
    assert source.made == 2 and len(errors) == 2
    assert errors["epe"].tolist() == pytest.approx([0.5, 0.5])


def test_the_page_gives_both_changes():
    epe = {"zero": 0.5, "raft-released-x1": 0.3, "raft-released-x2": 0.2}
    epe |= {f"raft-a-{seed}": 0.1 + 0.01 * seed for seed in range(3)}
    epe |= {f"raft-b-{seed}": 0.05 + 0.005 * seed for seed in range(3)}
    epe |= {"raft-a-3": 9.0}  # its sister is not trained yet
    rows = [
        (kind, pair, name, value, 0.0)
        for kind in first_claim_page.TITLES for pair in range(4) for name, value in epe.items()
    ]  # fmt: skip
    errors = pd.DataFrame(rows, columns=["kind", "pair", "network", "epe", "gradient_error"]).assign(
        weights=""
    )
    development = errors[errors["network"].str.contains("released")]
    trained = pd.DataFrame({"network": ["raft-a-0", "raft-b-0"], "step": 300, "seconds": 120.0})
    pool = ["00000.npz", "00001.npz", "scanned-00000.npz"]
    text = first_claim_page.page(development, errors, trained, pool)
    assert "-50 % (-50 to -50)" in text
    assert "73 % less" in text and "3 pairs of rendered people instead, 1 of" in " ".join(text.split())
    assert "input x2" in text
    assert "| RAFT-small, (b) generic set and splat faces | 300, 2.0 | 0.0550 ± 0.0050 (-73 %) |" in text
    assert "| RAFT-small | rendered people | -50, -50, -50 | -50 (-50 to -50) |" in text
    assert "compact network, (a)" not in text and "0.5081 -> 0.2953" in text
