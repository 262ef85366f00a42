"""RCN: one convolution that is applied again and again to its own output, so that few weights see far.

Source: Xia, Peng, Khor and Zhao, "Revealing the invisible with model and data shrinking for
composite-database micro-expression recognition", IEEE Transactions on Image Processing 29, 2020; the
recurrent layer is that of Liang and Hu, "Recurrent convolutional neural network for object recognition", CVPR
2015: x_t = ReLU(norm(W_in * x_0 + W_again * x_{t-1})).

What differs here: the plain form, without the modules for width, shortcut and attention that the authors
search over; the head keeps a grid of 3 x 3 instead of one mean, so that it knows where on the face it looks;
input is u, v and strain of any size; n_filters, learning rate and 60 epochs are ours, set by hand to fit the
training clips.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from mer.classifiers._network import NetworkClassifier


class Net(nn.Module):
    """(N, C, H, W) float32 -> logits (N, classes)."""

    def __init__(self, channels: int, n_filters: int, n_recurrences: int, n_classes: int):
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(channels, n_filters, 3, padding=1),
            nn.BatchNorm2d(n_filters),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.given = nn.Conv2d(n_filters, n_filters, 3, padding=1)
        self.again = nn.Conv2d(n_filters, n_filters, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(n_filters) for _ in range(n_recurrences + 1))
        self.head = nn.Linear(n_filters * 9, n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        given = self.given(self.first(x))
        x = F.relu(self.norms[0](given))
        for norm in self.norms[1:]:
            x = F.relu(norm(given + self.again(x)))
        return self.head(
            F.adaptive_avg_pool2d(x, 3).flatten(1)
        )  # upper, middle and lower face, left to right


class Classifier(NetworkClassifier):
    """RCN; the other parameters are those of `_network.NetworkClassifier`.

    Parameters
    ----------
    n_filters : int
        Channels of every layer.
    n_recurrences : int
        How often the recurrent layer sees its own output.
    """

    def __init__(
        self,
        classes: Sequence[Any] | None = None,
        random_state: int = 0,
        n_filters: int = 16,
        n_recurrences: int = 3,
        epochs: int = 60,
        learning_rate: float = 2e-3,
        batch_size: int = 64,
        weight_decay: float = 1e-2,
        balanced: bool = True,
        device: str = "cpu",
        map_shape: tuple[int, int, int] | None = None,
    ):
        self.classes = classes
        self.random_state = random_state
        self.n_filters = n_filters
        self.n_recurrences = n_recurrences
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.balanced = balanced
        self.device = device
        self.map_shape = map_shape

    def build(self, channels: int, height: int, width: int) -> nn.Module:
        return Net(channels, self.n_filters, self.n_recurrences, len(self.classes_))
