"""Training: interrupted it ends with the same bits, many processes do what one does, settings are kept."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from flow import srflownet
from flow.srflownet import train as training
from flow.srflownet import validation
from flow.srflownet.data import generic
from flow.srflownet.train import TrainConfig, load_config, train
from mer_core.errors import BadSetting, ChangedSettings, UnreadableFile

TINY = {
    "network_settings": {"width": 16},
    "frame_size_px": 64,
    "batch_size": 2,
    "steps": 4,
    "save_every": 2,
    "report_every": 2,
}
ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def few_textures(monkeypatch):
    monkeypatch.setattr(generic, "N_TEXTURES", 4)


def same(first, second):
    first, second = load_file(first), load_file(second)
    return all(torch.equal(first[name], second[name]) for name in first)


def test_an_interrupted_training_ends_with_the_same_bits(tmp_path, monkeypatch):
    config = TrainConfig(**TINY, loss_weights={"gradient": 0.5})
    whole = train(config, tmp_path / "whole", device="cpu")

    class Interrupted(Exception):
        pass

    save = training._save

    def save_and_stop(*arguments):
        save(*arguments)
        raise Interrupted

    monkeypatch.setattr(training, "_save", save_and_stop)
    with pytest.raises(Interrupted):
        train(config, tmp_path / "parts", device="cpu")
    monkeypatch.setattr(training, "_save", save)
    assert not same(whole, tmp_path / "parts/weights.safetensors")
    assert same(whole, train(config, tmp_path / "parts", device="cpu"))


def test_workers_do_not_change_the_result(tmp_path):
    alone = train(TrainConfig(**TINY | {"steps": 2}), tmp_path / "a", device="cpu")
    assert same(
        alone, train(TrainConfig(**TINY | {"steps": 2, "n_workers": 1}), tmp_path / "b", device="cpu")
    )


def test_two_processes_do_what_one_does(tmp_path):
    config = TINY | {
        "steps": 3,
        "precision": "fp32",
        "grad_clip_norm": 1e9,
        "learning_rate": 1e-2,
        "ema_decay": 0.0,
    }
    alone = load_file(train(TrainConfig(**config), tmp_path / "one", device="cpu"))
    half = load_file(train(TrainConfig(**config | {"batch_size": 1}), tmp_path / "half", device="cpu"))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    lines = (
        "import sys, flow.srflownet.data.generic as g",
        "g.N_TEXTURES = 4",
        "from flow.srflownet.train import train",
        "train(*sys.argv[1:], device='cpu')",
    )
    (tmp_path / "run.py").write_text("\n".join(lines))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    arguments = [str(tmp_path / "run.py"), str(tmp_path / "config.yaml"), str(tmp_path / "two")]
    subprocess.run([*command, *arguments], check=True, env=environment, capture_output=True, timeout=120)
    together = load_file(tmp_path / "two/weights.safetensors")
    # Adam's first steps follow the sign of a gradient, so where it is nothing but rounding the two may part.
    assert _agreeing(alone, together) > 0.97 and _agreeing(alone, half) < 0.9


def _agreeing(first, second):
    """The fraction of weights that are the same but for rounding."""
    apart = torch.cat([(first[name] - second[name]).abs().flatten() for name in first])
    return float((apart < 1e-4).float().mean())


def test_sizes_take_turns_and_larger_frames_come_in_fewer(tmp_path):
    config = TrainConfig(**TINY | {"frame_size_px": [64, 96, 128], "batch_size": 4, "steps": 3})
    shapes = [
        tuple(pairs[0].shape) for pairs in training._batches(config, training.TrainingProcess("cpu"), 0)
    ]
    assert shapes == [(4, 3, 64, 64), (2, 3, 96, 96), (1, 3, 128, 128)]
    (after_one, *_) = training._batches(config, training.TrainingProcess("cpu"), 1)
    assert after_one[0].shape[-1] == 96  # going on keeps the turn


def test_the_average_keeps_its_share():
    network = torch.nn.Linear(1, 1)
    torch.nn.init.constant_(network.weight, 3.0)
    average = {name: torch.ones_like(tensor) for name, tensor in network.state_dict().items()}
    training._update_average(average, network, keep=0.75)
    assert average["weight"].item() == pytest.approx(0.75 * 1 + 0.25 * 3)


def test_a_training_learns(tmp_path):
    """On one pair again and again the error falls."""
    config = TrainConfig(
        **TINY
        | {
            "steps": 12,
            "learning_rate": 2e-3,
            "report_every": 4,
            "data_fractions": {"generic": 1.0},
            "motion_range_px": (1.0, 2.0),
        }
    )
    one = generic.GenericPairs(0, 64, peak=(1.0, 2.0))[3]
    original = training.TrainingPairs.__getitem__

    class Same:
        def __getitem__(self, index):
            return one

    def same_pair(self, index):
        self.pairs = {64: Same()}
        return original(self, index)

    training.TrainingPairs.__getitem__ = same_pair
    try:
        train(config, tmp_path, device="cpu")
    finally:
        training.TrainingPairs.__getitem__ = original
    errors = [
        float(line.split(",")[2])
        for line in (tmp_path / "log.csv").read_text().splitlines()
        if ",loss," in line
    ]
    assert len(errors) == 3 and errors[-1] < 0.9 * errors[0]


def test_the_full_network_trains_with_every_loss(tmp_path):
    losses = {"mask": 0.2, "gradient": 0.5, "total_variation": 0.01, "flow_difference": 0.2}
    settings = TINY | {
        "network": "full",
        "network_settings": {"iterations": 2},
        "steps": 2,
        "gradient_operator": "sobel",
        "ema_decay": 0.0,
    }
    weights = load_file(train(TrainConfig(**settings, loss_weights=losses), tmp_path, device="cpu"))
    torch.manual_seed(0)
    start = srflownet.build_network("full", iterations=2).state_dict()
    assert (
        weights["update.flow_head.ffn2.2.weight"] - start["update.flow_head.ffn2.2.weight"]
    ).abs().max() > 1e-6


def test_validation_is_logged_when_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(validation, "benchmark_errors", partial(validation.benchmark_errors, sizes=(64,)))
    train(TrainConfig(**TINY, validate_every=3, n_validation_pairs=1), tmp_path, device="cpu")
    lines = [line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines()]
    found = {(int(step), name): float(value) for step, name, value in lines if name.endswith("_64")}
    assert set(found) == {(step, name) for step in (3, 4) for name in ("epe_64", "still_64")}
    assert found[4, "epe_64"] != found[3, "epe_64"] and 0 < found[4, "still_64"] < 1


def test_changed_settings_are_refused_by_name(tmp_path):
    train(TrainConfig(**TINY | {"steps": 2}), tmp_path, device="cpu")
    with pytest.raises(ChangedSettings, match="learning_rate"):
        train(TrainConfig(**TINY | {"steps": 2, "learning_rate": 1e-5}), tmp_path, device="cpu")


def test_training_starts_from_given_weights(tmp_path):
    train(TrainConfig(**TINY | {"steps": 2}), tmp_path / "a", device="cpu")
    config = TrainConfig(
        **TINY | {"steps": 2, "learning_rate": 1e-12, "weight_decay": 0.0}, init_weights=str(tmp_path / "a")
    )
    b = load_file(train(config, tmp_path / "b", device="cpu"))
    for name, tensor in load_file(tmp_path / "a/weights.safetensors").items():
        assert torch.allclose(tensor, b[name], atol=1e-6)


def test_tensorboard_gets_scalars_and_pictures(tmp_path):
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(TrainConfig(**TINY | {"steps": 2}), tmp_path, device="cpu", tracker="tensorboard")
    events = EventAccumulator(str(tmp_path)).Reload()
    assert {"loss", "epe", "learning_rate"} <= set(events.Tags()["scalars"])
    assert {"onset", "apex", "flow", "truth"} <= set(events.Tags()["images"])


def test_mlflow_gets_settings_and_numbers_and_a_continued_training_keeps_its_run(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    save, out = training._save, tmp_path / "training"

    def save_and_stop(*arguments):
        save(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "_save", save_and_stop)
        train(TrainConfig(**TINY), out, device="cpu", tracker="mlflow")
    mlflow.end_run()
    train(TrainConfig(**TINY), out, device="cpu", tracker="mlflow")
    (found,) = mlflow.search_runs(output_format="list")
    assert found.info.status == "FINISHED" and found.data.params["network_settings.width"] == "16"
    history = mlflow.MlflowClient().get_metric_history(found.info.run_id, "loss")
    assert [metric.step for metric in history] == [2, 4]


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("flow-*.yaml")), ids=lambda p: p.stem)
def test_every_training_configuration_in_the_repository_is_valid(path):
    config = load_config(path)
    assert set(config.loss_weights) <= {"mask", "gradient", "total_variation", "flow_difference"}


def test_an_unknown_key_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_text("stepz: 3\n")
    with pytest.raises(BadSetting, match="stepz.*steps"):
        load_config(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    "text, error", [("a: [", UnreadableFile), ("- 1", BadSetting), ("steps: many", BadSetting)]
)
def test_what_is_not_a_configuration_is_refused_by_name(tmp_path, text, error):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(error, match=r"a\.yaml"):
        load_config(tmp_path / "a.yaml")
