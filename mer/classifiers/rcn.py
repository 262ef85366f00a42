"""RCN: a recurrent convolution, applied repeatedly to its own output, so few weights get a wide view.

Source: Xia, Peng, Khor and Zhao, "Revealing the invisible with model and data shrinking for
composite-database micro-expression recognition", IEEE Transactions on Image Processing 29, 2020; the
recurrent layer is that of Liang and Hu, "Recurrent convolutional neural network for object recognition", CVPR
2015: x_t = ReLU(norm(W_input * x_0 + W_recurrent * x_{t-1})).

Differences:
- The plain form, without the width, shortcut and attention modules that the authors search over.
- The head keeps a grid of 3 x 3 instead of one mean, so it knows the place on the face.
- Input is u, v and strain of any size.
- Number of filters, learning rate and 60 epochs are ours, set by hand to fit the training clips.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from mer.classifiers._network import AdamWClassifier


class Net(nn.Module):
    """(N, C, H, W) float32 -> logits (N, n_classes)."""

    def __init__(self, channels: int, n_filters: int, n_recurrences: int, n_classes: int):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, n_filters, 3, padding=1),
            nn.BatchNorm2d(n_filters),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.input_conv = nn.Conv2d(n_filters, n_filters, 3, padding=1)
        self.recurrent_conv = nn.Conv2d(n_filters, n_filters, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(n_filters) for _ in range(n_recurrences + 1))
        self.head = nn.Linear(n_filters * 9, n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        input_term = self.input_conv(self.stem(x))
        x = F.relu(self.norms[0](input_term))
        for norm in self.norms[1:]:
            x = F.relu(norm(input_term + self.recurrent_conv(x)))
        return self.head(F.adaptive_avg_pool2d(x, 3).flatten(1))  # (N, n_filters * 9) -> (N, n_classes)


@dataclass(eq=False, repr=False)
class Classifier(AdamWClassifier):
    """RCN; the other parameters are those of `AdamWClassifier`.

    Parameters
    ----------
    n_filters : int
        Channels of every layer.
    n_recurrences : int
        How often the recurrent layer sees its own output.
    """

    epochs: int = 60
    learning_rate: float = 2e-3
    n_filters: int = 16
    n_recurrences: int = 3

    def build(self, channels: int, height: int, width: int) -> nn.Module:
        return Net(channels, self.n_filters, self.n_recurrences, len(self.classes_))
