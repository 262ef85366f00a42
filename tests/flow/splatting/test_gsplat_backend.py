"""gsplat's blend equals ours: on a GPU with gsplat itself, anywhere with a plain stand-in that keeps gsplat's
contract.
"""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from flow.splatting import gsplat_backend, rasterize
from flow.splatting.scenes import render_pair
from tests.flow.splatting.test_rasterize import random_splats


def isect_tiles(means2d, radii, depths, tile_size, tile_width, tile_height):
    """What gsplat 1.5 documents: each (tile, Gaussian) that touch, by tile and then by depth."""
    assert means2d.shape == radii.shape == (*depths.shape, 2) and radii.dtype == torch.int32
    low = ((means2d - radii) / tile_size).floor().int()[0]
    high = ((means2d + radii) / tile_size).ceil().int()[0]
    touched = []
    for g in range(depths.shape[1]):
        if (radii[0, g] <= 0).any():
            continue
        for y in range(max(low[g, 1], 0), min(high[g, 1], tile_height)):
            for x in range(max(low[g, 0], 0), min(high[g, 0], tile_width)):
                touched.append((y * tile_width + x, float(depths[0, g]), g))
    touched.sort()
    tiles, _, owners = zip(*touched)
    return None, torch.tensor(tiles), torch.tensor(owners)


def isect_offset_encode(isect_ids, n_images, tile_width, tile_height):
    """Where each tile begins in the list above."""
    return torch.searchsorted(isect_ids, torch.arange(tile_width * tile_height)).view(
        n_images, tile_height, tile_width
    )


def rasterize_to_pixels(
    means2d, conics, colors, opacities, image_width, image_height, tile_size, isect_offsets, flatten_ids
):
    """Each tile's Gaussians front to back, as the kernel does it: pixel centres at one half, clamp, cut and
    early stop.
    """
    picture = torch.zeros(1, image_height, image_width, colors.shape[-1])
    opacity = torch.zeros(1, image_height, image_width, 1)
    starts = [*isect_offsets.flatten().tolist(), len(flatten_ids)]
    for tile in range(isect_offsets.numel()):
        top, left = (tile_size * k for k in divmod(tile, isect_offsets.shape[-1]))
        mine = flatten_ids[starts[tile] : starts[tile + 1]]
        for i in range(top, min(top + tile_size, image_height)):
            for j in range(left, min(left + tile_size, image_width)):
                dx, dy = (means2d[0, mine] - torch.tensor([j + 0.5, i + 0.5])).T
                a, b, c = conics[0, mine].T
                alpha = (
                    opacities[0, mine] * torch.exp(-0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy)
                ).clamp(max=0.999)
                alpha = torch.where(alpha < 1 / 255, 0.0, alpha)
                after = torch.cumprod(1 - alpha, 0)
                alpha = torch.where(after <= 1e-4, 0.0, alpha)
                light = torch.cat([torch.ones(1), torch.cumprod(1 - alpha, 0)])
                picture[0, i, j] = (alpha * light[:-1]) @ colors[0, mine]
                opacity[0, i, j] = 1 - light[-1]
    return picture, opacity


@pytest.fixture
def stand_in(monkeypatch):
    """A module `gsplat` that runs on the CPU."""
    functions = dict(
        isect_tiles=isect_tiles,
        isect_offset_encode=isect_offset_encode,
        rasterize_to_pixels=rasterize_to_pixels,
    )
    monkeypatch.setitem(sys.modules, "gsplat", SimpleNamespace(**functions))
    monkeypatch.setattr(gsplat_backend, "DEVICE", "cpu")


def check_blend():
    splats = random_splats(150, 45, 37, 6)  # sides that are no multiples of a tile
    splats.opacity[:5] = 0
    values = np.random.default_rng(6).uniform(0, 1, (150, 4))
    ours = rasterize.blend_weights(splats, 45, 37, min_light=0.0)
    theirs = gsplat_backend.blend_weights(splats, 45, 37)
    assert np.abs(theirs.opacity - ours.opacity).max() < 2e-3
    assert np.abs(theirs.blend(values) - ours.blend(values)).max() < 2e-3
    assert np.abs(theirs.mean(values[:, 0]) - ours.mean(values[:, 0])).max() < 5e-3
    assert theirs.blend(values[:, 0]).shape == (37, 45) and theirs.blend(values).dtype == np.float32


def test_the_blend_is_ours_by_the_published_rule(stand_in):
    check_blend()


@pytest.mark.skipif(not gsplat_backend.available(), reason="gsplat is not installed, or there is no CUDA GPU")
def test_the_blend_is_ours_on_a_gpu():
    check_blend()


def test_a_scene_takes_it_where_it_is_and_only_when_asked(monkeypatch):
    asked = []
    monkeypatch.setattr(
        gsplat_backend, "blend_weights", lambda *a: asked.append(1) or rasterize.blend_weights(*a)
    )
    monkeypatch.setattr(gsplat_backend, "available", lambda: True)
    render_pair(3, 0, 64, gaussians=2000)
    assert not asked
    render_pair(3, 0, 64, gaussians=2000, gpu=True)
    assert len(asked) == 2
    monkeypatch.setattr(gsplat_backend, "available", lambda: False)
    render_pair(3, 0, 64, gaussians=2000, gpu=True)
    assert len(asked) == 2
