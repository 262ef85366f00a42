"""The same blend on a CUDA GPU by gsplat's kernels, where gsplat is installed (`pip install gsplat`).

gsplat knows only the published rule (`closed` = 0 in `rasterize.blend_weights`): up to `rasterize.MIN_LIGHT`
of what lies behind a surface shows through, and it stops a ray at 1e-4 of its light. That is worth at most 4
grey levels of 255, and .2 on the average, in three scenes. So it serves training on the fly; what is kept on
disk is made by the CPU, everywhere alike.

Source: V. Ye et al., gsplat: An Open-Source Library for Gaussian Splatting, 2024, and its `isect_tiles`,
`isect_offset_encode` and `rasterize_to_pixels` as of version 1.5.
"""

import importlib.util

import numpy as np

from flow.splatting.gaussians import Splats
from flow.splatting.rasterize import MIN_ALPHA, Blend

TILE_PX = 16  # px
DEVICE = "cuda"


def available() -> bool:
    """Whether gsplat is installed and this process can use a CUDA GPU: a DataLoader's worker, being a fork,
    cannot.
    """
    if importlib.util.find_spec("gsplat") is None:
        return False
    import torch

    return torch.cuda.is_available() and torch.utils.data.get_worker_info() is None


def blend_weights(splats: Splats, width: int, height: int) -> "GpuBlend":
    """Sort `splats` into tiles of a picture of width x height px, see `rasterize.blend_weights`."""
    return GpuBlend(splats, width, height)


class GpuBlend(Blend):
    """What `rasterize.BlendWeights` is, with the weights made anew in each blend instead of kept."""

    def __init__(self, splats: Splats, width: int, height: int) -> None:
        import gsplat
        import torch

        self.width, self.height = width, height
        reach = (
            np.sqrt(2 * np.log(np.maximum(splats.opacity, MIN_ALPHA) / MIN_ALPHA))[:, None] * splats.radius
        )
        self.centre = _to_gpu(splats.mean + 0.5)  # gsplat's pixel centres lie at one half
        self.conic, self.alpha = _to_gpu(splats.conic), _to_gpu(splats.opacity)
        tiles = -(-width // TILE_PX), -(-height // TILE_PX)
        reach = _to_gpu(np.ceil(reach)).to(torch.int32)
        _, crossings, self.order = gsplat.isect_tiles(
            self.centre, reach, _to_gpu(splats.depth), TILE_PX, *tiles
        )
        self.offsets = gsplat.isect_offset_encode(crossings, 1, *tiles)
        self.opacity = self._rasterize(np.zeros((len(splats.depth), 1)))[1]

    def blend(self, values: np.ndarray) -> np.ndarray:
        """Blend values (G,) or (G, C) into (H, W) or (H, W, C) float32; not divided by the opacity."""
        picture = self._rasterize(values.reshape(len(values), -1))[0]
        return picture.reshape(self.height, self.width, *values.shape[1:])

    def _rasterize(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values (G, C) -> picture (H, W, C) and opacity (H, W), float32."""
        import gsplat

        picture, opacity = gsplat.rasterize_to_pixels(
            self.centre,
            self.conic,
            _to_gpu(values),
            self.alpha,
            self.width,
            self.height,
            TILE_PX,
            self.offsets,
            self.order,
        )
        return picture[0].cpu().numpy(), opacity[0, ..., 0].cpu().numpy()


def _to_gpu(array: np.ndarray):
    """(G, ...) -> (1, G, ...) float32 tensor there: one camera."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(DEVICE)[None]
