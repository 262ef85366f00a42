"""Weights on disk: what comes back, and what is refused."""

import pytest
import torch

from flow import srflownet
from flow.methods.srflownet import WEIGHTS_FOLDER
from mer_core.errors import UnreadableFile


def test_frozen_weights_come_back_within_half_precision(tmp_path):
    torch.manual_seed(0)
    network = srflownet.build_network("compact", width=16)
    srflownet.save_weights(
        tmp_path / "a.safetensors", network.state_dict(), "compact", {"width": 16}, "step 3 of 9"
    )
    srflownet.write_half_precision(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    back = srflownet.load_network(tmp_path / "b.safetensors")
    assert not back.training
    for name, tensor in network.state_dict().items():
        assert torch.allclose(back.state_dict()[name], tensor, rtol=1e-3, atol=1e-6)
    assert (tmp_path / "b.safetensors").stat().st_size < 0.6 * (tmp_path / "a.safetensors").stat().st_size


def test_weights_of_another_network_are_refused(tmp_path):
    srflownet.save_weights(
        tmp_path / "a.safetensors",
        srflownet.build_network("compact", width=16).state_dict(),
        "compact",
        {"width": 32},
    )
    with pytest.raises(UnreadableFile):
        srflownet.load_network(tmp_path / "a.safetensors")


def test_an_older_file_fills_the_parts_that_it_has(tmp_path):
    network, older = (
        srflownet.build_network("compact", width=16),
        srflownet.build_network("compact", width=16).state_dict(),
    )
    kept = {name: torch.ones_like(tensor) for name, tensor in older.items() if name.startswith("coarse.")}
    srflownet.save_weights(tmp_path / "a.safetensors", kept, "compact", {"width": 16})
    before = network.fine.head.weight.clone()
    srflownet.load_matching_weights(network, tmp_path / "a.safetensors")
    assert (network.coarse.head.weight == 1).all() and torch.equal(network.fine.head.weight, before)
    srflownet.save_weights(tmp_path / "b.safetensors", {"other": torch.ones(2)}, "compact", {"width": 16})
    with pytest.raises(UnreadableFile):
        srflownet.load_matching_weights(network, tmp_path / "b.safetensors")


def test_a_file_that_names_no_network_is_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, str(tmp_path / "a.safetensors"))
    with pytest.raises(UnreadableFile):
        srflownet.load_network(tmp_path / "a.safetensors")
    (tmp_path / "b.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(UnreadableFile):
        srflownet.load_network(tmp_path / "b.safetensors")


@pytest.mark.parametrize("path", sorted(WEIGHTS_FOLDER.glob("srflownet-*.safetensors")), ids=lambda p: p.stem)
def test_every_frozen_file_is_small_has_a_card_and_builds(path):
    assert path.stat().st_size <= 16 * 1024**2
    assert path.with_suffix(".md").is_file()
    assert all(torch.isfinite(p).all() for p in srflownet.load_network(path).parameters())
