"""HTNet: attention inside each of four facial regions first, then between them.

Source: Wang, Zhang, Zhang and Wang, "HTNet for micro-expression recognition", Neurocomputing 602, 2024: both
eyes and both halves of the lips are cut from the flow around landmarks, and a hierarchical transformer
attends within a region before it joins them.

Differences:
- Regions are cut at the template's positions of eyes and lip corners, to which `mer prepare` aligns every
  face, because a classifier sees maps and no landmarks. `crop: box` suits ready-made maps.
- Two levels of one block and 64 values per token, 0.1 M weights; the published network is wider, deeper and
  has three levels.
- A fixed number of epochs. The published code keeps the best epoch of each test subject, which accounts for
  most of its score.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from mer.classifiers._network import AdamWClassifier

MAP_SIDE, REGION_SIDE, PATCH_SIDE = 28, 14, 7  # cells
WIDTH, N_HEADS = 64, 4
# Centres of right eye, left eye, right and left lip corner, (x, y) in fractions of the map. "aligned": the
# template of data_prep/align.py; lip corners are 0.37 inter-ocular distances beside and 1.07 below the middle
# between the eyes (flow/splatting/mean_face.csv).
CENTRES = {
    "aligned": ((0.325, 0.25), (0.675, 0.25), (0.37, 0.625), (0.63, 0.625)),
    "box": ((0.26, 0.38), (0.74, 0.38), (0.32, 0.74), (0.68, 0.74)),
}


class Net(nn.Module):
    """(N, C, H, W) float32 -> logits (N, n_classes)."""

    def __init__(self, channels: int, crop: str, n_classes: int):
        super().__init__()
        last = MAP_SIDE - REGION_SIDE
        self.corners = [
            tuple(min(max(round(fraction * MAP_SIDE - REGION_SIDE / 2), 0), last) for fraction in centre)
            for centre in CENTRES[crop]
        ]
        n_tokens = (REGION_SIDE // PATCH_SIDE) ** 2
        self.embed = nn.Conv2d(channels, WIDTH, PATCH_SIDE, stride=PATCH_SIDE)
        self.position = nn.Parameter(0.02 * torch.randn(len(self.corners), n_tokens, WIDTH))
        self.region_attention, self.face_attention = (
            nn.TransformerEncoderLayer(
                WIDTH, N_HEADS, 2 * WIDTH, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(2)
        )
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(len(self.corners) * WIDTH, n_classes)

    def regions(self, x: torch.Tensor) -> torch.Tensor:
        """Cut the regions, (N, 4, C, 14, 14), from maps of any size."""
        if x.shape[2:] != (MAP_SIDE, MAP_SIDE):
            x = F.interpolate(x, (MAP_SIDE, MAP_SIDE), mode="bilinear", antialias=True)
        cuts = [x[:, :, top : top + REGION_SIDE, left : left + REGION_SIDE] for left, top in self.corners]
        return torch.stack(cuts, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        regions = self.regions(x)
        n_maps, n_regions = regions.shape[:2]
        tokens = self.embed(regions.flatten(0, 1)).flatten(2).transpose(1, 2)  # (N * 4, 4, WIDTH)
        tokens = self.region_attention(tokens + self.position.repeat(n_maps, 1, 1))
        joined = self.face_attention(tokens.amax(1).view(n_maps, n_regions, WIDTH))  # (N, 4, WIDTH)
        return self.head(self.norm(joined).flatten(1))


@dataclass(eq=False, repr=False)
class Classifier(AdamWClassifier):
    """HTNet; the other parameters are those of `AdamWClassifier`.

    Parameters
    ----------
    crop : {"aligned", "box"}
        How the maps were cut, see the module.
    """

    weight_decay: float = 5e-2
    crop: Literal["aligned", "box"] = "aligned"

    def build(self, channels: int, height: int, width: int) -> nn.Module:
        return Net(channels, self.crop, len(self.classes_))
