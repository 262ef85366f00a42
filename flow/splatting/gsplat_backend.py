"""The same blend on a CUDA GPU by gsplat's kernels, where gsplat is installed (`pip install gsplat`).

gsplat knows only the published rule (`closed` = 0 in `rasterize.weigh`): up to `rasterize.CLOSED` of what lies behind a
surface shows through, and it stops a ray at 1e-4 of its light. Compare pictures of the two with that in mind.

Source: V. Ye et al., gsplat: An Open-Source Library for Gaussian Splatting, 2024, and its `isect_tiles`,
`isect_offset_encode` and `rasterize_to_pixels` as of version 1.5.
"""

import importlib.util

import numpy as np

from flow.splatting.gaussians import Splats
from flow.splatting.rasterize import CUT

TILE = 16  # px


def available() -> bool:
    """Whether gsplat is installed and a CUDA GPU is there to run it."""
    import torch

    return importlib.util.find_spec("gsplat") is not None and torch.cuda.is_available()


def blend(splats: Splats, values: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Blend values (G, C) into a picture (H, W, C) float32 and its opacity (H, W), as `rasterize.Weights.blend`."""
    import gsplat
    import torch

    def on_gpu(array: np.ndarray, kind: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to("cuda", kind)[None]  # (1, G, ...): one camera

    reach = np.sqrt(2 * np.log(np.maximum(splats.opacity, CUT) / CUT))[:, None] * splats.radius
    mean, depth = on_gpu(splats.mean + 0.5), on_gpu(splats.depth)  # gsplat's pixel centres lie at one half
    tiles = -(-width // TILE), -(-height // TILE)
    _, crossings, order = gsplat.isect_tiles(mean, on_gpu(np.ceil(reach), torch.int32), depth, TILE, *tiles)
    offsets = gsplat.isect_offset_encode(crossings, 1, *tiles)
    picture, opacity = gsplat.rasterize_to_pixels(
        mean, on_gpu(splats.conic), on_gpu(values), on_gpu(splats.opacity), width, height, TILE, offsets, order
    )
    return picture[0].cpu().numpy(), opacity[0, ..., 0].cpu().numpy()
