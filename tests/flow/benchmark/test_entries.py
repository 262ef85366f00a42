"""What the benchmark measures: methods, their settings, and user-supplied weights."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import flow
from flow.benchmark.entries import ZERO_FLOW, BenchmarkEntry, benchmark_entries
from flow.estimate import load_method
from mer.cli.main import cli
from mer_core import progress
from mer_core.errors import BadInput, BadSetting


def test_labels_say_what_differs_from_the_methods_own_settings():
    assert BenchmarkEntry(load_method("dis")).label == "dis"
    assert (
        BenchmarkEntry(load_method("tvl1", preset="opencv"), False).label
        == "tvl1 (preset=opencv, brightness not matched)"
    )


def test_a_name_brings_the_usual_settings_along():
    assert [row.label for row in benchmark_entries(["dis", "farneback"])] == [
        "zero",
        "dis (preset=medium)",
        "dis",
        "farneback",
    ]


def test_all_methods_run_but_those_without_weights(capsys):
    progress.set_verbosity()
    labels = [row.label for row in benchmark_entries()]
    assert labels[0] == ZERO_FLOW.name
    assert {"dis", "tvl1", "tvl1 (preset=opencv, brightness not matched)"} <= set(labels)
    assert "raft" not in labels and "Skipping raft" in capsys.readouterr().err
    with pytest.raises(BadSetting, match="raft needs"):
        benchmark_entries(["raft"])


def test_unreadable_weights_are_an_error_even_if_no_method_was_chosen(tmp_path):
    (tmp_path / "notes.pth").write_text("no weights")
    with pytest.raises(BadInput, match="notes.pth"):
        benchmark_entries(weights=tmp_path / "notes.pth")


def test_among_several_methods_the_weights_are_those_of_raft(tmp_path):
    import torch
    from safetensors.torch import save_file
    from torchvision.models.optical_flow import raft_small

    torch.manual_seed(0)
    save_file(raft_small().state_dict(), tmp_path / "raft.safetensors")
    labels = [
        row.label for row in benchmark_entries(["dis", "raft", "srflownet"], tmp_path / "raft.safetensors")
    ]
    raft = ["raft (weights=raft.safetensors, scale=1.0)", "raft (weights=raft.safetensors)"]
    assert labels == ["zero", "dis (preset=medium)", "dis", *raft, "srflownet"]


def test_weights_of_ones_own_can_be_measured_and_belong_to_one_method(tmp_path):
    own = Path(
        shutil.copy(
            Path(flow.__file__).parent / "weights" / "srflownet-compact.safetensors",
            tmp_path / "mine.safetensors",
        )
    )
    assert [row.label for row in benchmark_entries(["srflownet"], own)] == [
        "zero",
        "srflownet (weights=mine.safetensors)",
    ]
    with pytest.raises(BadSetting):
        benchmark_entries(["srflownet", "dis"], own)
    words = [
        "flow",
        "benchmark",
        "--method",
        "srflownet",
        "--weights",
        str(own),
        "--size",
        "64",
        "--pairs",
        "1",
        "--out",
        str(tmp_path / "out"),
    ]
    answer = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert (
        "--method srflownet --weights mine.safetensors" in answer.output
        and "| srflownet (weights=mine.safetensors) |" in answer.output
    )
