"""Learned parts of the compact network that depend on the face: atlas and selection of steps."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flow.srflownet import facial_solution, lucas_kanade
from flow.srflownet.facial_solution import GridBasis, PlacedBasis
from flow.srflownet.resample import box_mean

N_ATLAS_MAPS = 8
ATLAS_HALF_SIZE = (1.3, 1.8)  # half width and height of the atlas, inter-ocular distances
ATLAS_CENTRE = (0.0, 0.4)  # its centre on the mean face
N_FACE_MAPS = 3 + N_ATLAS_MAPS  # channels of `FaceAtlas`
N_FACIAL_MAPS = 3 * facial_solution.N_CANDIDATES + 1 + N_FACE_MAPS  # channels of `FacialCandidates.maps`

EVIDENCE_SIDE = 7  # cells; the wider neighbourhood is twice averaged over as many
EVIDENCE_SHARPNESS = (7.0, 6.5)  # log of the initial weights per unit of squared difference, near and wide


class FaceAtlas(nn.Module):
    """Learned maps over the mean face, resampled on one face at 1/2, 1/4 and 1/8; zero outside the face."""

    def __init__(self):
        super().__init__()
        self.maps = nn.Parameter(0.1 * torch.randn(1, N_ATLAS_MAPS, 54, 39))

    def forward(self, face: PlacedBasis) -> dict[int, Tensor]:
        chart = face.chart.float()
        middle, half = (chart.new_tensor(pair)[:, None, None] for pair in (ATLAS_CENTRE, ATLAS_HALF_SIZE))
        at = (chart[:, :2] - middle) / half
        maps = self.maps.float().expand(len(chart), -1, -1, -1)
        atlas = F.grid_sample(maps, at.permute(0, 2, 3, 1), padding_mode="border", align_corners=False)
        fine = torch.cat([at, chart[:, 2:], atlas], dim=1) * chart[:, 2:]
        return {2: fine, 4: F.avg_pool2d(fine, 2), 8: F.avg_pool2d(fine, 4)}


class FacialCandidates(NamedTuple):
    """Facial candidates on one grid, with what a regulariser needs to select among them.

    Attributes
    ----------
    steps : (N, N_CANDIDATES, 2, h, w) pixels of the level
    known : (N, 1, h, w) in 0..1, where they are valid
    residuals : (N, N_CANDIDATES, h, w) squared brightness difference after each
    sums : (N, 6, h, w) from `lucas_kanade.normal_equations`
    atlas : (N, N_FACE_MAPS, h, w)
    """

    steps: Tensor
    known: Tensor
    residuals: Tensor
    sums: Tensor
    atlas: Tensor

    def maps(self) -> Tensor:
        """Return the inputs of a regulariser, (N, N_FACIAL_MAPS, h, w)."""
        residuals = 20 * self.residuals.clamp(0, 1).sqrt()
        facial = torch.cat([self.steps.flatten(1, 2), residuals, torch.ones_like(self.known)], dim=1)
        return torch.cat([facial * self.known, self.atlas], dim=1)


@torch.no_grad()
def facial_candidates(
    sums: Tensor, flow: Tensor, pixel: int, face: GridBasis, atlas: Tensor
) -> FacialCandidates:
    """Solve for the facial candidates after `flow`; parameters as in `facial_solution.facial_steps`."""
    steps, known = facial_solution.facial_steps(sums, flow, face, pixel, lucas_kanade.MAX_STEP)
    residuals = torch.cat([facial_solution.residual_after(sums, step) for step in steps.unbind(1)], dim=1)
    return FacialCandidates(steps, known, residuals, sums, atlas)


class StepSelector(nn.Module):
    """Select, per place, between the regulariser's step and the facial candidates.

    Before training, a candidate's weight depends on how much better it explains the brightness differences,
    near the place and in a wider neighbourhood, where noise averages out.
    """

    def __init__(self, width: int):
        super().__init__()
        self.head = nn.Conv2d(width, 1 + facial_solution.N_CANDIDATES, 3, padding=1)
        self.sharpness = nn.Parameter(torch.tensor(EVIDENCE_SHARPNESS))
        nn.init.zeros_(self.head.weight)
        with torch.no_grad():
            self.head.bias.copy_(torch.tensor([0.0] + [-2.0] * facial_solution.N_CANDIDATES))

    def forward(self, x: Tensor, step: Tensor, facial: FacialCandidates) -> Tensor:
        """Return the selected step (N, 2, h, w).

        Parameters
        ----------
        x : (N, width, h, w)
        step : (N, 2, h, w), the regulariser's
        """
        with torch.no_grad():
            current = facial_solution.residual_after(facial.sums, step)
            gain = torch.cat([torch.zeros_like(current), current - facial.residuals], dim=1)
        gains = torch.stack([gain, box_mean(box_mean(gain, EVIDENCE_SIDE), EVIDENCE_SIDE)], dim=-1)
        evidence = 6 * torch.tanh((gains * self.sharpness.float().exp()).sum(dim=-1) / 6)
        blocked = -30 * (1 - facial.known.expand(-1, facial_solution.N_CANDIDATES, -1, -1))
        blocked = F.pad(blocked, (0, 0, 0, 0, 1, 0))
        weights = (self.head(x).float() + evidence + blocked).softmax(dim=1)[:, :, None]
        return (weights * torch.cat([step[:, None], facial.steps], dim=1)).sum(dim=1)
