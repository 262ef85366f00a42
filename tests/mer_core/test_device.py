"""The device of networks: the choice of `auto`, and the error for an unavailable device."""

import pytest

from mer_core.device import DeviceUnavailable, choose_device, full_precision
from mer_core.errors import BadSetting

torch = pytest.importorskip("torch")


def pretend(monkeypatch, cuda=False, mps=False):
    """Let torch say that it can use these devices."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    "asked, there, taken",
    [
        ("auto", {}, "cpu"),
        ("auto", {"cuda": True}, "cuda"),
        ("auto", {"mps": True}, "cpu"),  # unmeasured, so only by name
        ("cpu", {"cuda": True}, "cpu"),
        ("cuda", {"cuda": True}, "cuda"),
        ("mps", {"mps": True}, "mps"),
    ],
)
def test_a_name_means_this_device(monkeypatch, asked, there, taken):
    pretend(monkeypatch, **there)
    assert choose_device(asked) == torch.device(taken)


@pytest.mark.parametrize("asked", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_by_its_name(monkeypatch, asked):
    pretend(monkeypatch)
    with pytest.raises(DeviceUnavailable, match=f"--device {asked}") as caught:
        choose_device(asked)
    assert caught.value.code == "device-unavailable"


def test_another_name_is_refused():
    with pytest.raises(BadSetting, match="tpu"):
        choose_device("tpu")


def test_cuda_convolves_in_whole_float32_and_afterwards_as_before():
    before = torch.backends.cudnn.allow_tf32
    with full_precision("cuda"):
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32 == before
