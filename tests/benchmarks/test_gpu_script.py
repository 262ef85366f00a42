"""The script for a GPU, each part at a tiny size on the CPU."""

import pandas as pd
import pytest
import torch
from click.testing import CliRunner

from benchmarks import gpu
from flow.srflownet.train_config import TrainConfig


def test_without_a_card_every_part_says_why(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    answer = CliRunner().invoke(gpu.main, ["--out", str(tmp_path)], catch_exceptions=False)
    page = (tmp_path / "gpu.md").read_text()
    assert answer.exit_code == 0 and page.count("Skipped: ") == page.count("\n## ") == 5


def test_a_part_that_fails_ends_no_other(tmp_path):
    def fail():
        raise ValueError("no kernel image")

    def skip():
        raise gpu.Skipped("no gsplat")

    page = gpu.run({"one": fail, "two": skip, "three": lambda: "measured"}, tmp_path / "gpu.md")
    assert "Failed: ValueError: no kernel image" in page and "Skipped: no gsplat" in page
    assert "measured" in page and (tmp_path / "gpu.md").read_text() == page


def test_pairs_per_second_are_measured(monkeypatch):
    monkeypatch.setattr(gpu, "ROUNDS", 2)
    page = gpu.flow_speeds("cpu", gpu.ROWS[:1], [(64, 80, 2)])
    assert "64x80, 2 a call" in page and float(page.splitlines()[-1].split("|")[2]) > 0


def test_what_does_not_fit_is_said(monkeypatch):
    def full(*_, **__):
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr(gpu, "estimate_batch", full)
    assert "out of memory" in gpu.flow_speeds("cpu", gpu.ROWS[:1], [(64, 80, 2)])


def test_the_flow_of_a_device_is_compared_with_that_of_the_cpu():
    assert "mean 0.000000 px" in gpu.flow_agreement("cpu", size=96, count=1)


def test_the_folds_of_both_devices_are_compared():
    page = gpu.folds_together("cpu", subjects=3, clips=12, epochs=1)
    assert page.count("0.0e+00") == 2 and "NOT" not in page


def test_gsplat_is_skipped_where_it_is_not_there(monkeypatch):
    monkeypatch.setattr(gpu.gsplat_backend, "available", lambda: False)
    with pytest.raises(gpu.Skipped, match="gsplat"):
        gpu.blends()


def test_the_first_steps_leave_a_curve(tmp_path):
    tiny = TrainConfig(
        network_settings={"width": 16},
        data_fractions={"splat": 1.0},
        frame_size_px=64,
        batch_size=1,
        steps=2,
        report_every=1,
    )
    text = gpu.first_steps(tmp_path, 120, "cpu", tiny)
    curve = pd.read_csv(tmp_path / "loss.csv")
    assert list(curve["step"]) == [1, 2] and "2 of 2 steps" in text
    assert (tmp_path / "loss.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("seconds, why", [(0.1, "no step"), (-1, "all the time")])
def test_a_training_without_a_step_is_skipped_not_drawn(tmp_path, seconds, why):
    with pytest.raises(gpu.Skipped, match=why):
        gpu.first_steps(tmp_path, seconds, "cpu", TrainConfig(steps=10**6))
    assert not list(tmp_path.iterdir())
