"""The kernel that trains all folds of STSTNet against the same in torch: equal gradients, whatever the clips
and the threads.
"""

import pytest
import torch

from mer.classifiers.ststnet import Net
from mer.classifiers.ststnet.folds import TorchGradients
from mer.classifiers.ststnet.kernel import Kernel

FOLDS, CLIPS = 5, 7


@pytest.fixture
def threads():
    """Set the number of threads for one test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def problem(height=28, width=28, classes=3, x=None):
    """Clips far from zero, networks that differ from fold to fold, and fractions of which some are zero."""
    torch.manual_seed(0)
    x = torch.randn(CLIPS, 3, height, width) * 2 + 5 if x is None else x
    start = Net(3, height, width, classes).named_parameters()
    parameters = {name: value.detach() + 0.1 * torch.randn(FOLDS, *value.shape) for name, value in start}
    share = torch.rand(FOLDS, CLIPS)
    share[0, 2] = share[3] = 0
    means, scales = 5 + 0.1 * torch.randn(FOLDS, 1, 3, 1, 1), 2 + 0.1 * torch.rand(FOLDS, 1, 3, 1, 1)
    return (
        x,
        parameters,
        torch.arange(CLIPS) % classes,
        torch.randperm(CLIPS)[:6],
        share[:, :6].contiguous(),
        means,
        scales,
    )


def gradients(laid_out, parameters, *batch):
    leaves = {name: value.clone().requires_grad_() for name, value in parameters.items()}
    laid_out.backward(leaves, *batch)
    return {name: value.grad for name, value in leaves.items()}


def assert_equal(x, *batch):
    kernel, reference = (
        gradients(Kernel(x), *batch),
        gradients(TorchGradients(x, torch.device("cpu")), *batch),
    )
    for name, expected in reference.items():
        assert expected.any(), name
        assert torch.allclose(kernel[name], expected, atol=1e-5 * expected.abs().max().item(), rtol=1e-4), (
            name
        )


@pytest.mark.parametrize(
    "size", [(28, 28), (12, 12), (13, 29), (14, 17), (15, 24), (30, 31)]
)  # every remainder by 3, cells that leave windows over
@pytest.mark.parametrize("classes", [3, 7])
def test_gradients_are_those_of_torch(size, classes):
    assert_equal(*problem(*size, classes))


@pytest.mark.parametrize("value", [0.0, 5.0])
def test_even_areas(value):
    x = torch.full((CLIPS, 3, 28, 28), value)
    x[3:, :, 9:20, 9:20] = torch.randn(CLIPS - 3, 3, 11, 11)
    assert_equal(*problem(x=x))


def test_of_positions_that_tie_the_first_wins_as_in_torch():
    x, parameters, *batch = problem()
    parameters["streams.weight"][:] = 0
    parameters["streams.bias"][:] = 1
    assert_equal(x, parameters, *batch)


def test_what_relu_stops_changes_nothing():
    x, parameters, *batch = problem()
    parameters["streams.bias"][0] = -1000.0
    found = gradients(Kernel(x), parameters, *batch)
    assert not found["streams.weight"][0].any() and not found["head.weight"][0].any()
    assert found["head.bias"][0].any() and found["streams.weight"][1].any()
    assert_equal(x, parameters, *batch)


def test_a_sum_of_exactly_zero_is_stopped_as_in_torch():
    x, parameters, *batch = problem()
    parameters["streams.weight"][:, :8] = 0
    parameters["streams.bias"][:, :8] = 0
    assert_equal(x, parameters, *batch)
    assert not gradients(Kernel(x), parameters, *batch)["streams.bias"][:, :8].any()


def test_a_clip_with_no_share_cannot_reach_a_fold():
    x, parameters, labels, clips, share, *rest = problem()
    share[2, 4] = 0
    before = gradients(Kernel(x), parameters, labels, clips, share, *rest)
    x[clips[4]] *= -1000
    after = gradients(Kernel(x), parameters, labels, clips, share, *rest)
    for name in before:
        assert torch.equal(before[name][2], after[name][2]) and not torch.equal(
            before[name][1], after[name][1]
        )


def test_the_number_of_threads_changes_nothing(threads):
    x, *batch = problem()
    found = []
    for number in (1, 2, FOLDS + 2):
        threads(number)
        found.append(gradients(Kernel(x), *batch))
    for name, value in found[0].items():
        assert torch.equal(value, found[1][name]) and torch.equal(value, found[2][name])
