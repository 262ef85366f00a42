"""Reading maps at moved positions, and between their cells."""

import torch
import torch.nn.functional as F
from torch import Tensor


def warp(maps: Tensor, flow: Tensor, mode: str = "bicubic") -> Tensor:
    """Return `maps` (N, C, H, W) read at x + flow(x); beyond the border its nearest pixel counts.

    flow : (N, 2, H, W) pixels of `maps`, right and down positive
    mode : bicubic by default, because bilinear reading blurs by an amount that changes with the motion's fraction
    """
    height, width = maps.shape[-2:]
    x = torch.arange(width, device=maps.device, dtype=maps.dtype)
    y = torch.arange(height, device=maps.device, dtype=maps.dtype)[:, None]
    at = torch.stack([(x + flow[:, 0] + 0.5) * (2 / width) - 1, (y + flow[:, 1] + 0.5) * (2 / height) - 1], dim=-1)
    return F.grid_sample(maps, at, mode=mode, padding_mode="border", align_corners=False)


def enlarge(maps: Tensor, times: int) -> Tensor:
    """Return `maps` `times` as large; bicubic, because bilinear steps in a curved motion cost hundredths of a pixel."""
    return F.interpolate(maps, scale_factor=times, mode="bicubic", align_corners=False)
