"""Tiled estimation of frames that are too large for the memory, blended without seams."""

import torch
from torch import Tensor, nn

TILE_PX = 1024
OVERLAP_PX = 192  # exceeds the neighbourhood that a network needs around a place


def estimate_tiled(
    network: nn.Module, onset: Tensor, apex: Tensor, tile: int = TILE_PX, overlap: int = OVERLAP_PX
) -> Tensor:
    """Return the motion (N, 2, H, W) px of two frames (N, 3, H, W); tiles fade towards their borders.

    Parameters
    ----------
    tile, overlap : int
        In px; neighbouring tiles share at least `overlap`.
    """
    n, _, height, width = onset.shape
    total = onset.new_zeros(n, 2, height, width)
    weight = onset.new_zeros(1, 1, height, width)
    for top in _tile_starts(height, tile, overlap):
        for left in _tile_starts(width, tile, overlap):
            part = (..., slice(top, top + tile), slice(left, left + tile))
            flow = network(onset[part], apex[part])[-1].float()
            fade = _border_weight(flow.shape[-2], overlap, flow)[:, None] * _border_weight(
                flow.shape[-1], overlap, flow
            )
            total[part] += fade * flow
            weight[part] += fade
    return total / weight


def _tile_starts(length: int, tile: int, overlap: int) -> list[int]:
    """Return where tiles begin along a side; the first starts at 0, the last ends at `length`."""
    if length <= tile:
        return [0]
    count = -(-(length - overlap) // (tile - overlap))
    return [round(i * (length - tile) / (count - 1)) for i in range(count)]


def _border_weight(length: int, overlap: int, like: Tensor) -> Tensor:
    """Return weights along a tile, (length,), rising to 1 over half the overlap.

    The outer half of an overlap weighs a thousandth: it counts only at the frame's border, which no other
    tile covers.
    """
    place = torch.arange(length, device=like.device, dtype=like.dtype) + 0.5
    near = torch.minimum(place, length - place)  # px to the nearer border
    return ((near - overlap / 4) / (overlap / 4)).clamp(1e-3, 1)
