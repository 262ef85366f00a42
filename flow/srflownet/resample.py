"""Resampling between grids and at displaced positions, without the bias of the usual bicubic kernel.

torch's bicubic sampling (Keys' kernel with a = -0.75) misplaces a straight slope by up to 0.05 px, depending
on the fractional displacement, which exceeds the errors of the networks here. Keys' own a = -0.5 does not.

References
----------
R. Keys, IEEE TASSP 29(6), 1981.
"""

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

Kernels = tuple[tuple[float, ...], ...]  # per phase, the weights of the old samples around a new one


def enlarge(maps: Tensor, times: int) -> Tensor:
    """Enlarge `maps` (N, C, H, W) by the factor `times` with cubic interpolation, exact for quadratics."""
    return _upsample(maps, _cubic_kernels(times))


def double(maps: Tensor) -> Tensor:
    """Double `maps` (N, C, H, W) with a windowed sinc, which preserves fine detail."""
    return _upsample(maps, _sinc_kernels())


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


def _upsample(maps: Tensor, kernels: Kernels) -> Tensor:
    """Upsample `maps` (N, C, H, W) in both directions, each phase by its own kernel."""
    reach = len(kernels[0]) // 2
    for along in (2, 3):
        room = (reach, reach, 0, 0) if along == 3 else (0, 0, reach, reach)
        padded = F.pad(maps, room, mode="replicate")
        phases = [correlate_axis(padded, taps, along) for taps in kernels]
        maps = torch.stack(phases, dim=along + 1).flatten(along, along + 1)
    return maps


@cache
def _cubic_kernels(times: int) -> Kernels:
    def weight(t: float) -> float:
        if t <= 1:
            return 1.5 * t**3 - 2.5 * t**2 + 1
        return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0

    return tuple(tuple(weight(abs(t)) for t in distances) for distances in _distances(times, 5))


@cache
def _sinc_kernels(taps: int = 9) -> Kernels:
    def weight(t: float) -> float:
        window = math.cos(math.pi * t / (taps + 0.5)) ** 2
        return window * (math.sin(math.pi * t) / (math.pi * t) if t else 1.0)

    kernels = [[weight(t) for t in distances] for distances in _distances(2, taps)]
    return tuple(tuple(w / sum(kernel) for w in kernel) for kernel in kernels)


def _distances(phases: int, taps: int) -> list[list[float]]:
    """Return, per phase, the distance from the new sample to each old sample around it."""
    return [
        [(phase + 0.5) / phases - 0.5 - (tap - taps // 2) for tap in range(taps)] for phase in range(phases)
    ]
