"""RCN: one convolution that is applied again and again to its own output, so that few weights see far.

Source: Xia, Peng, Khor and Zhao, "Revealing the invisible with model and data shrinking for composite-database micro-expression
recognition", IEEE Transactions on Image Processing 29, 2020; the recurrent layer is that of Liang and Hu, "Recurrent convolutional
neural network for object recognition", CVPR 2015: x_t = ReLU(norm(W_in * x_0 + W_again * x_{t-1})).

What differs here: the plain form, without the modules for width, shortcut and attention that the authors search over; the head
keeps a grid of 3 x 3 instead of one mean, so that it knows where on the face it looks; input is u, v and strain of any size; filters, learning rate and 60 epochs are ours, set by hand to fit the training clips.
"""

import torch
from torch import nn
from torch.nn import functional as F

from mer.classifiers._network import NetworkClassifier


class Net(nn.Module):
    """(N, C, H, W) float32 -> logits (N, classes)."""

    def __init__(self, channels: int, filters: int, again: int, classes: int):
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(channels, filters, 3, padding=1), nn.BatchNorm2d(filters), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.given = nn.Conv2d(filters, filters, 3, padding=1)
        self.again = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(filters) for _ in range(again + 1))
        self.head = nn.Linear(filters * 9, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        given = self.given(self.first(x))
        x = F.relu(self.norms[0](given))
        for norm in self.norms[1:]:
            x = F.relu(norm(given + self.again(x)))
        return self.head(
            F.adaptive_avg_pool2d(x, 3).flatten(1)
        )  # upper, middle and lower face, left to right


class Classifier(NetworkClassifier):
    """RCN. filters : channels of every layer; again : how often the recurrent layer sees its own output."""

    def __init__(
        self,
        classes: int,
        seed: int,
        filters: int = 16,
        again: int = 3,
        epochs: int = 60,
        learning_rate: float = 2e-3,
        batch_size: int = 64,
        weight_decay: float = 1e-2,
        balanced: bool = True,
        device: str = "cpu",
    ):
        super().__init__(
            dict(
                classes=classes,
                seed=seed,
                filters=filters,
                again=again,
                epochs=epochs,
                learning_rate=learning_rate,
                batch_size=batch_size,
                weight_decay=weight_decay,
                balanced=balanced,
            ),
            device,
        )

    def build(self, channels: int, height: int, width: int) -> nn.Module:
        return Net(channels, self.settings["filters"], self.settings["again"], self.settings["classes"])
