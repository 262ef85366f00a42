"""RAFT's encoder: a frame -> features at 1/8 of its size.

References
----------
Z. Teed, J. Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020.
"""

import torch.nn.functional as F
from torch import Tensor, nn

NORMS = {"instance": nn.InstanceNorm2d, "batch": nn.BatchNorm2d}


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside the identity, or beside a 1x1 convolution if size or width changes."""

    def __init__(self, width: int, out: int, norm: str, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(width, out, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        self.norm1, self.norm2 = NORMS[norm](out), NORMS[norm](out)
        self.downsample = None
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(width, out, 1, stride=stride), NORMS[norm](out))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        y = F.relu(self.norm2(self.conv2(y)))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class FeatureEncoder(nn.Module):
    """(N, 3, H, W) in -1..1 -> (N, out, H/8, W/8); H and W are multiples of 8.

    Parameters
    ----------
    norm : str
        `instance` for the matched features, `batch` for the context.
    """

    def __init__(self, out: int, norm: str):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3)
        self.norm1 = NORMS[norm](64)
        self.layers = nn.Sequential(
            ResidualBlock(64, 64, norm, 1), ResidualBlock(64, 64, norm, 1),
            ResidualBlock(64, 96, norm, 2), ResidualBlock(96, 96, norm, 1),
            ResidualBlock(96, 128, norm, 2), ResidualBlock(128, 128, norm, 1),
        )  # fmt: skip
        self.conv2 = nn.Conv2d(128, out, 1)

    def forward(self, frame: Tensor) -> Tensor:
        x = F.relu(self.norm1(self.conv1(frame)))  # (N, 64, H/2, W/2)
        return self.conv2(self.layers(x))
