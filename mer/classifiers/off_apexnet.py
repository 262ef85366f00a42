"""OFF-ApexNet: a small convolutional stream for u and one for v, joined by two wide layers; 2.7 M weights.

Source: Gan, Liong, Yau, Huang and Tan, "OFF-ApexNet on micro-expression recognition system", Signal
Processing: Image Communication 74, 2019: each stream has 5x5 convolutions of 6 and 16 filters, each with ReLU
and max-pooling 2/2; then layers of 1024 and 1024 units and softmax. 2.7 M weights are for maps of 28x28.

Differences:
- It reads u and v from a feature that also has strain, which is ignored.
- Maps are scaled per channel, the loss is balanced, and AdamW uses weight decay (`AdamWClassifier`).
- 40 epochs at 3e-4, set by hand to fit the training clips, are not the published schedule: scores published
  for OFF-ApexNet are not those of this file.
"""

from dataclasses import dataclass

import torch
from torch import nn

from mer.classifiers._network import AdamWClassifier


class Net(nn.Module):
    """(N, C, H, W) float32, channels u, v, strain (repeated) -> logits (N, n_classes)."""

    def __init__(self, channels: int, height: int, width: int, n_classes: int):
        super().__init__()
        self.uv_channels = [k for k in range(channels) if k % 3 < 2]
        self.streams = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(1, 6, 5, padding=2),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Conv2d(6, 16, 5, padding=2),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Flatten(),
            )
            for _ in self.uv_channels
        )
        self.head = nn.Sequential(
            nn.Linear(len(self.uv_channels) * 16 * (height // 4) * (width // 4), 1024),
            nn.ReLU(),
            nn.Linear(1024, 1024),
            nn.ReLU(),
            nn.Linear(1024, n_classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = [stream(x[:, k : k + 1]) for k, stream in zip(self.uv_channels, self.streams)]
        return self.head(torch.cat(features, 1))


@dataclass(eq=False, repr=False)
class Classifier(AdamWClassifier):
    """OFF-ApexNet; parameters as in `AdamWClassifier`."""

    learning_rate: float = 3e-4

    def build(self, channels: int, height: int, width: int) -> nn.Module:
        return Net(channels, height, width, len(self.classes_))
