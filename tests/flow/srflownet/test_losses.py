"""Each loss on a motion small enough to work out by hand."""

import pytest
import torch

from flow.srflownet import losses


def motion(u, v=None):
    u = torch.tensor(u, dtype=torch.float32)
    v = torch.zeros_like(u) if v is None else torch.tensor(v, dtype=torch.float32)
    return torch.stack([u, v])[None]


ALL = torch.ones(1, 1, 2, 3)
LEFT = torch.tensor([[1.0, 1, 0], [1, 1, 0]])[None, None]
U = motion([[0.0, 1, 3], [0, 1, 3]])  # slopes to the right 1 and 2, none down
REST = torch.zeros(1, 2, 2, 3)


def test_sequence_weights_later_steps_more_and_small_motion_more():
    truth = torch.zeros(1, 2, 2, 2)
    truth[:, 0] = 0.3
    predictions = [torch.zeros(1, 2, 1, 1), truth + torch.tensor([0.0, 0.4])[None, :, None, None]]
    # errors 0.3 (on a coarser grid) and 0.4, both over sqrt(0.1 + 0.3); the first weighs 0.5
    expected = (0.5 * 0.3 + 0.4) / 0.4**0.5
    assert losses.sequence_loss(predictions, truth, gamma=0.5) == pytest.approx(expected, abs=1e-4)


def test_a_power_below_one_gives_small_errors_more_weight():
    truth = torch.full((1, 2, 1, 1), 0.3)
    loss = lambda error, power: float(
        losses.sequence_loss([truth + torch.tensor([error, 0])[None, :, None, None]], truth, exponent=power)
    )  # noqa: E731
    assert loss(0.4, 1.0) / loss(0.1, 1.0) == pytest.approx(4, rel=1e-3)
    assert loss(0.4, 0.5) / loss(0.1, 0.5) == pytest.approx((0.41 / 0.11) ** 0.5, rel=1e-3)


def test_mask_loss_is_the_mean_length_along_the_axes_inside():
    assert losses.mask_loss(U, REST, ALL) == pytest.approx((1 + 3) / 3)
    assert losses.mask_loss(U, REST, LEFT) == pytest.approx(1 / 2)
    assert losses.mask_loss(U, REST, 0 * ALL) == 0


def test_gradient_loss_is_the_mean_slope_of_the_error():
    # 16 slopes... to the right: u has |1|, |2| in each of 2 rows and v none: mean 6 / 8; down: none; halved
    assert losses.gradient_loss(U, REST, ALL) == pytest.approx(0.75 / 2)
    assert losses.gradient_loss(U, U + 5, ALL) == 0  # a constant error has no slope
    # The slope of 2 crosses the mask's border.
    assert losses.gradient_loss(U, REST, LEFT) == pytest.approx(0.5 / 2)


def test_sobel_reads_a_ramp_as_its_slope():
    ramp = motion([[0.0, 2, 4]] * 3)
    mask = torch.ones(1, 1, 3, 3)
    assert losses.gradient_loss(ramp, 0 * ramp, mask, "sobel") == pytest.approx((2 + 0) / 2 / 2)
    mask[..., 0, 0] = 0
    assert losses.gradient_loss(ramp, 0 * ramp, mask, "sobel") == 0  # its one place needs all nine pixels


def test_total_variation_sees_the_motion_itself():
    assert losses.total_variation_loss(U, ALL) == pytest.approx(0.75 / 2)
    assert losses.total_variation_loss(U + 7, ALL) == pytest.approx(0.75 / 2)
    assert losses.total_variation_loss(U, LEFT) == pytest.approx(0.5 / 2)


def test_flow_difference_forgives_an_error_shared_by_all():
    assert losses.flow_difference_loss(U + 3, U, ALL) == pytest.approx(0, abs=1e-6)
    bump = motion([[0.0, 0, 0], [0, 9, 0], [0, 0, 0]])
    mask = torch.ones(1, 1, 3, 3)
    # window 3: the mean around the middle is 1, beside it 9/6, in a corner 9/4; |e - mean| = 8, 4 * 1.5, 4 *
    # 2.25
    expected = (8 + 6 + 9) / 9 / 2  # v has none
    assert losses.flow_difference_loss(bump, 0 * bump, mask, window=3) == pytest.approx(expected)
    mask[..., 1, 1] = 0
    assert losses.flow_difference_loss(bump, 0 * bump, mask, window=3) == 0  # what the mask hides is not read


def test_regularisers_add_up_by_weight():
    both = losses.combine_losses({"mask": 2.0, "total_variation": 0.1, "gradient": 0.0})
    expected = 2 * losses.mask_loss(U, REST, ALL) + 0.1 * losses.total_variation_loss(U, ALL)
    assert both(U, REST, ALL) == pytest.approx(float(expected))
    assert losses.combine_losses({})(U, REST, ALL) == 0
