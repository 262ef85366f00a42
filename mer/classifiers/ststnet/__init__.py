"""STSTNet: three shallow streams over u, v and strain. 1,651 weights at 28x28; a fold of 440 clips trains in
a second.

Source: Liong, Gan, See, Khor and Huang, "Shallow Triple Stream Three-dimensional CNN (STSTNet) for
micro-expression recognition", FG 2019: three parallel 3x3 convolutions of 3, 5 and 8 channels, each ReLU and
max-pool 3/3, concatenated, average-pool 2/2, fully connected; Adam at 5e-5, batches of 256, 800 epochs.

What differs here, and why:
- The three streams see the same input, so they are one convolution of 16 channels (the same function; four
  times faster).
- Inputs are centred and scaled per channel by the training clips, so that maps of any unit train alike.
- The loss weighs classes equally (`balanced`), because the scores do.
- Twenty times the learning rate for a twentieth of the epochs (1e-3, 40), which ends near the same *training*
  loss; no held-out clip had a say in it (docs/results/real-flow-dev.md). configs/ststnet-published.yaml has
  the published regime.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from torch import nn
from torch.nn import functional as F

from mer.classifiers._network import NetworkClassifier
from mer_core.device import choose_device

STREAMS = (3, 5, 8)  # channels of the three streams


class Net(nn.Module):
    """(N, 3, H, W) float32 -> logits (N, classes); H and W at least 12."""

    def __init__(self, channels: int, height: int, width: int, n_classes: int):
        super().__init__()
        self.streams = nn.Conv2d(channels, sum(STREAMS), 3, padding=1)
        pooled = [((side + 2 - 3) // 3 + 1) // 2 for side in (height, width)]
        self.head = nn.Linear(sum(STREAMS) * pooled[0] * pooled[1], n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(
            F.max_pool2d(self.streams(x), 3, 3, padding=1)
        )  # (N, 16, 10, 10); ReLU after the pool is the same, and less
        return self.head(F.avg_pool2d(x, 2).flatten(1))  # (N, 400) -> (N, classes)


class Classifier(NetworkClassifier):
    """STSTNet trained for a fixed number of epochs; nothing is chosen by looking at a score.

    Parameters
    ----------
    classes : sequence or None
        Labels to expect; None: those of `y`.
    random_state : int
        Decides the first weights and the order of the clips.
    epochs, learning_rate, batch_size
        See the module; Adam with its other settings at their defaults.
    balanced : bool
        Weigh the classes equally in the loss.
    device : {"cpu", "cuda", "auto"}
        Not part of what was fitted.
    map_shape : (int, int, int) or None
        Channels, height and width of the maps where they come as flat rows.
    """

    def __init__(
        self,
        classes: Sequence[Any] | None = None,
        random_state: int = 0,
        epochs: int = 40,
        learning_rate: float = 1e-3,
        batch_size: int = 256,
        balanced: bool = True,
        device: str = "cpu",
        map_shape: tuple[int, int, int] | None = None,
    ):
        self.classes = classes
        self.random_state = random_state
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.balanced = balanced
        self.device = device
        self.map_shape = map_shape

    def build(self, channels: int, height: int, width: int) -> Net:
        return Net(channels, height, width, len(self.classes_))

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        groups: np.ndarray | None = None,
        on_epoch: Callable[[NetworkClassifier], None] | None = None,
        positions: np.ndarray | None = None,
    ) -> "Classifier":
        """Fit to maps X (N, C, H, W) float and labels y (N,).

        on_epoch : called with this classifier after each epoch
        positions : (N,) int, see `epoch_orders`; 0..N-1 where not given
        """
        X, codes = self._check_training(self._as_maps(X), y)
        self._scale_by(X)
        device = choose_device(self.device)
        x, truth = self._tensor(X, device), torch.tensor(codes).to(device)
        weight = self._class_weights(truth)
        self.net_ = self._initial_net().to(device, memory_format=torch.channels_last)
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
        """Yield (number of the fold, classifier fitted on it) as they become known, equal to `fit` of each
        fold to rounding.

        Parameters
        ----------
        X : (N, C, H, W) float
            Maps of all clips.
        y : (N,)
            Their labels.
        folds : sequence of (n,) int
            Positions to fit on, one array per fold.
        on_epoch : callable or None
            Called after each epoch with the number of a fold and its classifier as it then stands.
        """
        from mer.classifiers.ststnet import folds as ststnet_folds

        X, codes = self._check_training(self._as_maps(X), y)
        device, fitted = choose_device(self.device), [self._clone_for(X[fold]) for fold in folds]
        start = fitted[0]._initial_net()
        means, scales = (
            torch.from_numpy(np.stack([getattr(one, name).ravel() for one in fitted]))
            for name in ("mean_", "scale_")
        )

        def place(block: ststnet_folds.Block) -> None:
            numbers, stacked = block
            for i, k in enumerate(numbers):
                fitted[k].net_ = fitted[k]._initial_net().to(device, memory_format=torch.channels_last)
                fitted[k].net_.load_state_dict({name: value[i] for name, value in stacked.items()})

        def place_and_call(block: ststnet_folds.Block) -> None:
            place(block)
            if on_epoch is not None:
                for k in block[0]:
                    on_epoch(k, fitted[k])

        x, labels = torch.from_numpy(np.asarray(X, dtype=np.float32)), torch.from_numpy(codes)
        orders = list(epoch_orders(self.random_state, self.epochs, np.arange(len(codes))))
        blocks = ststnet_folds.train(
            start, x, labels, folds, means, scales, self, orders, device, place_and_call if on_epoch else None
        )
        for block in blocks:
            place(block)
            yield from ((k, fitted[k]) for k in block[0])

    def _clone_for(self, X: np.ndarray) -> "Classifier":
        """Return an unfitted copy that knows its classes, and the scale of the maps X to fit on."""
        copy = clone(self)
        copy.classes_, copy.n_features_in_ = self.classes_, self.n_features_in_
        copy._scale_by(X)
        return copy

    def _scale_by(self, X: np.ndarray) -> None:
        super()._scale_by(X)
        self.mean_, self.scale_ = self.mean_.astype(np.float32), self.scale_.astype(np.float32)

    def _initial_net(self) -> Net:
        """Return the network before training, decided by the seed; the caller's random numbers stay as they
        were.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            return self.build(*self.shape_)

    def _tensor(self, X: np.ndarray, device: torch.device) -> torch.Tensor:
        scaled = (np.asarray(X, dtype=np.float32) - self.mean_) / self.scale_
        return torch.from_numpy(scaled).to(device, memory_format=torch.channels_last)


def epoch_orders(seed: int, epochs: int, positions: np.ndarray) -> Iterator[np.ndarray]:
    """Yield for each epoch the order in which clips are gone through, (N,) int64.

    positions : (N,) int, where each clip stands in the whole table. A clip draws its turn by its position, so
    that leaving
        a subject out takes its clips from the order and leaves all others as they were: folds then share most
        of each batch.
    """
    for epoch in range(epochs):
        drawn = np.random.default_rng([seed, epoch]).random(int(positions.max()) + 1)
        yield np.argsort(drawn[positions], kind="stable")
