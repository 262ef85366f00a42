"""The compact variant of SRFlowNet: sub-pixel facial motion on a laptop CPU.

The published network matches features on a grid of 1/8, where a motion of one pixel is an eighth of a cell.
Here matching is linear instead. Each step warps the second frame by the motion so far and solves for the
remaining motion from the brightness differences of *all* pixels of a cell, accumulated on grids of 1/8 and
1/4 (normal equations of Lucas and Kanade, `lucas_kanade.py`). A U-shaped regulariser with super kernels,
whose receptive field spans the whole face, combines these noisy candidate steps into one; two small networks
refine the motion at 1/2. Only regularisers and refinement are learned, so training never backpropagates at
full resolution.

References
----------
B. Lucas, T. Kanade, IJCAI 1981; S. Sun et al., SKFlow, NeurIPS 2022. The combination is ours.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flow.srflownet import lucas_kanade
from flow.srflownet.facial_selection import FaceAtlas, FacialCandidates, facial_candidates
from flow.srflownet.facial_solution import PlacedBasis
from flow.srflownet.regulariser import (
    ContextEncoder,
    DetailStep,
    HalfGridRefinement,
    Regulariser,
    median_motion,
)
from flow.srflownet.resample import box_mean, double, enlarge

# Of each step, in px of the frame: side of a pixel of the brightness level, side of a cell of the grid.
SCHEDULE = ((8, 8), (8, 8), (4, 8), (2, 4), (1, 4), (1, 4))
# Iterations of conjugate gradients by the side of a cell; on the finer grid the initial value is good.
N_CG_ITERATIONS = {8: 20, 4: 12}
N_LAST_STEPS = 1  # final steps, which have a regulariser of their own
PADDING_MULTIPLE = 32  # frames are padded to a multiple of this


class CompactSRFlowNet(nn.Module):
    """Motion of two RGB frames (N, 3, H, W) in 0..255 -> (N, 2, H, W) px; any H and W.

    Parameters
    ----------
    width : int
        Channels of the regularisers on their finest grid.
    """

    def __init__(self, width: int = 32):
        super().__init__()
        self.context = ContextEncoder(width)
        self.coarse = Regulariser(width, depth=1)
        self.fine = Regulariser(width, depth=2)
        self.last = Regulariser(width, depth=2)
        self.refine = HalfGridRefinement(width)
        self.atlas = FaceAtlas()
        self.detail = DetailStep(width)

    def forward(
        self, onset: Tensor, apex: Tensor, flow: Tensor | None = None, face: PlacedBasis | None = None
    ) -> list[Tensor]:
        """Return the motion after every step, each (N, 2, h, w) px of the frame, the last one at full size.

        Parameters
        ----------
        onset, apex : (N, 3, H, W) float, 0..255
        flow : (N, 2, H, W) px, initial motion; zero by default
        face : PlacedBasis or None
            Facial basis placed on the onsets.
        """
        height, width = onset.shape[-2:]
        pad = (0, -width % PADDING_MULTIPLE, 0, -height % PADDING_MULTIPLE)
        onset, apex = (F.pad(frame, pad, mode="replicate") for frame in (onset, apex))
        contrast = local_contrast(onset)
        context = self.context(contrast)
        first = lucas_kanade.brightness_pyramid(onset)
        second = {pixel: double(maps) for pixel, maps in lucas_kanade.brightness_pyramid(apex).items()}
        placed = None if face is None else face.pad(*onset.shape[-2:])
        atlas = {} if placed is None else self.atlas(placed)
        bases = {} if placed is None else placed.on_grids(*onset.shape[-2:], atlas)

        def facial(sums: Tensor, flow: Tensor, pixel: int, cell: int) -> FacialCandidates | None:
            return facial_candidates(sums, flow, pixel, bases[cell], atlas[cell]) if bases else None

        cell = SCHEDULE[0][1]
        start = torch.zeros_like(contrast[:, :2]) if flow is None else F.pad(flow, pad, mode="replicate")
        flow = F.avg_pool2d(start, cell)
        hidden = torch.zeros_like(context[cell])
        predictions = []
        for number, (pixel, grid) in enumerate(SCHEDULE):
            if grid != cell:
                flow = enlarge(flow, cell // grid)
                hidden = F.interpolate(hidden, scale_factor=cell // grid, mode="bilinear")
                cell = grid
            flow = flow.detach()
            sums = lucas_kanade.normal_equations(
                first[pixel], second[pixel], flow / pixel, grid // pixel, pixel
            )
            maps, steps = lucas_kanade.candidate_steps(sums, flow / pixel, N_CG_ITERATIONS[grid])
            late = self.last if number >= len(SCHEDULE) - N_LAST_STEPS else self.fine
            regulariser = self.coarse if grid == 8 else late
            relative = (flow - median_motion(flow)) / pixel  # invariant to motion of the whole frame
            candidates = facial(sums, flow / pixel, pixel, grid)
            step, hidden = regulariser(maps, steps, relative, context[grid], hidden, candidates)
            flow = flow + pixel * step
            predictions.append(flow)
        flow = self.refine(flow, hidden, contrast)
        predictions.append(flow)
        flow = flow.detach()
        sums = lucas_kanade.normal_equations(first[1], second[1], flow, 2, 1)
        flow = self.detail(flow, hidden, contrast, sums, facial(sums, flow, 1, 2))
        return [*predictions, flow, enlarge(flow, 2)[..., :height, :width]]


def local_contrast(frame: Tensor) -> Tensor:
    """Normalise `frame` (N, 3, H, W) 0..255 by its local mean and contrast, to about -3..3.

    This removes slow light and exposure and gives pale skin as much weight as a brow.
    """
    small = F.avg_pool2d(frame, 4)
    mean = box_mean(box_mean(small, 5), 5)
    variance = (small - mean).square().mean(dim=1, keepdim=True)
    spread = box_mean(box_mean(variance, 5), 5).sqrt()
    mean, spread = (
        F.interpolate(m, scale_factor=4, mode="bilinear", align_corners=False) for m in (mean, spread)
    )
    return (frame - mean) / (spread + 3.0)
