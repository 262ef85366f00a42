"""Resampling between grids and at displaced positions, without the bias of the usual bicubic kernel.

torch's bicubic sampling (Keys' kernel with a = -0.75) misplaces a straight slope by up to 0.05 px, depending
on the fractional displacement, which exceeds the errors of the networks here. Keys' own a = -0.5 does not.

References
----------
R. Keys, IEEE TASSP 29(6), 1981.
"""

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def enlarge(maps: Tensor, times: int) -> Tensor:
    """Enlarge `maps` (N, C, H, W) by the factor `times` with cubic interpolation, exact for quadratics."""
    return _upsample(maps, _cubic_weights(times))


def double(maps: Tensor) -> Tensor:
    """Double `maps` (N, C, H, W) with a windowed sinc, which preserves fine detail."""
    return _upsample(maps, _sinc_weights())


def sample_doubled(fine: Tensor, flow: Tensor) -> Tensor:
    """Sample maps made by `double` at x + flow(x): (N, C, H, W); borders are replicated.

    Parameters
    ----------
    fine : (N, C, 2 H, 2 W), dense enough for bilinear sampling
    flow : (N, 2, H, W) px before doubling, right and down positive
    """
    height, width = flow.shape[-2:]
    x = torch.arange(width, device=flow.device, dtype=flow.dtype)
    y = torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None]
    at = torch.stack(
        [(x + flow[:, 0] + 0.5) * (2 / width) - 1, (y + flow[:, 1] + 0.5) * (2 / height) - 1], dim=-1
    )
    return F.grid_sample(fine, at, mode="bilinear", padding_mode="border", align_corners=False)


def box_mean(maps: Tensor, side: int) -> Tensor:
    """Average `maps` (N, C, H, W) over windows of (side, side) cells, smaller at the borders; odd `side`."""
    for along in (2, 3):
        size, reach = maps.shape[along], side // 2
        room = (reach, reach) if along == 3 else (0, 0, reach, reach)
        inside = torch.arange(size, device=maps.device)
        count = (inside + reach).clamp(max=size - 1) - (inside - reach).clamp(min=0) + 1
        total = correlate_axis(F.pad(maps, room), (1.0,) * side, along)
        maps = total / (count if along == 3 else count[:, None])
    return maps


def correlate_axis(padded: Tensor, taps: tuple[float, ...], along: int) -> Tensor:
    """Correlate maps (N, C, H, W), padded by len(taps) // 2, along dimension 2 (down) or 3 (right).

    For few taps this is several times as fast on a CPU as torch's convolution or pooling.
    """
    size = padded.shape[along] - len(taps) + 1
    total = padded.narrow(along, 0, size) * taps[0]
    for shift, tap in enumerate(taps[1:], start=1):
        total = total.add_(padded.narrow(along, shift, size), alpha=tap)
    return total


def _upsample(maps: Tensor, weights: np.ndarray) -> Tensor:
    """Upsample `maps` in both directions by `weights` (phases, taps)."""
    phases, taps = weights.shape
    kernel = torch.from_numpy(
        np.einsum("ai,bj->abij", weights, weights).reshape(phases**2, 1, taps, taps)
    ).to(maps)
    n, channels, height, width = maps.shape
    flat = F.pad(maps.reshape(n * channels, 1, height, width), (taps // 2,) * 4, mode="replicate")
    fine = F.pixel_shuffle(F.conv2d(flat, kernel), phases)
    return fine.reshape(n, channels, phases * height, phases * width)


def _offsets(phases: int, taps: int) -> np.ndarray:
    """Return the distance from each new sample to each old sample around it, (phases, taps)."""
    return (np.arange(phases)[:, None] + 0.5) / phases - 0.5 - (np.arange(taps) - taps // 2)


@cache
def _cubic_weights(times: int) -> np.ndarray:
    t = np.abs(_offsets(times, 5))
    near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t <= 1, near, np.where(t < 2, far, 0))


@cache
def _sinc_weights(taps: int = 9) -> np.ndarray:
    t = _offsets(2, taps)
    weights = np.sinc(t) * np.cos(np.pi * t / (taps + 0.5)) ** 2
    return weights / weights.sum(axis=1, keepdims=True)
