"""The compact sibling of SRFlowNet: sub-pixel facial motion on a laptop CPU.

The published network matches features on a grid of 1/8, where a facial motion of one pixel is an eighth of a
cell. Here matching is linear instead: at each step the second frame is warped by the motion found so far, and
what is left is read from the brightness differences of *all* pixels of a cell, gathered on a grid of 1/8,
then 1/4 (Lucas and Kanade's normal equations, `lucas_kanade.py`). A U-shaped regulariser, whose bottom sees
the whole face through super kernels, turns these noisy answers into one plausible motion; a last small
network refines it at 1/2. Only these are learned, so a training step never runs backwards at full size.

Source: B. Lucas, T. Kanade, IJCAI 1981; S. Sun et al., SKFlow, NeurIPS 2022. The combination is ours.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flow.srflownet import facial_solution, lucas_kanade
from flow.srflownet.facial_selection import FaceAtlas
from flow.srflownet.facial_solution import PlacedBasis
from flow.srflownet.regulariser import (
    ContextEncoder,
    DetailStep,
    HalfGridRefinement,
    Regulariser,
    median_motion,
)
from flow.srflownet.resample import double, enlarge

# (size of a feature pixel, size of a grid cell, times) of each step, in pixels of the frame
SCHEDULE = ((8, 8), (4, 8), (2, 4), (1, 4), (1, 4))
N_CG_ITERATIONS = {
    8: 20,
    4: 12,
}  # of conjugate gradients, by the size of a cell; on the finer grid the start is already good
N_LAST_STEPS = 1  # steps at the end that have a regulariser of their own
PADDING_MULTIPLE = 32  # frames are padded to a multiple of this


class CompactSRFlowNet(nn.Module):
    """Motion of two RGB frames (N, 3, H, W) in 0..255 -> (N, 2, H, W) px; any H and W.

    width : channels of the regularisers at their finest grid
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
        """Return the motion after every step, each (N, 2, h, w) in px of the frame, the last one at full
        size.

        onset, apex : (N, 3, H, W) float, 0..255
        flow        : (N, 2, H, W) px, where to start; at rest by default
        face        : a facial basis placed on the onsets
        """
        height, width = onset.shape[-2:]
        pad = (0, -width % PADDING_MULTIPLE, 0, -height % PADDING_MULTIPLE)
        onset, apex = (F.pad(frame, pad, mode="replicate") for frame in (onset, apex))
        seen = local_contrast(onset)
        context = self.context(seen)
        first = lucas_kanade.brightness_pyramid(onset)
        second = {pixel: double(maps) for pixel, maps in lucas_kanade.brightness_pyramid(apex).items()}
        if face is not None:
            face = face.pad(*onset.shape[-2:])
        atlas = None if face is None else self.atlas(face)
        cell = SCHEDULE[0][1]
        start = torch.zeros_like(seen[:, :2]) if flow is None else F.pad(flow, pad, mode="replicate")
        flow = F.avg_pool2d(start, cell)
        hidden = torch.zeros_like(context[cell])
        predictions = []
        for number, (pixel, grid) in enumerate(SCHEDULE):
            if grid != cell:
                flow = enlarge(flow, cell // grid)
                hidden = F.interpolate(hidden, scale_factor=cell // grid, mode="bilinear")
                cell = grid
            flow = flow.detach()
            sums = lucas_kanade.normal_equations(first[pixel], second[pixel], flow / pixel, grid // pixel)
            answers, steps = lucas_kanade.candidate_steps(sums, flow / pixel, N_CG_ITERATIONS[grid])
            late = self.last if number >= len(SCHEDULE) - N_LAST_STEPS else self.fine
            regulariser = self.coarse if grid == 8 else late
            moved = (
                flow - median_motion(flow)
            ) / pixel  # a face that moves as a whole is to look like one at rest
            facial = facial_candidates(sums, flow / pixel, pixel, face, atlas and atlas[grid])
            step, hidden = regulariser(answers, steps, moved, context[grid], hidden, facial)
            flow = flow + pixel * step
            predictions.append(flow)
        flow = self.refine(flow, hidden, seen)
        predictions.append(flow)
        flow = flow.detach()
        sums = lucas_kanade.normal_equations(first[1], second[1], flow, 2)
        flow = self.detail(
            flow, hidden, seen, sums, facial_candidates(sums, flow, 1, face, atlas and atlas[2])
        )
        predictions.append(flow)
        predictions.append(enlarge(flow, 2)[..., :height, :width])
        return predictions


def facial_candidates(
    sums: Tensor, flow: Tensor, pixel: int, face: PlacedBasis | None, atlas: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor] | None:
    """Return what a regulariser reads of a face: answers, where they hold, the equations and the atlas."""
    if face is None or atlas is None:
        return None
    return *facial_solution.facial_steps(sums, flow, face, pixel, lucas_kanade.MAX_STEP), sums, atlas


def local_contrast(frame: Tensor) -> Tensor:
    """Return `frame` (N, 3, H, W) 0..255 less its local mean and over its local contrast, about -3..3.

    Slow light and exposure vanish here, and pale skin weighs as much as a brow.
    """
    small = F.avg_pool2d(frame, 4)
    mean = box_blur(small)
    spread = box_blur((small - mean).square().mean(dim=1, keepdim=True)).sqrt()
    mean, spread = (
        F.interpolate(m, scale_factor=4, mode="bilinear", align_corners=False) for m in (mean, spread)
    )
    return (frame - mean) / (spread + 3.0)


def box_blur(maps: Tensor) -> Tensor:
    """Return `maps` averaged twice over 5x5 cells."""
    for _ in range(2):
        maps = F.avg_pool2d(maps, 5, stride=1, padding=2, count_include_pad=False)
    return maps
