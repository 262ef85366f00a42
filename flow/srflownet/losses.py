"""Losses: end-point error of all predictions, and four facial regularisers.

The paper (arXiv 2601.06479) names mask, gradient (differences or Sobel), total variation and flow difference
losses, but its equations are not public. The forms here are ours, compared by `configs/flow-ablation-*.yaml`.

All take motion (N, 2, H, W) in px and a mask (N, 1, H, W) of 0 and 1, and return one number, averaged inside
the mask.
"""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

SOBEL = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))  # divide by 8
ERROR_FLOOR_PX = 0.01  # bounds the gradient of the loss for exponents below one


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Average `values` (N, C, H, W) over all channels where `mask` (N, 1, H, W) is 1; 0 for an empty mask."""
    return (values * mask).sum() / (mask.sum() * values.shape[1]).clamp(min=1)


def sequence_loss(
    predictions: list[Tensor], truth: Tensor, gamma: float = 0.8, exponent: float = 1.0
) -> Tensor:
    """Sum over steps i of gamma^(n-1-i) mean (|f_i - f|_2 / scale)^exponent, over the whole frame.

    A step that predicts on a coarser grid is compared with the mean of the ground truth over its cells.
    Errors are divided by scale = sqrt(0.1 + mean motion of the pair), so that motions of a tenth of a pixel
    and of ten pixels both count. An exponent below one emphasises small errors over pixels that cannot be
    known, such as occluded ones.

    References
    ----------
    RAFT's sequence loss (Teed and Deng, ECCV 2020), exponent as in PWC-Net's robust loss; the scale is ours.
    """
    scale = (0.1 + truth.norm(dim=1).mean(dim=(1, 2), keepdim=True)).sqrt()
    total = truth.new_zeros(())
    for i, flow in enumerate(predictions):
        target = truth if flow.shape == truth.shape else F.adaptive_avg_pool2d(truth, flow.shape[-2:])
        error = ((flow - target).square().sum(dim=1) + 1e-6).sqrt()
        total = (
            total
            + gamma ** (len(predictions) - 1 - i)
            * ((error + (exponent < 1) * ERROR_FLOOR_PX) / scale).pow(exponent).mean()
        )
    return total


def mask_loss(flow: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over the face of |u - u*| + |v - v*|, which adds weight to the face."""
    return 2 * masked_mean((flow - truth).abs(), mask)


def gradient_loss(flow: Tensor, truth: Tensor, mask: Tensor, operator: str = "difference") -> Tensor:
    """Return the mean of |D(f - f*)| over u, v and both directions.

    D is the forward `difference` or the `sobel` operator. Strain consists of these slopes. A slope counts if
    all of its pixels are inside the mask.
    """
    slopes, inside = _slopes(flow - truth, mask, operator)
    return sum(masked_mean(slope.abs(), where) for slope, where in zip(slopes, inside)) / 2


def total_variation_loss(flow: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of |D f| over u, v and both directions, D the forward difference: skin moves smoothly.

    Unlike the other losses it ignores the ground truth and favours rest, so its weight must be small.
    """
    slopes, inside = _slopes(flow, mask, "difference")
    return sum(masked_mean(slope.abs(), where) for slope, where in zip(slopes, inside)) / 2


def flow_difference_loss(flow: Tensor, truth: Tensor, mask: Tensor, window: int = 9) -> Tensor:
    """Return the mean of |e - local mean of e| with e = f - f*: the local variation of the error.

    The motion of a point relative to its surroundings tells an expression from a moving head. This is our
    reading of the paper's name; the window averages inside the mask only.
    """
    error = (flow - truth) * mask
    sums, weight = (F.avg_pool2d(maps, window, stride=1, padding=window // 2) for maps in (error, mask))
    return masked_mean((error - sums / weight.clamp(min=1e-6)).abs(), mask)


def combine_losses(
    weights: dict[str, float], gradient_operator: str = "difference"
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Return the weighted sum of named losses: `mask`, `gradient`, `total_variation`, `flow_difference`."""
    functions: dict[str, Callable[..., Tensor]] = {
        "mask": mask_loss,
        "gradient": partial(gradient_loss, operator=gradient_operator),
        "total_variation": lambda flow, truth, mask: total_variation_loss(flow, mask),
        "flow_difference": flow_difference_loss,
    }
    terms = [(weight, functions[name]) for name, weight in weights.items() if weight]

    def weighted_sum(flow: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
        zero = torch.zeros((), device=flow.device)
        return sum((weight * loss(flow, truth, mask) for weight, loss in terms), zero)

    return weighted_sum


def _slopes(maps: Tensor, mask: Tensor, kind: str) -> tuple[list[Tensor], list[Tensor]]:
    """Return the slopes of `maps` to the right and down, and for each the mask of slopes inside the mask."""
    if kind == "difference":
        slopes = [maps[..., :, 1:] - maps[..., :, :-1], maps[..., 1:, :] - maps[..., :-1, :]]
        return slopes, [mask[..., :, 1:] * mask[..., :, :-1], mask[..., 1:, :] * mask[..., :-1, :]]
    kernel = torch.tensor(SOBEL, dtype=maps.dtype, device=maps.device) / 8
    n, channels, height, width = maps.shape
    flat = maps.reshape(n * channels, 1, height, width)
    slopes = [
        F.conv2d(flat, k[None, None]).reshape(n, channels, height - 2, width - 2) for k in (kernel, kernel.T)
    ]
    inside = 1 - F.max_pool2d(1 - mask, 3, stride=1)
    return slopes, [inside, inside]
