"""Augmentation of levelled motion maps: mirroring, shift, zoom, rotation, amplitude.

Every change follows from random numbers that the caller passes, one set per clip, so that a clip changes
alike whichever other clips are in the batch.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

DRAWS = 10  # random numbers per clip


@dataclass(frozen=True)
class Changes:
    """How much maps change in training; numbers are standard deviations."""

    mirror: bool = True  # half of the maps are mirrored, u negated
    shift: float = 1.0  # cells of 14
    zoom: float = 0.08  # logarithm of width and of height
    rotation: float = 8.0  # degrees; vectors turn along
    amplitude: float = 0.2  # logarithm of each channel's strength


def augment(maps: torch.Tensor, draws: np.ndarray, changes: Changes) -> torch.Tensor:
    """Return changed maps (N, 3, h, w) float32 of u, v and strain.

    Content moves, grows and turns, and the vectors (u, v) turn with it.

    Parameters
    ----------
    maps : (N, 3, h, w) float32
    draws : (N, DRAWS) float
        Uniform in 0..1; those of a clip decide its changes.
    changes : Changes
    """
    sign = np.where(draws[:, 0] < 0.5, -1.0, 1.0) if changes.mirror else np.ones(len(draws))
    normal = _normal(draws[:, 1:])
    angle = np.radians(changes.rotation) * normal[:, 0]
    wide, high = np.exp(changes.zoom * normal[:, 1]), np.exp(changes.zoom * normal[:, 2])
    right, down = 2 * changes.shift * normal[:, 3:5].T / np.array([maps.shape[3], maps.shape[2]])[:, None]
    cos, sin = np.cos(angle), np.sin(angle)
    # Maps each cell of the new map to the place of the old one that it is read from.
    matrix = np.stack(
        [
            np.stack([sign * wide * cos, sign * wide * sin, sign * right], 1),
            np.stack([-high * sin, high * cos, down], 1),
        ],
        1,
    )
    grid = F.affine_grid(torch.from_numpy(matrix).to(maps), list(maps.shape), align_corners=False)
    moved = F.grid_sample(maps, grid, padding_mode="border", align_corners=False)
    sign, cos, sin = (torch.from_numpy(value).to(maps)[:, None, None, None] for value in (sign, cos, sin))
    u, v, strain = sign * moved[:, :1], moved[:, 1:2], moved[:, 2:]
    turned = torch.cat([cos * u - sin * v, sin * u + cos * v, strain], 1)
    strength = torch.from_numpy(np.exp(changes.amplitude * normal[:, 5:8])).to(maps)
    return turned * strength[:, :, None, None]


def _normal(uniform: np.ndarray) -> np.ndarray:
    """Turn uniform numbers into standard normal ones."""
    from scipy.special import ndtri

    return ndtri(np.clip(uniform, 1e-6, 1 - 1e-6))
