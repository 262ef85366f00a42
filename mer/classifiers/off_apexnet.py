"""OFF-ApexNet: one small convolutional stream for u and one for v, joined by two wide layers. 2.7 M weights
at 28x28.

Source: Gan, Liong, Yau, Huang and Tan, "OFF-ApexNet on micro-expression recognition system", Signal
Processing: Image Communication 74, 2019: each stream 5x5 convolutions of 6 and 16 filters, each ReLU and
max-pool 2/2; 1024, 1024, softmax.

What differs here:
- u and v are read from a feature that also has strain, which is passed over.
- Inputs are centred and scaled per channel by the training clips; the loss weighs classes equally; AdamW with
  weight decay.
- 40 epochs at 3e-4, set by hand to fit the training clips, not the published regime. Scores published for it
  are not this file's.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from mer.classifiers._network import NetworkClassifier


class Net(nn.Module):
    """(N, C, H, W) float32, of which the first two of every three channels count -> logits (N, classes)."""

    def __init__(self, channels: int, height: int, width: int, classes: int):
        super().__init__()
        self.read = [k for k in range(channels) if k % 3 < 2]  # u and v of each phase
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
            for _ in self.read
        )
        self.head = nn.Sequential(
            nn.Linear(len(self.read) * 16 * (height // 4) * (width // 4), 1024),
            nn.ReLU(),
            nn.Linear(1024, 1024),
            nn.ReLU(),
            nn.Linear(1024, classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(
            torch.cat([stream(x[:, k : k + 1]) for k, stream in zip(self.read, self.streams)], 1)
        )


class Classifier(NetworkClassifier):
    """OFF-ApexNet; settings as in `_network.NetworkClassifier`."""

    def __init__(
        self,
        classes: Sequence[Any] | None = None,
        random_state: int = 0,
        epochs: int = 40,
        learning_rate: float = 3e-4,
        batch_size: int = 64,
        weight_decay: float = 1e-2,
        balanced: bool = True,
        device: str = "cpu",
        map_shape: tuple[int, int, int] | None = None,
    ):
        self.classes = classes
        self.random_state = random_state
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.balanced = balanced
        self.device = device
        self.map_shape = map_shape

    def build(self, channels: int, height: int, width: int) -> nn.Module:
        return Net(channels, height, width, len(self.classes_))
