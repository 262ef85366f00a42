"""What brightness says if a face moves as faces do: the strengths of a facial basis that explain the
differences best.

The equations of all cells (`lucas_kanade.py`) are summed over the face for a motion that is a combination of
placed components (`facial_basis.py`) with a Gaussian prior, so an answer holds where skin is bare and breaks
where lids and lips part. There are two: the expressions as scanned, and these with what variants add. Nothing
here is learned.

References
----------
F. Hild, S. Roux, Experimental Mechanics 52, 2012 (global bases in image correlation).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from flow.srflownet.facial_basis import CHART_CELL_PX, N_RIGID
from flow.srflownet.resample import enlarge

N_CANDIDATES = 2
# of the prior against equations that are means over cells of 4 px, in a face that moves as much as usual
PRIOR_WEIGHT = 3e-4
HALF_WEIGHT_RESIDUAL = 0.1  # squared difference at which a cell counts half
FACE_ELLIPSE = (
    (0.0, 0.3),
    (1.0, 1.2),
)  # middle and radii of an ellipse on the mean face, where hair and neck do not count
POWER_RANGE = (0.01, 10.0)  # range of the motion's power against the prior's


class PlacedBasis(NamedTuple):
    """A facial basis placed on the frames of a batch.

    motion  : (N, K, 2, h, w) px, on any grid
    chart   : (N, 3, H / CHART_CELL, W / CHART_CELL), see `facial_basis.BasisMaps`; a pair without a face holds
        zeros
    n_scanned : number of components at the front that are expressions as scanned
    """

    motion: Tensor
    chart: Tensor
    n_scanned: int

    def pad(self, height: int, width: int) -> "PlacedBasis":
        """The same for frames padded at the right and below to (height, width) px."""
        chart = self.chart.shape[-2:]
        cell = round(chart[0] * CHART_CELL_PX / self.motion.shape[-2])
        rows, columns = height // CHART_CELL_PX - chart[0], width // CHART_CELL_PX - chart[1]
        room = (0, width // cell - self.motion.shape[-1], 0, height // cell - self.motion.shape[-2])
        return PlacedBasis(F.pad(self.motion, room), F.pad(self.chart, (0, columns, 0, rows)), self.n_scanned)

    def resample(self, maps: Tensor, size: torch.Size) -> Tensor:
        """`maps` (N, C, h, w) averaged to a coarser grid, or interpolated to a finer one."""
        times = size[0] / maps.shape[-2]
        if times > 1:
            return enlarge(maps, round(times))
        return maps if times == 1 else F.avg_pool2d(maps, round(1 / times))


@torch.no_grad()
def facial_steps(
    sums: Tensor, flow: Tensor, face: PlacedBasis, pixel: int, reach: float
) -> tuple[Tensor, Tensor]:
    """Return the answers to what is left of the motion after `flow`.

    sums  : (N, 6, h, w) from `lucas_kanade.normal_equations`
    flow  : (N, 2, h, w) pixels of the level
    pixel : px of the frame along a pixel of the level
    reach : pixels of the level, the longest step

    Returns steps (N, ANSWERS, 2, h, w), pixels of the level, and where they hold, (N, 1, h, w) in 0..1.
    """
    with torch.autocast(sums.device.type, enabled=False):
        grid = flow.shape[-2:]
        coarse = torch.Size(min(a, b) for a, b in zip(grid, face.motion.shape[-2:]))
        n, components = face.motion.shape[:2]
        motion = face.resample(face.motion.flatten(0, 1), coarse).view(n, components, 2, *coarse) / pixel
        chart = face.resample(face.chart, coarse)
        known = (chart[:, 2:] > 0.99).float()
        equations = face.resample(sums.float(), coarse) * _cell_weight(chart) * known
        equations = equations / (1 + equations[:, 5:] / HALF_WEIGHT_RESIDUAL)
        so_far = face.resample(flow.float(), coarse)
        strengths = _solve_strengths(equations, so_far, motion, face.n_scanned)  # (N, ANSWERS, K)
        moved = torch.einsum("nak,nkchw->nachw", strengths, motion) - so_far[:, None]
        steps = face.resample((moved * known[:, None]).flatten(1, 2), grid).view(n, N_CANDIDATES, 2, *grid)
        return reach * torch.tanh(steps / reach), face.resample(known, grid).clamp(0, 1)


def _cell_weight(chart: Tensor) -> Tensor:
    """How much the equations of a cell count, (N, 1, h, w)."""
    (x, y), (across, down) = FACE_ELLIPSE
    away = ((chart[:, :1] - x) / across).square() + ((chart[:, 1:2] - y) / down).square()
    return torch.sigmoid((1 - away) * 10)


def _solve_strengths(equations: Tensor, flow: Tensor, motion: Tensor, n_scanned: int) -> Tensor:
    """Strengths (N, ANSWERS, K) of the components; those that an answer leaves out are zero."""
    n, count = motion.shape[:2]
    drift = flow.flatten(2).median(dim=2).values[..., None]
    counted = equations[:, 0].amax(dim=0).flatten().gt(1e-6).nonzero()[:, 0]  # the others cost time alone
    equations, flow = equations.flatten(2)[..., counted], flow.flatten(2)[..., counted]
    motion = motion.flatten(3)[..., counted]
    xx, xy, yy, xt, yt, _ = equations[:, :, None].unbind(1)  # (N, 1, P)
    u, v = motion.unbind(2)  # (N, K, P)
    fu, fv = flow[:, :, None].unbind(1)
    hessian = u @ (xx * u + xy * v).mT + v @ (xy * u + yy * v).mT
    right = u @ (xx * fu + xy * fv - xt).mT + v @ (xy * fu + yy * fv - yt).mT  # (N, K, 1)
    facial = motion[:, : count - N_RIGID].square().sum(dim=(1, 2, 3))
    power = (flow - drift).square().sum(dim=(1, 2)) / (facial + 1e-6)
    prior = PRIOR_WEIGHT / power.clamp(
        *POWER_RANGE
    )  # a face that hardly moves is held to the prior more firmly
    both = torch.zeros(n, N_CANDIDATES, count, device=motion.device)
    rigid = torch.arange(count - N_RIGID, count)
    for answer, kept in enumerate((torch.cat([torch.arange(n_scanned), rigid]), torch.arange(count))):
        part = hessian[:, kept][:, :, kept] + prior[:, None, None] * torch.eye(
            len(kept), device=motion.device
        )
        both[:, answer, kept] = torch.linalg.solve(part, right[:, kept])[..., 0]
    return both


def residual_after(sums: Tensor, step: Tensor) -> Tensor:
    """Return the squared difference that a step leaves, (N, 1, h, w), averaged around each cell.

    sums : (N, 6, h, w) from `lucas_kanade.normal_equations`; step : (N, 2, h, w) pixels of the level
    """
    xx, xy, yy, xt, yt, tt = sums.float().unbind(1)
    u, v = step.unbind(1)
    left = tt + 2 * (u * xt + v * yt) + xx * u * u + 2 * xy * u * v + yy * v * v
    for _ in range(2):
        left = F.avg_pool2d(left[:, None], 3, stride=1, padding=1, count_include_pad=False)[:, 0]
    return left[:, None]
