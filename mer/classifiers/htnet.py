"""HTNet: attention first inside each of four regions of the face, then between them.

Source: Wang, Zhang, Zhang and Wang, "HTNet for micro-expression recognition", Neurocomputing 602, 2024: left
eye, right eye and both halves of the lips are cut from the flow around landmarks, and a hierarchical
transformer attends within a region before it joins them.

What differs here:
- The regions lie where the *landmarks of the template* put eyes and lip corners in an aligned face (`mer
  prepare` brings every face to that template), because a classifier sees maps and no landmarks. `crop: box`
  is for ready-made maps cut along the face's box.
- Two levels of one block and 64 values a token, 0.1 M weights; the published network is wider, deeper and has
  three levels.
- A fixed number of epochs. The published code keeps the best epoch of each test subject, which is worth most
  of its score.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional as F

from mer.classifiers._network import NetworkClassifier

SIDE, REGION, PATCH = 28, 14, 7  # cells of the map, of a region, of a patch
WIDTH, HEADS = 64, 4
# Centres of right eye, left eye, right and left lip corner, in fractions of the map (x, y). Aligned:
# data_prep/align.py's template, with lip corners 0.37 inter-ocular distances beside and 1.07 below the middle
# between the eyes (flow/splatting/mean_face.csv).
CENTRES = {
    "aligned": ((0.325, 0.25), (0.675, 0.25), (0.37, 0.625), (0.63, 0.625)),
    "box": ((0.26, 0.38), (0.74, 0.38), (0.32, 0.74), (0.68, 0.74)),
}


class Net(nn.Module):
    """(N, C, H, W) float32 -> logits (N, classes)."""

    def __init__(self, channels: int, crop: str, n_classes: int):
        super().__init__()
        self.corners = [
            tuple(min(max(round(share * SIDE - REGION / 2), 0), SIDE - REGION) for share in centre)
            for centre in CENTRES[crop]
        ]
        self.embed = nn.Conv2d(channels, WIDTH, PATCH, stride=PATCH)
        self.place = nn.Parameter(0.02 * torch.randn(len(self.corners), (REGION // PATCH) ** 2, WIDTH))
        self.within, self.between = (
            nn.TransformerEncoderLayer(
                WIDTH, HEADS, 2 * WIDTH, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(2)
        )
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(len(self.corners) * WIDTH, n_classes)

    def regions(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 4, C, 14, 14): the regions cut from maps of any size."""
        x = (
            F.interpolate(x, (SIDE, SIDE), mode="bilinear", antialias=True)
            if x.shape[2:] != (SIDE, SIDE)
            else x
        )
        return torch.stack(
            [x[:, :, top : top + REGION, left : left + REGION] for left, top in self.corners], 1
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        regions = self.regions(x)
        n, count = regions.shape[:2]
        tokens = self.embed(regions.flatten(0, 1)).flatten(2).transpose(1, 2)  # (N * 4, 4, WIDTH)
        tokens = self.within(tokens + self.place.repeat(n, 1, 1))
        joined = self.between(tokens.amax(1).view(n, count, WIDTH))  # (N, 4, WIDTH)
        return self.head(self.norm(joined).flatten(1))


class Classifier(NetworkClassifier):
    """HTNet; the other parameters are those of `_network.NetworkClassifier`.

    Parameters
    ----------
    crop : {"aligned", "box"}
        How the maps were cut, see the module.
    """

    def __init__(
        self,
        classes: Sequence[Any] | None = None,
        random_state: int = 0,
        crop: Literal["aligned", "box"] = "aligned",
        epochs: int = 40,
        learning_rate: float = 1e-3,
        batch_size: int = 64,
        weight_decay: float = 5e-2,
        balanced: bool = True,
        device: str = "cpu",
        map_shape: tuple[int, int, int] | None = None,
    ):
        self.classes = classes
        self.random_state = random_state
        self.crop = crop
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.balanced = balanced
        self.device = device
        self.map_shape = map_shape

    def build(self, channels: int, height: int, width: int) -> nn.Module:
        return Net(channels, self.crop, len(self.classes_))
