"""Learned parts of the compact network: context, regularisers and refinement."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flow.srflownet import lucas_kanade
from flow.srflownet.facial_selection import N_FACIAL_MAPS, FacialCandidates, StepSelector
from flow.srflownet.resample import box_mean, enlarge


class ContextEncoder(nn.Module):
    """Features of the first frame at 1/4 and at 1/8."""

    def __init__(self, width: int):
        super().__init__()
        self.to_half = nn.Conv2d(3, 16, 5, stride=2, padding=2)
        self.to_quarter = nn.Conv2d(16, width, 3, stride=2, padding=1)
        self.at_quarter = nn.Conv2d(width, width, 3, padding=1)
        self.to_eighth = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, frame: Tensor) -> dict[int, Tensor]:
        quarter = F.gelu(self.to_quarter(F.gelu(self.to_half(frame))))
        quarter = quarter + F.gelu(self.at_quarter(quarter))
        return {4: quarter, 8: F.gelu(self.to_eighth(quarter))}


class Residual(nn.Module):
    """x + conv(gelu(conv(x))), both 3x3."""

    def __init__(self, width: int):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(x + self.second(F.gelu(self.first(x))))


class SuperKernel(nn.Module):
    """SKFlow's block at small scale: 1x1 expansion, depthwise super kernel and 1x1 mixing, each residual."""

    def __init__(self, width: int, kernel: int = 15):
        super().__init__()
        self.expand = nn.Conv2d(width, width * 3 // 2, 1)
        self.reduce = nn.Conv2d(width * 3 // 2, width, 1)
        self.depthwise = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width)
        self.mix = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(x + self.reduce(F.gelu(self.expand(x))))
        x = F.gelu(x + self.depthwise(x))
        return F.gelu(x + self.mix(x))


class GlobalContext(nn.Module):
    """Add global context to x: 3x3 kernels on the grid of x, super kernels on a grid twice as coarse.

    The grids are so coarse that most of the network's parameters cost little time here.
    """

    def __init__(self, width: int, inner: int = 80):
        super().__init__()
        self.near = Residual(width)
        self.down = nn.Conv2d(width, inner, 3, stride=2, padding=1)
        self.far = nn.Sequential(Residual(inner), SuperKernel(inner), SuperKernel(inner))
        self.up = nn.Conv2d(inner, width, 1)
        self.mix = Residual(width)
        self.out = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        near = self.near(x)
        far = self.up(self.far(F.gelu(self.down(near))))
        return x + self.out(
            self.mix(near + F.interpolate(far, size=x.shape[-2:], mode="bilinear", align_corners=False))
        )


class Regulariser(nn.Module):
    """Combine the candidate steps by a U of residual blocks with super kernels at the bottom.

    Parameters
    ----------
    width : int
        Channels on the finest grid.
    depth : int
        Number of coarser grids.
    """

    def __init__(self, width: int, depth: int):
        super().__init__()
        self.enter = nn.Conv2d(lucas_kanade.N_STEP_MAPS + 2 + 2 * width, width, 3, padding=1)
        self.down = nn.ModuleList()
        self.up = nn.ModuleList()
        self.out = nn.ModuleList()
        wide = width
        self.level = nn.ModuleList([Residual(width)])
        for _ in range(depth):
            self.down.append(nn.Conv2d(wide, wide + 16, 3, stride=2, padding=1))
            self.up.append(nn.Conv2d(wide + 16, wide, 1))
            self.out.append(Residual(wide))
            wide += 16
            self.level.append(Residual(wide))
        self.bottom = SuperKernel(wide)
        self.whole = GlobalContext(wide)
        self.keep = nn.Conv2d(width, width, 1)
        self.head = nn.Conv2d(width, lucas_kanade.N_STEPS + 2, 3, padding=1)
        self.enter_face = nn.Conv2d(N_FACIAL_MAPS, width, 3, padding=1, bias=False)
        self.chooser = StepSelector(width)
        nn.init.zeros_(self.enter_face.weight)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():  # initially, follow the smooth candidates
            self.head.bias[len(lucas_kanade.WINDOW_SIDES) : lucas_kanade.N_STEPS] = 2.0
            self.head.bias[: len(lucas_kanade.WINDOW_SIDES)] = -2.0

    def forward(
        self,
        maps: Tensor,
        steps: Tensor,
        relative: Tensor,
        context: Tensor,
        hidden: Tensor,
        facial: FacialCandidates | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return the step (N, 2, h, w) in pixels of the level, and the new hidden state.

        Parameters
        ----------
        maps, steps : Tensor
            From `lucas_kanade.candidate_steps`.
        relative : (N, 2, h, w) pixels of the level, motion so far minus the frame's median motion
        context, hidden : (N, width, h, w)
        facial : FacialCandidates or None
            None without any face.
        """
        x = self.enter(torch.cat([maps, relative, context, hidden], dim=1))
        if facial is not None:
            x = x + self.enter_face(facial.maps())
        x = F.gelu(x)
        x = self.level[0](x)
        trail = []
        for down, level in zip(self.down, list(self.level)[1:]):
            trail.append(x)
            x = level(F.gelu(down(x)))
        x = self.whole(self.bottom(x))
        for up, out in zip(reversed(self.up), reversed(self.out)):
            x = F.interpolate(up(x), scale_factor=2, mode="bilinear", align_corners=False)
            x = out(x + trail.pop())
        head = self.head(x).float()
        weights = head[:, :-2].softmax(dim=1)[:, :, None]
        step = (weights * steps).sum(dim=1) + head[:, -2:]
        if facial is not None:
            step = self.chooser(x, step, facial)
        return step, torch.tanh(self.keep(x))


class HalfGridRefinement(nn.Module):
    """Refinement at 1/2: edges of lids and lips, which are finer than the grid of 1/4."""

    def __init__(self, width: int, inner: int = 16):
        super().__init__()
        self.hidden = nn.Conv2d(width, inner, 1)
        self.enter = nn.Conv2d(inner + 2 + 12, inner, 3, padding=1)
        self.block = Residual(inner)
        self.head = nn.Conv2d(inner, 2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, flow: Tensor, hidden: Tensor, frame: Tensor) -> Tensor:
        """Return the motion (N, 2, H/2, W/2) px of the frame."""
        flow = enlarge(flow, 2)
        relative = flow - median_motion(flow).detach()
        guide = F.interpolate(self.hidden(hidden), scale_factor=2, mode="bilinear", align_corners=False)
        x = torch.cat([guide, relative, F.pixel_unshuffle(frame, 2)], dim=1)
        return flow + self.head(self.block(F.gelu(self.enter(x)))).float()


class DetailStep(nn.Module):
    """Final step at 1/2: brightness equations on cells of 2 px, for motion that varies within few pixels."""

    WINDOWS = (3, 7)  # cells

    def __init__(self, width: int, inner: int = 24):
        super().__init__()
        self.hidden = nn.Conv2d(width, inner, 1)
        self.enter = nn.Conv2d(inner + 2 + 12 + 6 * len(self.WINDOWS), inner, 3, padding=1)
        self.enter_face = nn.Conv2d(N_FACIAL_MAPS, inner, 3, padding=1, bias=False)
        self.near = Residual(inner)
        self.down = nn.Conv2d(inner, 2 * inner, 3, stride=2, padding=1)
        self.around = nn.Sequential(Residual(2 * inner), SuperKernel(2 * inner, 7))
        self.up = nn.Conv2d(2 * inner, inner, 1)
        self.far = Residual(inner)
        self.head = nn.Conv2d(inner, 1 + len(self.WINDOWS) + 2, 3, padding=1)
        self.chooser = StepSelector(inner)
        nn.init.zeros_(self.enter_face.weight)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():  # initially, keep the motion
            self.head.bias[0] = 4.0

    def forward(
        self,
        flow: Tensor,
        hidden: Tensor,
        frame: Tensor,
        sums: Tensor,
        facial: FacialCandidates | None = None,
    ) -> Tensor:
        """Return the motion (N, 2, H/2, W/2) px of the frame.

        Parameters
        ----------
        flow : (N, 2, H/2, W/2) px
        hidden : (N, width, H/4, W/4)
        frame : (N, 3, H, W), first frame at local contrast
        sums : Tensor
            From `lucas_kanade.normal_equations` on cells of 2 px.
        facial : FacialCandidates or None
            As in `Regulariser.forward`.
        """
        local = [lucas_kanade.local_step(box_mean(sums, side)) for side in self.WINDOWS]
        guide = F.interpolate(self.hidden(hidden), scale_factor=2, mode="bilinear", align_corners=False)
        relative = flow - median_motion(flow)
        x = torch.cat([guide, relative, F.pixel_unshuffle(frame, 2), *(maps for maps, _ in local)], dim=1)
        x = self.enter(x)
        if facial is not None:
            x = x + self.enter_face(facial.maps())
        x = self.near(F.gelu(x))
        far = self.up(self.around(F.gelu(self.down(x))))
        x = self.far(x + F.interpolate(far, size=x.shape[-2:], mode="bilinear", align_corners=False))
        head = self.head(x).float()
        steps = torch.stack([torch.zeros_like(flow), *(step for _, step in local)], dim=1)
        step = (head[:, :-2].softmax(dim=1)[:, :, None] * steps).sum(dim=1) + head[:, -2:]
        if facial is not None:
            step = self.chooser(x, step, facial)
        return flow + step


def median_motion(flow: Tensor) -> Tensor:
    """Return the medians of u and v of `flow` (N, 2, h, w), (N, 2, 1, 1): the motion of the whole frame."""
    flat = flow.flatten(2)
    return flat.kthvalue(flat.shape[2] // 2 + 1, dim=2).values[..., None, None]
