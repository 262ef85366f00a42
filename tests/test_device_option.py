"""Every command that runs a network takes --device, and no network depends on it."""

from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from flow import estimate
from flow.methods import _batches, srflownet
from mer.cli.main import cli
from mer.evaluation.config import load_config
from mer.inference import models
from mer_core import registry
from mer_core.device import DEVICES, DeviceUnavailable

torch = pytest.importorskip("torch")
COMMANDS = ("cv", "train", "score", "spot", "app", "flow estimate", "flow benchmark", "flow train")


def option(words: str):
    """The option --device of a command."""
    found = cli
    for word in words.split():
        found = found.commands[word]
    (device,) = [param for param in found.params if param.name == "device"]
    return device


@pytest.mark.parametrize("words", COMMANDS)
def test_the_command_takes_the_four_names_and_auto_by_default(words):
    assert tuple(option(words).type.choices) == DEVICES
    assert option(words).default == "auto" or "[default: auto]" in option(words).help


@pytest.mark.parametrize("words", COMMANDS)
def test_a_device_that_is_not_there_is_said_before_the_work(monkeypatch, tmp_path, words):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    answer = CliRunner().invoke(cli, [*words.split(), "--device", "cuda"])
    assert isinstance(answer.exception, DeviceUnavailable)


def test_what_is_typed_wins_over_the_configuration(tmp_path):
    (tmp_path / "c.yaml").write_text("device: cpu\n")
    assert load_config().device == "auto"
    assert load_config(tmp_path / "c.yaml", {"device": "mps"}).device == "mps"


def test_a_network_is_loaded_for_the_device_and_a_classical_method_for_the_cpu(monkeypatch):
    asked = []
    for network in (True, False):
        load = lambda device="cpu": asked.append(device)  # noqa: E731
        module = SimpleNamespace(load=load, NETWORK=network)
        monkeypatch.setattr(registry, "load", lambda package, name, module=module: module)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        assert estimate.load_method("made").device == asked[-1]
    assert asked == ["cuda", "cpu"]


def test_the_compact_network_is_taken_unless_the_full_one_is_asked_for():
    assert (
        srflownet._default_weights("auto")
        == srflownet._default_weights("compact")
        != srflownet._default_weights("full")
    )


def test_the_device_of_clips_is_kept_apart_in_memory(monkeypatch):
    monkeypatch.setattr("flow.estimate.load_method", lambda name, device, **options: (name, device))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    models._load_method.cache_clear()
    try:
        for device in ("cpu", "cuda"):
            models.use_device(device)
            assert models.get_method("made", {}) == ("made", device)
    finally:
        models.use_device("auto")
        models._load_method.cache_clear()


def test_a_batch_that_does_not_fit_is_halved_and_no_pair_is_lost(monkeypatch):
    monkeypatch.setitem(_batches.MAX_BATCH_PIXELS, "cpu", 8)
    sizes = []

    def run(part):
        values = np.arange(11, dtype=np.float32)[part]
        if len(values) > 3:
            raise torch.OutOfMemoryError("full")
        sizes.append(len(values))
        return np.broadcast_to(values[:, None, None, None], (len(values), 1, 1, 2))

    flow = _batches.estimate_in_batches(run, 11, 1, "cpu")
    assert sizes == [2, 2, 2, 2, 2, 1] and flow[:, 0, 0, 0].tolist() == list(range(11))


def test_one_pair_that_does_not_fit_is_an_error():
    def run(part):
        raise torch.OutOfMemoryError("full")

    with pytest.raises(torch.OutOfMemoryError):
        _batches.estimate_in_batches(run, 1, 1, "cpu")
