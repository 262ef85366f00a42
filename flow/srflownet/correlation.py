"""Correlation of a place in the first frame with the places around its match in the second, at four scales.

`StoredCorrelation` computes all pairs once and samples that volume; `OnDemandCorrelation` computes only the
sampled values. They agree in value, because sampling and pooling are linear and commute with the product.

References
----------
Z. Teed, J. Deng, RAFT, ECCV 2020; on demand: the appendix of the same paper.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

N_LEVELS = 4
WINDOW_RADIUS = 4
N_CHANNELS = N_LEVELS * (2 * WINDOW_RADIUS + 1) ** 2  # 324
MAX_VOLUME_BYTES = 2 * 1024**3


def correlate(first: Tensor, second: Tensor) -> "StoredCorrelation | OnDemandCorrelation":
    """Return the correlation of two feature maps (N, C, H, W), stored if it fits `MAX_VOLUME_BYTES`."""
    n, _, height, width = first.shape
    fits = n * (height * width) ** 2 * 4 * 4 / 3 <= MAX_VOLUME_BYTES
    return (StoredCorrelation if fits else OnDemandCorrelation)(first, second)


class StoredCorrelation:
    """Volumes (N H W, 1, H/2^l, W/2^l) for levels l = 0..3.

    Memory grows with the square of the frame's area.
    """

    def __init__(self, first: Tensor, second: Tensor):
        n, channels, height, width = first.shape
        volume = first.flatten(2).transpose(1, 2) @ second.flatten(2) / channels**0.5  # (N, HW, HW)
        self.levels = [volume.reshape(n * height * width, 1, height, width)]
        for _ in range(N_LEVELS - 1):
            self.levels.append(_halve(self.levels[-1]))

    def __call__(self, places: Tensor) -> Tensor:
        """Return (N, N_CHANNELS, H, W) around `places` (N, 2, H, W), x and y in cells of the second map."""
        n, _, height, width = places.shape
        centre = places.permute(0, 2, 3, 1).reshape(n * height * width, 1, 1, 2)
        found = []
        for level, volume in enumerate(self.levels):
            at = centre / 2**level + _window_offsets(places)  # (N HW, 9, 9, 2)
            found.append(_sample(volume, at).reshape(n, height, width, -1))
        return torch.cat(found, dim=-1).permute(0, 3, 1, 2)


class OnDemandCorrelation:
    """The feature maps alone; memory grows with the frame's area."""

    def __init__(self, first: Tensor, second: Tensor):
        self.first = first / first.shape[1] ** 0.5
        self.levels = [second]
        for _ in range(N_LEVELS - 1):
            self.levels.append(_halve(self.levels[-1]))

    def __call__(self, places: Tensor) -> Tensor:
        """See `StoredCorrelation`."""
        centre = places.permute(0, 2, 3, 1)[:, :, :, None]  # (N, H, W, 1, 2)
        found = []
        for level, second in enumerate(self.levels):
            for column in _window_offsets(places):  # (9, 2): the offsets of one column
                n, height, width, _, _ = centre.shape
                at = (centre / 2**level + column).reshape(n, height, width * len(column), 2)
                near = _sample(second, at).reshape(n, -1, height, width, len(column))  # (N, C, H, W, 9)
                found.append((self.first[..., None] * near).sum(dim=1).permute(0, 3, 1, 2))
        return torch.cat(found, dim=1)


def _halve(maps: Tensor) -> Tensor:
    """Average `maps` over 2x2; a map of one row or column, as of tiny frames, keeps it."""
    return F.avg_pool2d(maps, (min(2, maps.shape[-2]), min(2, maps.shape[-1])))


def _window_offsets(like: Tensor) -> Tensor:
    """Return the sampling offsets (9, 9, 2); x varies along the first axis, as in the published code."""
    steps = torch.arange(-WINDOW_RADIUS, WINDOW_RADIUS + 1, device=like.device, dtype=like.dtype)
    return torch.stack(torch.meshgrid(steps, steps, indexing="ij"), dim=-1)


def _sample(maps: Tensor, at: Tensor) -> Tensor:
    """Sample `maps` (N, C, H, W) bilinearly at `at` (N, h, w, 2) in cells: (N, C, h, w); zero outside."""
    height, width = maps.shape[-2:]
    size = at.new_tensor([width, height])
    return F.grid_sample(maps, (2 * at + 1) / size - 1, padding_mode="zeros", align_corners=False).to(
        at.dtype
    )
