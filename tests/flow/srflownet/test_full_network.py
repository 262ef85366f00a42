"""The network as published: its parts, its size, and what it does with any frame."""

import numpy as np
import pytest
import skimage.data
import torch

from flow.srflownet import correlation
from flow.srflownet.skflow import SRFlowNet, convex_upsample
from flow.srflownet.tiled import estimate_tiled

# Counted by hand from SKFlow's published layers (see flow/srflownet/skflow.py for the source).
PUBLISHED = {
    "fnet": 1_066_848,
    "cnet": 1_069_728,
    "attention": 114_432,
    "update.encoder": 1_872_826,
    "update.aggregator": 16_385,
    "update.gru": 1_569_408,
    "update.flow_head": 120_322,
    "update.mask": 443_200,
}


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return SRFlowNet(iterations=2).eval()


@pytest.mark.parametrize("part", PUBLISHED)
def test_each_part_has_the_published_size(network, part):
    assert sum(p.numel() for p in network.get_submodule(part).parameters()) == PUBLISHED[part]


def test_the_whole_has_the_published_size(network):
    assert sum(p.numel() for p in network.parameters()) == 6_273_149


@torch.no_grad()
def test_any_size_gives_a_motion_of_that_size_after_every_iteration(network):
    onset, apex = torch.rand(2, 2, 3, 67, 90) * 255
    predictions = network(onset, apex)
    assert [p.shape for p in predictions] == [(2, 2, 67, 90)] * 2
    assert torch.isfinite(predictions[-1]).all()


@torch.no_grad()
def test_a_motion_to_start_from_is_where_it_starts(network):
    onset, apex = torch.rand(2, 1, 3, 64, 64) * 255
    start = torch.full((1, 2, 64, 64), 40.0)
    away = network(onset, apex, start)[0] - network(onset, apex)[0]
    assert away[..., 16:-16, 16:-16].mean() == pytest.approx(40, abs=8)


@torch.no_grad()
def test_half_precision_stays_near(network):
    onset, apex = torch.rand(2, 1, 3, 64, 64) * 255
    with torch.autocast("cpu", torch.bfloat16):
        half = network(onset, apex)[-1].float()
    full = network(onset, apex)[-1]
    assert (half - full).abs().mean() < 0.1 * full.abs().mean() + 0.05


@torch.no_grad()
def test_without_the_volume_the_motion_is_the_same(network, monkeypatch):
    onset, apex = torch.rand(2, 1, 3, 64, 80) * 255
    kept = network(onset, apex)[-1]
    monkeypatch.setattr(correlation, "MAX_VOLUME_BYTES", 0)
    assert torch.allclose(network(onset, apex)[-1], kept, atol=1e-3)


@torch.no_grad()
def test_tiles_join_without_seams(network):
    """Each tile normalises by itself, so tiles differ a little from the whole.

    But nowhere do they break off.
    """
    picture = torch.from_numpy(skimage.data.cat().astype(np.float32)).permute(2, 0, 1)[None]
    onset, apex = picture[..., 60:188, 60:316], picture[..., 61:189, 62:318]
    whole = network(onset, apex)[-1]
    tiled = estimate_tiled(network, onset, apex, tile=160, overlap=96)
    cut = torch.cat(
        [network(onset[..., part], apex[..., part])[-1] for part in (slice(128), slice(128, 256))], dim=-1
    )

    def seam(flow):
        """The largest break between two columns, mean over rows, that the whole does not have."""
        apart = flow - whole
        return (apart[..., 1:] - apart[..., :-1]).abs().mean(dim=(0, 1, 2)).max()

    assert (tiled - whole).abs().mean() < 0.05 * whole.abs().mean()
    assert seam(tiled) < 0.04 < 0.15 < seam(cut)


def test_every_trained_weight_gets_a_gradient():
    torch.manual_seed(0)
    network = SRFlowNet(iterations=2)
    # At its start of 0 nothing flows back through the attention.
    torch.nn.init.ones_(network.update.aggregator.gamma)
    onset, apex = torch.rand(2, 1, 3, 64, 64) * 255
    sum(p.square().mean() for p in network(onset, apex)).backward()
    idle = [
        name
        for name, p in network.named_parameters()
        if p.requires_grad and (p.grad is None or not p.grad.any())
    ]
    # instance normalisation takes away the mean, and so the bias of the convolution before it
    assert [name for name in idle if not (name.startswith("fnet") and name.endswith("bias"))] == []


def test_upsampling_with_equal_weights_is_the_mean_of_nine_cells_in_px():
    flow = torch.zeros(1, 2, 3, 3)
    flow[0, 0, 1, 1] = 9.0
    fine = convex_upsample(flow, torch.zeros(1, 576, 3, 3))
    assert fine.shape == (1, 2, 24, 24)
    assert torch.allclose(fine[0, 0, 8:16, 8:16], torch.tensor(8.0)) and not fine[0, 1].any()


def test_upsampling_weights_belong_to_their_own_pixel():
    """Weight number 9 * 0 + centre ... of sub-pixel (row 1, column 2) goes to that pixel of each cell."""
    flow = torch.arange(9.0).reshape(1, 1, 3, 3).repeat(1, 2, 1, 1)
    mask = torch.zeros(1, 9, 8, 8, 3, 3)
    mask[:, 4] = 100.0  # the centre cell alone
    mask[:, 4, 1, 2], mask[:, 5, 1, 2] = 0.0, 100.0  # but for one pixel, the cell to the right
    fine = convex_upsample(flow, mask.reshape(1, 576, 3, 3))
    assert fine[0, 0, 8 + 1, 8 + 2] == pytest.approx(8 * 5) and fine[0, 0, 8 + 2, 8 + 1] == pytest.approx(
        8 * 4
    )
