"""What the network is trained to make small: the distance to the true motion, and four facial regularisers.

The paper (arXiv 2601.06479) names mask, gradient (differences or Sobel), total variation and flow difference
losses but its equations are not public. The forms here are ours, to be compared by
`configs/flow-ablation-*.yaml`.

All take motions (N, 2, H, W) in px and a mask (N, 1, H, W) of 0 and 1, and return one number, averaged inside
the mask.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

# Sobel's kernel over 8, so that a slope of one px per px reads as one
SOBEL = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))

ERROR_FLOOR_PX = 0.01  # px: an error that a power below one need not make smaller


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of `values` (N, C, H, W) over all channels of the places where `mask` (N, 1, H, W) is
    1; 0 if none.
    """
    return (values * mask).sum() / (mask.sum() * values.shape[1]).clamp(min=1)


def sequence_loss(predictions: list[Tensor], truth: Tensor, gamma: float = 0.8, power: float = 1.0) -> Tensor:
    """Sum over steps i of gamma^(n-1-i) mean (|f_i - f|_2 / scale)^power, over the whole frame.

    A step that predicts on a coarser grid is compared with the mean of the truth over its cells. The error of
    a pair is divided by scale = sqrt(0.1 + its mean motion), so that motions of a tenth of a pixel and of ten
    both count. A power below one cares more for making small errors smaller and less for pixels that cannot
    be known, as hidden ones. Source: RAFT's sequence loss (Teed and Deng, ECCV 2020); the scale is ours, the
    power as in PWC-Net's robust loss.
    """
    scale = (0.1 + truth.norm(dim=1).mean(dim=(1, 2), keepdim=True)).sqrt()
    total = truth.new_zeros(())
    for i, flow in enumerate(predictions):
        target = truth if flow.shape == truth.shape else F.adaptive_avg_pool2d(truth, flow.shape[-2:])
        error = ((flow - target).square().sum(dim=1) + 1e-6).sqrt()
        total = (
            total
            + gamma ** (len(predictions) - 1 - i)
            * ((error + (power < 1) * ERROR_FLOOR_PX) / scale).pow(power).mean()
        )
    return total


def mask_loss(flow: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """mean over the face of |u - u*| + |v - v*|: errors on the face count once more."""
    return 2 * masked_mean((flow - truth).abs(), mask)


def gradient_loss(flow: Tensor, truth: Tensor, mask: Tensor, kind: str = "difference") -> Tensor:
    """mean of |D(f - f*)| over u, v and both directions, D the forward `difference` or the `sobel` operator.

    Strain is made of these slopes. A slope counts where every pixel it is made of is inside the mask.
    """
    slopes, inside = _slopes(flow - truth, mask, kind)
    return sum(masked_mean(slope.abs(), where) for slope, where in zip(slopes, inside)) / 2


def total_variation_loss(flow: Tensor, mask: Tensor) -> Tensor:
    """mean of |D f| over u, v and both directions, D the forward difference: skin moves smoothly.

    Unlike the others it knows no truth, so it pulls towards rest: give it a small weight.
    """
    slopes, inside = _slopes(flow, mask, "difference")
    return sum(masked_mean(slope.abs(), where) for slope, where in zip(slopes, inside)) / 2


def flow_difference_loss(flow: Tensor, truth: Tensor, mask: Tensor, window: int = 9) -> Tensor:
    """mean of |e - mean of e over a window|, e = f - f*: errors may not change from place to place.

    The motion of a point relative to its surroundings is what tells an expression from a moving head. Our
    reading of the name, see the module's docstring; the window reads only inside the mask.
    """
    error = (flow - truth) * mask
    pool = lambda maps: F.avg_pool2d(maps, window, stride=1, padding=window // 2)  # noqa: E731
    around = pool(error) / pool(mask).clamp(min=1e-6)
    return masked_mean((error - around).abs(), mask)


def combine_losses(
    weights: dict[str, float], gradient_kind: str = "difference"
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Return the weighted sum of named losses: `mask`, `gradient`, `total_variation`, `flow_difference`."""
    parts = {
        "mask": mask_loss,
        "gradient": lambda flow, truth, mask: gradient_loss(flow, truth, mask, gradient_kind),
        "total_variation": lambda flow, truth, mask: total_variation_loss(flow, mask),
        "flow_difference": flow_difference_loss,
    }
    used = [(weight, parts[name]) for name, weight in weights.items() if weight]
    return lambda flow, truth, mask: sum(
        (w * part(flow, truth, mask) for w, part in used), torch.zeros((), device=flow.device)
    )


def _slopes(maps: Tensor, mask: Tensor, kind: str) -> tuple[list[Tensor], list[Tensor]]:
    """Return the slopes of `maps` to the right and down, and for each the mask of the places made of masked
    pixels only.
    """
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
