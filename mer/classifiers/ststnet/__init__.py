"""STSTNet: three shallow convolutional streams over u, v and strain; 1,651 weights for maps of 28x28.

Source: Liong, Gan, See, Khor and Huang, "Shallow Triple Stream Three-dimensional CNN (STSTNet) for
micro-expression recognition", FG 2019: three parallel 3x3 convolutions of 3, 5 and 8 channels, each with ReLU
and max-pooling 3/3, concatenated, average-pooling 2/2, fully connected; Adam at 5e-5, batches of 256, 800
epochs.

Differences:
- The three streams read the same input, so they are one convolution of 16 channels: the same function, four
  times faster.
- Maps are centred and scaled per channel by the training clips, so the unit of a map does not matter.
- The loss weighs the classes equally (`balanced`), as the scores do.
- Twenty times the learning rate for a twentieth of the epochs (1e-3, 40) ends near the same *training* loss;
  no held-out clip was looked at (docs/results/real-flow-dev.md). configs/ststnet-published.yaml has the
  published schedule.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from mer.classifiers._network import NetworkClassifier
from mer_core.device import choose_device

STREAMS = (3, 5, 8)  # channels of the three streams


class Net(nn.Module):
    """(N, C, H, W) float32 -> logits (N, n_classes); H and W at least 12."""

    def __init__(self, channels: int, height: int, width: int, n_classes: int):
        super().__init__()
        self.streams = nn.Conv2d(channels, sum(STREAMS), 3, padding=1)
        pooled = [((side + 2 - 3) // 3 + 1) // 2 for side in (height, width)]
        self.head = nn.Linear(sum(STREAMS) * pooled[0] * pooled[1], n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # ReLU after max-pooling equals ReLU before it, on a ninth of the values.
        x = F.relu(F.max_pool2d(self.streams(x), 3, 3, padding=1))  # (N, 16, 10, 10)
        return self.head(F.avg_pool2d(x, 2).flatten(1))  # (N, 400) -> (N, n_classes)


@dataclass(eq=False, repr=False)
class Classifier(NetworkClassifier):
    """STSTNet trained with Adam; parameters as in `NetworkClassifier`."""

    batch_size: int = 256

    def build(self, channels: int, height: int, width: int) -> Net:
        return Net(channels, height, width, len(self.classes_))

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        groups: np.ndarray | None = None,
        on_epoch: Callable[["Classifier"], None] | None = None,
        positions: np.ndarray | None = None,
    ) -> "Classifier":
        """Fit to maps X (N, C, H, W) float and labels y (N,).

        Parameters
        ----------
        on_epoch : callable or None
            Called with this classifier after each epoch.
        positions : (N,) int or None
            See `epoch_orders`; None: 0..N-1.
        """
        X, codes = self._check_training(self._as_maps(X), y)
        self._fit_scale(X)
        device = choose_device(self.device)
        x, truth = self._to_tensor(X, device), torch.tensor(codes).to(device)
        weight = self._class_weights(truth)
        self.net_ = self._initial_net(device)
        optimizer = torch.optim.Adam(self.net_.parameters(), lr=self.learning_rate)
        positions = np.arange(len(codes)) if positions is None else positions
        for order in epoch_orders(self.random_state, self.epochs, positions):
            for batch in torch.from_numpy(order).to(device).split(self.batch_size):
                optimizer.zero_grad(set_to_none=True)
                F.cross_entropy(self.net_(x[batch]), truth[batch], weight=weight).backward()
                optimizer.step()
            if on_epoch:
                on_epoch(self)
        return self

    def fit_folds(
        self,
        X: np.ndarray,
        y: np.ndarray,
        folds: Sequence[np.ndarray],
        groups: np.ndarray | None = None,
        on_epoch: Callable[[int, "Classifier"], None] | None = None,
    ) -> Iterator[tuple[int, "Classifier"]]:
        """Yield (number of the fold, classifier fitted on it), equal to `fit` of each fold up to rounding.

        Parameters
        ----------
        X : (N, C, H, W) float
            Maps of all clips.
        y : (N,) labels
        folds : sequence of (n,) int
            Positions to fit on, one array per fold.
        on_epoch : callable or None
            Called after each epoch with the number of a fold and its classifier at that point.
        """
        from mer.classifiers.ststnet.folds import Block, JointTraining

        X, codes = self._check_training(self._as_maps(X), y)
        device = choose_device(self.device)
        by_fold = [self._copy_for_fold() for _ in folds]
        for fitted, fold in zip(by_fold, folds):
            fitted._fit_scale(X[fold])

        def load(block: Block) -> list[tuple[int, "Classifier"]]:
            numbers, stacked = block
            for i, k in enumerate(numbers):
                by_fold[k].net_ = by_fold[k]._initial_net(device)
                by_fold[k].net_.load_state_dict({name: value[i] for name, value in stacked.items()})
            return [(k, by_fold[k]) for k in numbers]

        def report(block: Block) -> None:
            for k, fitted in load(block):
                if on_epoch:
                    on_epoch(k, fitted)

        means = torch.from_numpy(np.stack([fitted.mean_.ravel() for fitted in by_fold]))
        scales = torch.from_numpy(np.stack([fitted.scale_.ravel() for fitted in by_fold]))
        x, labels = torch.from_numpy(np.asarray(X, dtype=np.float32)), torch.from_numpy(codes)
        orders = list(epoch_orders(self.random_state, self.epochs, np.arange(len(codes))))
        start = by_fold[0]._initial_net(torch.device("cpu"))
        joint = JointTraining(start, x, labels, self, orders, device)
        for block in joint.train(folds, means, scales, report if on_epoch else None):
            yield from load(block)

    def _fit_scale(self, X: np.ndarray) -> None:
        super()._fit_scale(X)
        self.mean_, self.scale_ = self.mean_.astype(np.float32), self.scale_.astype(np.float32)

    def _initial_net(self, device: torch.device) -> Net:
        """Return the untrained network of the seed; the caller's random state stays as it is."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            return self.build(*self.shape_).to(device, memory_format=torch.channels_last)

    def _to_tensor(self, X: np.ndarray, device: torch.device) -> torch.Tensor:
        scaled = (np.asarray(X, dtype=np.float32) - self.mean_) / self.scale_
        return torch.from_numpy(scaled).to(device, memory_format=torch.channels_last)


def epoch_orders(seed: int, n_epochs: int, positions: np.ndarray) -> Iterator[np.ndarray]:
    """Yield for each epoch the order of the clips, (N,) int64.

    `positions` (N,) int are the clips' positions in the whole table. A clip draws its place in the order by
    its position, so leaving a subject out removes its clips and does not move the others: folds share most of
    each batch.
    """
    for epoch in range(n_epochs):
        drawn = np.random.default_rng([seed, epoch]).random(int(positions.max()) + 1)
        yield np.argsort(drawn[positions], kind="stable")
