"""Learned parts of the compact network that depend on the face: atlas and selection of steps."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flow.srflownet import facial_solution
from flow.srflownet.facial_solution import PlacedBasis

N_ATLAS_MAPS = 8
ATLAS_HALF_SIZE = (1.3, 1.8)  # half width and height of the atlas, inter-ocular distances
ATLAS_CENTRE = (0.0, 0.4)  # its centre on the mean face
N_FACE_MAPS = 3 + N_ATLAS_MAPS  # channels of `FaceAtlas`
N_FACIAL_MAPS = 3 * facial_solution.N_CANDIDATES + 1  # channels of `facial_maps`


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


class StepSelector(nn.Module):
    """Select, per place, between the regulariser's step and the facial candidates.

    Before training, a candidate's weight depends on how much better it explains the brightness differences.
    """

    def __init__(self, width: int):
        super().__init__()
        self.head = nn.Conv2d(width, 1 + facial_solution.N_CANDIDATES, 3, padding=1)
        self.sharpness = nn.Parameter(torch.tensor(7.0))  # log of the weight per unit of squared difference
        nn.init.zeros_(self.head.weight)
        with torch.no_grad():
            self.head.bias.copy_(torch.tensor([0.0] + [-2.0] * facial_solution.N_CANDIDATES))

    def forward(self, x: Tensor, step: Tensor, facial: Tensor, known: Tensor, sums: Tensor) -> Tensor:
        """Return the selected step (N, 2, h, w).

        Parameters
        ----------
        x : (N, width, h, w)
        step : (N, 2, h, w)
        facial, known : from `facial_solution.facial_steps`
        sums : from `lucas_kanade.normal_equations`
        """
        with torch.no_grad():
            current = facial_solution.residual_after(sums, step)
            gains = [current - facial_solution.residual_after(sums, step) for step in facial.unbind(1)]
            gain = torch.cat([torch.zeros_like(current), *gains], dim=1)
        evidence = 6 * torch.tanh(gain * self.sharpness.float().exp() / 6)
        blocked = F.pad(
            -30 * (1 - known.expand(-1, facial_solution.N_CANDIDATES, -1, -1)), (0, 0, 0, 0, 1, 0)
        )
        weights = (self.head(x).float() + evidence + blocked).softmax(dim=1)[:, :, None]
        return (weights * torch.cat([step[:, None], facial], dim=1)).sum(dim=1)


def facial_maps(facial: Tensor, known: Tensor, sums: Tensor) -> Tensor:
    """Return the facial input maps (N, N_FACIAL_MAPS, h, w): steps, their residuals and validity."""
    residuals = [
        20 * facial_solution.residual_after(sums, step).clamp(0, 1).sqrt() for step in facial.unbind(1)
    ]
    return torch.cat([facial.flatten(1, 2), *residuals, torch.ones_like(known)], dim=1) * known
