"""What may change about a motion map without changing what it shows: its side, its place, its size, its
strength.

For levelled maps (mer/classifiers/mer_net/views.py) and networks. Every change is drawn from numbers that are
handed in, one set per clip, so that a clip changes alike whichever other clips are there.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

DRAWS = 10  # numbers that each clip takes


@dataclass(frozen=True)
class Changes:
    """How much maps change in training.

    mirror : half of them are seen in a mirror, u negated
    shift : cells of 14, deviation;  zoom : deviation of width and height;  rotation : degrees, deviation,
        vectors turn along
    amplitude : deviation of the logarithm of each channel's strength
    """

    mirror: bool = True
    shift: float = 1.0
    zoom: float = 0.08
    rotation: float = 8.0
    amplitude: float = 0.2


def changed(maps: torch.Tensor, draws: np.ndarray, by: Changes) -> torch.Tensor:
    """Return `maps`, (N, 3, h, w) float32 of u, v and strain, each changed by its own `draws`, (N, DRAWS)
    uniform in 0..1.

    The changes are those of a camera and a face: content moves, grows and turns, and the vectors (u, v) turn
    with it.
    """
    sign = np.where(draws[:, 0] < 0.5, -1.0, 1.0) if by.mirror else np.ones(len(draws))
    normal = _normal(draws[:, 1:])
    angle = np.radians(by.rotation) * normal[:, 0]
    wide, high = np.exp(by.zoom * normal[:, 1]), np.exp(by.zoom * normal[:, 2])
    right, down = 2 * by.shift * normal[:, 3:5].T / np.array([maps.shape[3], maps.shape[2]])[:, None]
    cos, sin = np.cos(angle), np.sin(angle)
    # Where each cell of the new map is read from the old one: turned back, scaled, and mirrored in the old
    # map's own axis.
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
    strength = torch.from_numpy(np.exp(by.amplitude * normal[:, 5:8])).to(maps)
    return turned * strength[:, :, None, None]


def _normal(uniform: np.ndarray) -> np.ndarray:
    """Standard normal numbers from uniform ones."""
    from scipy.special import ndtri

    return ndtri(np.clip(uniform, 1e-6, 1 - 1e-6))
