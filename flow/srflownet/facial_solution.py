"""Facial candidates: the strengths of a facial basis that best explain the brightness differences.

The equations of all cells (`lucas_kanade.py`) are summed over the face for a motion that is a combination of
placed components (`facial_basis.py`) under a Gaussian prior. A solution is therefore valid on textureless
skin too, and discontinuous where lids and lips part. There are two candidates: expressions as scanned, and
expressions with their variants. Nothing here is learned.

References
----------
F. Hild, S. Roux, Experimental Mechanics 52, 2012 (global bases in image correlation).
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from flow.srflownet.facial_basis import CHART_CELL_PX, N_RIGID
from flow.srflownet.resample import box_mean, enlarge

N_CANDIDATES = 2
PRIOR_WEIGHT = 1e-5  # relative to equations averaged over cells of 4 px, for motion of usual size
# Squared slope times mean squared motion at which a cell's equations count half. A basis placed by landmarks
# is wrong by a fraction of the motion, and the strong slopes of lids and lips would outweigh the skin.
HALF_TRUST = 0.005
HALF_WEIGHT_RESIDUAL = 0.1  # squared brightness difference at which a cell counts half
# Centre and radii on the mean face, inter-ocular distances; excludes hair and neck.
FACE_ELLIPSE = ((0.0, 0.3), (1.0, 1.2))
POWER_RANGE = (0.01, 10.0)  # of the motion relative to the prior


class PlacedBasis(NamedTuple):
    """A facial basis placed on the frames of a batch.

    Attributes
    ----------
    motion : (N, K, 2, h, w) px, on any grid
    chart : (N, 3, H / CHART_CELL_PX, W / CHART_CELL_PX), see `facial_basis.BasisMaps`; zeros without a face
    n_scanned : int
        Number of leading components that are expressions as scanned.
    """

    motion: Tensor
    chart: Tensor
    n_scanned: int

    def pad(self, height: int, width: int) -> "PlacedBasis":
        """Pad to frames of (height, width) px, at the right and below."""
        chart = self.chart.shape[-2:]
        cell = round(chart[0] * CHART_CELL_PX / self.motion.shape[-2])
        rows, columns = height // CHART_CELL_PX - chart[0], width // CHART_CELL_PX - chart[1]
        room = (0, width // cell - self.motion.shape[-1], 0, height // cell - self.motion.shape[-2])
        return PlacedBasis(F.pad(self.motion, room), F.pad(self.chart, (0, columns, 0, rows)), self.n_scanned)

    @torch.no_grad()
    def on_grids(self, height: int, width: int, cells: Iterable[int]) -> dict[int, "GridBasis"]:
        """Return the basis for grids of each of `cells` (side in px) on frames of (height, width) px.

        Motion is never interpolated: grids finer than that of the basis share its own.
        """
        sizes = {cell: min((height // cell, width // cell), tuple(self.motion.shape[-2:])) for cell in cells}
        grids = {size: self._on_grid(size) for size in set(sizes.values())}
        return {cell: grids[size] for cell, size in sizes.items()}

    def _on_grid(self, size: tuple[int, int]) -> "GridBasis":
        chart = resample(self.chart, size)
        known = (chart[:, 2:] > 0.99).float()
        weight = _cell_weight(chart) * known
        motion = resample(self.motion.flatten(0, 1), size).view(*self.motion.shape[:3], *size)
        cells = known.flatten(1).any(dim=0).nonzero()[:, 0]
        solved = motion.flatten(3).index_select(3, cells)
        power = solved[:, : solved.shape[1] - N_RIGID].square().sum(dim=(1, 2))
        return GridBasis(motion, known, weight, cells, solved, power, self.n_scanned)


class GridBasis(NamedTuple):
    """A placed basis on one grid, with all that the equations of each step need again.

    Attributes
    ----------
    motion : (N, K, 2, h, w) px
    known : (N, 1, h, w), 1 on the face and 0 elsewhere
    weight : (N, 1, h, w) in 0..1, weight of each cell's equations
    cells : (P,) int64, cells on any face of the batch
    cell_motion : (N, K, 2, P) px, `motion` of `cells`
    power : (N, P) px^2, squared facial motion of a cell summed over components
    n_scanned : int
        As in `PlacedBasis`.
    """

    motion: Tensor
    known: Tensor
    weight: Tensor
    cells: Tensor
    cell_motion: Tensor
    power: Tensor
    n_scanned: int


def resample(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Average `maps` (N, C, h, w) to a coarser grid of `size` or interpolate them to a finer one."""
    times = size[0] / maps.shape[-2]
    if times > 1:
        return enlarge(maps, round(times))
    return maps if times == 1 else F.avg_pool2d(maps, round(1 / times))


@torch.no_grad()
def facial_steps(
    sums: Tensor, flow: Tensor, face: GridBasis, pixel: int, max_step: float
) -> tuple[Tensor, Tensor]:
    """Return the facial candidates for the motion that remains after `flow`.

    Parameters
    ----------
    sums : (N, 6, h, w) from `lucas_kanade.normal_equations`
    flow : (N, 2, h, w) pixels of the level
    face : GridBasis
        Of this grid or a coarser one.
    pixel : int
        Pixels of the frame per pixel of the level.
    max_step : float
        Pixels of the level.

    Returns
    -------
    steps : (N, N_CANDIDATES, 2, h, w), pixels of the level
    known : (N, 1, h, w) in 0..1, where they are valid
    """
    with torch.autocast(sums.device.type, enabled=False):
        grid, coarse = flow.shape[-2:], face.motion.shape[-2:]
        equations = resample(sums.float(), coarse) * face.weight
        equations = equations / (1 + equations[:, 5:] / HALF_WEIGHT_RESIDUAL)
        so_far = resample(flow.float(), coarse)
        strengths = _solve_strengths(equations, so_far, face, pixel)  # (N, N_CANDIDATES, K)
        remaining = torch.einsum("nak,nkchw->nachw", strengths / pixel, face.motion) - so_far[:, None]
        steps = resample((remaining * face.known[:, None]).flatten(1, 2), grid)
        steps = steps.view(len(flow), N_CANDIDATES, 2, *grid)
        return max_step * torch.tanh(steps / max_step), resample(face.known, grid).clamp(0, 1)


def _cell_weight(chart: Tensor) -> Tensor:
    """Return the weight of each cell's equations, (N, 1, h, w)."""
    (x, y), (half_width, half_height) = FACE_ELLIPSE
    radius2 = ((chart[:, :1] - x) / half_width).square() + ((chart[:, 1:2] - y) / half_height).square()
    return torch.sigmoid((1 - radius2) * 10)


def _limit_trust(equations: Tensor, power: Tensor) -> Tensor:
    """Bound the weight of each cell's equations (N, 6, P), given the mean squared motion `power` (N,).

    A d = -b becomes (I + c A)^-1 A d = -(I + c A)^-1 b, which has the same solution.
    """
    c = (power / HALF_TRUST)[:, None]
    xx, xy, yy, xt, yt, tt = equations.unbind(1)
    determinant = xx * yy - xy * xy
    scale = 1 / (1 + c * (xx + yy) + c * c * determinant)
    xt, yt = xt + c * (yy * xt - xy * yt), yt + c * (xx * yt - xy * xt)
    xx, yy = xx + c * determinant, yy + c * determinant
    return torch.stack([xx * scale, xy * scale, yy * scale, xt * scale, yt * scale, tt], dim=1)


def _solve_strengths(equations: Tensor, flow: Tensor, face: GridBasis, pixel: int) -> Tensor:
    """Solve for the strengths (N, N_CANDIDATES, K); components that a candidate excludes are zero."""
    n, count = face.motion.shape[:2]
    drift = flow.flatten(2).median(dim=2).values[..., None]
    equations, flow = (maps.flatten(2).index_select(2, face.cells) for maps in (equations, flow))
    has_slope = equations[:, :1] > 1e-6
    equations, n_cells = equations * has_slope, has_slope.sum(dim=(1, 2)).clamp(min=1)
    squared = ((flow - drift).square() * has_slope).sum(dim=(1, 2))
    equations = _limit_trust(equations, squared / n_cells)
    along_x, along_y, change = equations[:, [0, 1]], equations[:, [1, 2]], equations[:, [3, 4]]  # (N, 2, P)
    weighted = along_x[:, None] * face.cell_motion[:, :, :1]
    weighted.addcmul_(along_y[:, None], face.cell_motion[:, :, 1:])  # (N, K, 2, P)
    components = face.cell_motion.flatten(2)  # (N, K, 2 P)
    hessian = _symmetric_product(components, weighted.flatten(2))
    right = components @ (along_x * flow[:, :1] + along_y * flow[:, 1:] - change).flatten(1)[..., None]
    power = pixel**2 * squared / ((face.power * has_slope[:, 0]).sum(dim=1) + 1e-6)
    prior = PRIOR_WEIGHT / power.clamp(*POWER_RANGE)  # stronger for small motion
    strengths = torch.zeros(n, N_CANDIDATES, count, device=flow.device)
    rigid = torch.arange(count - N_RIGID, count)
    for candidate, kept in enumerate((torch.cat([torch.arange(face.n_scanned), rigid]), torch.arange(count))):
        damping = pixel**2 * prior[:, None, None] * torch.eye(len(kept), device=flow.device)
        system = hessian[:, kept][:, :, kept] + damping
        strengths[:, candidate, kept] = torch.linalg.solve(system, pixel * right[:, kept])[..., 0]
    return strengths


def _symmetric_product(left: Tensor, right: Tensor, n_blocks: int = 4) -> Tensor:
    """Return left @ right.mT (N, K, K), known to be symmetric, from its lower blocks only."""
    edges = [round(left.shape[1] * block / n_blocks) for block in range(n_blocks + 1)]
    product = left.new_empty(len(left), left.shape[1], left.shape[1])
    for start, end in zip(edges, edges[1:]):
        product[:, start:, start:end] = left[:, start:] @ right[:, start:end].mT
        product[:, start:end, end:] = product[:, end:, start:end].mT
    return product


def residual_after(sums: Tensor, step: Tensor) -> Tensor:
    """Return the squared brightness difference after a step, (N, 1, h, w), averaged around each cell.

    Parameters
    ----------
    sums : (N, 6, h, w) from `lucas_kanade.normal_equations`
    step : (N, 2, h, w) pixels of the level
    """
    xx, xy, yy, xt, yt, tt = sums.float().unbind(1)
    u, v = step.unbind(1)
    residual = tt + 2 * (u * xt + v * yt) + xx * u * u + 2 * xy * u * v + yy * v * v
    return box_mean(box_mean(residual[:, None], 3), 3)
