"""The compact sibling of SRFlowNet: sub-pixel facial motion on a laptop's processor.

The published network matches features on a grid of 1/8, where a facial motion of one pixel is an eighth of a cell.
Here matching is linear instead: at each step the second frame is warped by the motion found so far, and what is left
is read from the brightness differences of *all* pixels of a cell, gathered on a grid of 1/8, then 1/4 (Lucas and
Kanade's normal equations, `equations.py`). A U-shaped regulariser, whose bottom sees the whole face through super
kernels, turns these noisy answers into one plausible motion; a last small network refines it at 1/2. Only these are
learned, so a training step never runs backwards at full size.

Source: B. Lucas, T. Kanade, IJCAI 1981; S. Sun et al., SKFlow, NeurIPS 2022. The combination is ours.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flow.srflownet import lucas_kanade
from flow.srflownet.resample import doubled, enlarge

# (size of a feature pixel, size of a grid cell, times) of each step, in pixels of the frame
SCHEDULE = ((8, 8), (4, 8), (2, 4), (1, 4), (1, 4), (1, 4))
ROUNDS = {
    8: 20,
    4: 12,
}  # of conjugate gradients, by the size of a cell; on the finer grid the start is already good
LAST = 2  # steps at the end that have a regulariser of their own
MULTIPLE = 32  # frames are padded to a multiple of this


class CompactSRFlowNet(nn.Module):
    """Motion of two RGB frames (N, 3, H, W) in 0..255 -> (N, 2, H, W) px; any H and W.

    width : channels of the regularisers at their finest grid
    """

    def __init__(self, width: int = 32):
        super().__init__()
        self.context = Context(width)
        self.coarse = Regulariser(width, depth=1)
        self.fine = Regulariser(width, depth=2)
        self.last = Regulariser(width, depth=2)
        self.refine = Refine(width)

    def forward(self, onset: Tensor, apex: Tensor, flow: Tensor | None = None) -> list[Tensor]:
        """Return the motion after every step, each (N, 2, h, w) in px of the frame, the last one at full size.

        onset, apex : (N, 3, H, W) float, 0..255
        flow        : (N, 2, H, W) px, where to start; at rest by default
        """
        height, width = onset.shape[-2:]
        pad = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
        onset, apex = (F.pad(frame, pad, mode="replicate") for frame in (onset, apex))
        seen = local_contrast(onset)
        context = self.context(seen)
        first = lucas_kanade.brightness(onset)
        second = {pixel: doubled(maps) for pixel, maps in lucas_kanade.brightness(apex).items()}
        cell = SCHEDULE[0][1]
        if flow is None:
            flow = F.avg_pool2d(torch.zeros_like(seen[:, :2]), cell)
        else:
            flow = F.avg_pool2d(F.pad(flow, pad, mode="replicate"), cell)
        hidden = torch.zeros_like(context[cell])
        predictions = []
        for number, (pixel, grid) in enumerate(SCHEDULE):
            if grid != cell:
                flow, hidden = (
                    enlarge(flow, cell // grid),
                    F.interpolate(hidden, scale_factor=cell // grid, mode="bilinear"),
                )
                cell = grid
            flow = flow.detach()
            answers, steps = lucas_kanade.solve(
                first[pixel], second[pixel], flow / pixel, grid // pixel, ROUNDS[grid]
            )
            regulariser = (
                self.coarse if grid == 8 else self.fine if number < len(SCHEDULE) - LAST else self.last
            )
            moved = (
                flow - drift(flow)
            ) / pixel  # a face that moves as a whole is to look like a face at rest
            step, hidden = regulariser(answers, steps, moved, context[grid], hidden)
            flow = flow + pixel * step
            predictions.append(flow)
        flow = self.refine(flow, hidden, seen)
        predictions.append(flow)
        predictions.append(enlarge(flow, 2)[..., :height, :width])
        return predictions


def drift(flow: Tensor) -> Tensor:
    """Return the motion of the frame as a whole, (N, 2, 1, 1): the median of `flow` (N, 2, h, w), u and v by themselves."""
    ordered = flow.flatten(2).sort(dim=2).values
    return ordered[..., ordered.shape[2] // 2, None, None]


def local_contrast(frame: Tensor) -> Tensor:
    """Return `frame` (N, 3, H, W) 0..255 less its local mean and over its local contrast, about -3..3.

    Slow light and exposure vanish here, and pale skin weighs as much as a brow.
    """
    small = F.avg_pool2d(frame, 4)
    mean = blur(small)
    spread = blur((small - mean).square().mean(dim=1, keepdim=True)).sqrt()
    mean, spread = (
        F.interpolate(m, scale_factor=4, mode="bilinear", align_corners=False) for m in (mean, spread)
    )
    return (frame - mean) / (spread + 3.0)


def blur(maps: Tensor) -> Tensor:
    """Return `maps` averaged twice over 5x5 cells."""
    for _ in range(2):
        maps = F.avg_pool2d(maps, 5, stride=1, padding=2, count_include_pad=False)
    return maps


class Context(nn.Module):
    """What the first frame shows, at 1/4 and at 1/8."""

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
    """SKFlow's block in small: a 1x1 expansion, a 15x15 depthwise kernel, a 1x1 mixing, each residual."""

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


class Whole(nn.Module):
    """x and what a look at the whole face adds to it: 3x3 kernels on the grid of x, super kernels on one twice as wide.

    Such grids are so coarse that most of the network's parameters cost little of its time here.
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
    """From the local answers to a plausible motion: a U of residual blocks, `depth` grids deep, super kernels at its bottom."""

    def __init__(self, width: int, depth: int):
        super().__init__()
        self.enter = nn.Conv2d(lucas_kanade.ANSWERS + 2 + 2 * width, width, 3, padding=1)
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
        self.whole = Whole(wide)
        self.keep = nn.Conv2d(width, width, 1)
        self.head = nn.Conv2d(width, lucas_kanade.STEPS + 2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():  # at first, follow the smooth answers
            self.head.bias[len(lucas_kanade.WINDOWS) : lucas_kanade.STEPS] = 2.0
            self.head.bias[: len(lucas_kanade.WINDOWS)] = -2.0

    def forward(
        self, answers: Tensor, steps: Tensor, moved: Tensor, context: Tensor, hidden: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the step (N, 2, h, w) in pixels of the level, and the new hidden state.

        answers, steps  : from `equations.solve`
        moved           : (N, 2, h, w) pixels of the level, the motion so far against the frame's drift
        context, hidden : (N, width, h, w)
        """
        x = F.gelu(self.enter(torch.cat([answers, moved, context, hidden], dim=1)))
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
        share = head[:, :-2].softmax(dim=1)[:, :, None]  # how far each answer is followed
        step = (share * steps).sum(dim=1) + head[:, -2:]
        return step, torch.tanh(self.keep(x))


class Refine(nn.Module):
    """The last touch, at 1/2: edges of lids and lips that the grid of 1/4 cannot follow."""

    def __init__(self, width: int, inner: int = 16):
        super().__init__()
        self.hidden = nn.Conv2d(width, inner, 1)
        self.enter = nn.Conv2d(inner + 2 + 12, inner, 3, padding=1)
        self.block = Residual(inner)
        self.head = nn.Conv2d(inner, 2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, flow: Tensor, hidden: Tensor, seen: Tensor) -> Tensor:
        """Return the motion (N, 2, H/2, W/2) px of the frame."""
        flow = enlarge(flow, 2)
        moved = flow - drift(flow).detach()
        guide = F.interpolate(self.hidden(hidden), scale_factor=2, mode="bilinear", align_corners=False)
        x = torch.cat([guide, moved, F.pixel_unshuffle(seen, 2)], dim=1)
        return flow + self.head(self.block(F.gelu(self.enter(x)))).float()
