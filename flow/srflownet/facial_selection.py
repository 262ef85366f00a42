"""What the compact network learns of faces: maps over the mean face, and when to follow facial answers."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flow.srflownet import facial_solution
from flow.srflownet.facial_solution import PlacedBasis

N_ATLAS_MAPS = 8  # maps over the mean face that are learned
ATLAS_HALF_SIZE = (1.3, 1.8)  # inter-ocular distances, half the width and height of what they cover
ATLAS_CENTRE = (0.0, 0.4)  # of that on the mean face
N_FACE_MAPS = 3 + N_ATLAS_MAPS  # what `FaceAtlas` returns
N_FACIAL_MAPS = (
    2 * facial_solution.N_CANDIDATES + facial_solution.N_CANDIDATES + 1
)  # what a chooser reads of the facial answers


class FaceAtlas(nn.Module):
    """What is learned about each place of the mean face, seen on one face at 1/2, 1/4 and 1/8.

    Zero where there is none.
    """

    def __init__(self):
        super().__init__()
        self.maps = nn.Parameter(0.1 * torch.randn(1, N_ATLAS_MAPS, 54, 39))

    def forward(self, face: PlacedBasis) -> dict[int, Tensor]:
        chart = face.chart.float()
        middle, half = (chart.new_tensor(pair)[:, None, None] for pair in (ATLAS_CENTRE, ATLAS_HALF_SIZE))
        at = (chart[:, :2] - middle) / half
        maps = self.maps.float().expand(len(chart), -1, -1, -1)
        seen = F.grid_sample(maps, at.permute(0, 2, 3, 1), padding_mode="border", align_corners=False)
        fine = torch.cat([at, chart[:, 2:], seen], dim=1) * chart[:, 2:]
        return {2: fine, 4: F.avg_pool2d(fine, 2), 8: F.avg_pool2d(fine, 4)}


class StepSelector(nn.Module):
    """Keeps a step or takes one of the facial answers, place by place.

    Before any training an answer weighs as much as it explains the brightness differences better than the
    step does.
    """

    def __init__(self, width: int):
        super().__init__()
        self.head = nn.Conv2d(width, 1 + facial_solution.N_CANDIDATES, 3, padding=1)
        self.sharpness = nn.Parameter(
            torch.tensor(7.0)
        )  # logarithm of what one unit of squared difference weighs
        nn.init.zeros_(self.head.weight)
        with torch.no_grad():
            self.head.bias.copy_(torch.tensor([0.0] + [-2.0] * facial_solution.N_CANDIDATES))

    def forward(self, x: Tensor, step: Tensor, facial: Tensor, known: Tensor, sums: Tensor) -> Tensor:
        """Return the chosen step (N, 2, h, w).

        x : (N, width, h, w); step : (N, 2, h, w); facial, known : from `facial_solution.facial_steps`
        sums : from `lucas_kanade.normal_equations`
        """
        with torch.no_grad():
            kept = facial_solution.residual_after(sums, step)
            better = [kept - facial_solution.residual_after(sums, answer) for answer in facial.unbind(1)]
            better = torch.cat([torch.zeros_like(kept), *better], dim=1)
        evidence = 6 * torch.tanh(better * self.sharpness.float().exp() / 6)
        blocked = F.pad(
            -30 * (1 - known.expand(-1, facial_solution.N_CANDIDATES, -1, -1)), (0, 0, 0, 0, 1, 0)
        )
        share = (self.head(x).float() + evidence + blocked).softmax(dim=1)[:, :, None]
        return (share * torch.cat([step[:, None], facial], dim=1)).sum(dim=1)


def facial_maps(facial: Tensor, known: Tensor, sums: Tensor) -> Tensor:
    """Return what a network reads of the facial answers, (N, FACIAL, h, w): steps, what they leave, where
    they hold.
    """
    left = [
        20 * facial_solution.residual_after(sums, answer).clamp(0, 1).sqrt() for answer in facial.unbind(1)
    ]
    return torch.cat([facial.flatten(1, 2), *left, torch.ones_like(known)], dim=1) * known
