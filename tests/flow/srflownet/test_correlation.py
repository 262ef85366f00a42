"""The correlation volume against its definition, and the version on demand against the volume."""

import torch

from flow.srflownet import correlation
from flow.srflownet.correlation import N_CHANNELS, OnDemandCorrelation, StoredCorrelation


def places(height, width):
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([x, y])[None].float()


def test_on_demand_equals_the_volume():
    torch.manual_seed(0)
    first, second = torch.randn(2, 2, 16, 9, 13)
    at = places(9, 13) + 3 * torch.randn(2, 2, 9, 13)
    found, wanted = OnDemandCorrelation(first, second)(at), StoredCorrelation(first, second)(at)
    assert found.shape == (2, N_CHANNELS, 9, 13)
    assert torch.allclose(found, wanted, atol=1e-5)


def test_values_at_whole_cells_are_the_scaled_products():
    torch.manual_seed(1)
    first, second = torch.randn(2, 1, 4, 10, 10)
    found = StoredCorrelation(first, second)(places(10, 10)).reshape(4, 9, 9, 10, 10)
    right_two_up_one = (first[0, :, 5, 4] * second[0, :, 4, 6]).sum() / 2
    assert torch.allclose(found[0, 4 + 2, 4 - 1, 5, 4], right_two_up_one, atol=1e-5)
    assert found[0, 0, 4, 5, 2] == 0  # four to the left of column 2 lies outside


def test_the_second_level_is_the_mean_of_four():
    torch.manual_seed(2)
    first, second = torch.randn(2, 1, 4, 8, 8)
    at = torch.full((1, 2, 8, 8), 4.0)  # cell (4, 4) is cell (2, 2) of the next level
    found = StoredCorrelation(first, second)(at).reshape(4, 9, 9, 8, 8)
    mean = second[0, :, 4:6, 4:6].mean(dim=(1, 2))
    assert torch.allclose(found[1, 4, 4, 0, 0], (first[0, :, 0, 0] * mean).sum() / 2, atol=1e-5)


def test_a_large_volume_is_not_kept(monkeypatch):
    maps = torch.randn(1, 4, 8, 8)
    assert isinstance(correlation.correlate(maps, maps), StoredCorrelation)
    monkeypatch.setattr(correlation, "MAX_VOLUME_BYTES", 8**4 * 4)
    assert isinstance(correlation.correlate(maps, maps), OnDemandCorrelation)


def test_both_pass_gradients_back_alike():
    torch.manual_seed(3)
    first, second = (torch.randn(1, 4, 8, 8, requires_grad=True) for _ in range(2))
    at = places(8, 8) + 0.3
    gradients = []
    for kind in (StoredCorrelation, OnDemandCorrelation):
        gradients.append(torch.autograd.grad(kind(first, second)(at).square().sum(), (first, second)))
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(*gradients))
