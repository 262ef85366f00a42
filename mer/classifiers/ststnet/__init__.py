"""STSTNet: three shallow streams over u, v and strain. 1,651 weights at 28x28; a fold of 440 clips trains in a second.

Source: Liong, Gan, See, Khor and Huang, "Shallow Triple Stream Three-dimensional CNN (STSTNet) for micro-expression
recognition", FG 2019: three parallel 3x3 convolutions of 3, 5 and 8 channels, each ReLU and max-pool 3/3, concatenated,
average-pool 2/2, fully connected; Adam at 5e-5, batches of 256, 800 epochs.

What differs here, and why:
- The three streams see the same input, so they are one convolution of 16 channels (the same function; four times faster).
- Inputs are centred and scaled per channel by the training clips, so that maps of any unit train alike.
- The loss weighs classes equally (`balanced`), because the scores do.
- Twenty times the learning rate for a twentieth of the epochs (1e-3, 40), which ends near the same *training* loss; no
  held-out clip had a say in it (docs/results/real-flow-dev.md). configs/ststnet-published.yaml has the published regime.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from mer.classifiers._network import NetworkClassifier, maps_only

STREAMS = (3, 5, 8)  # channels of the three streams


class Net(nn.Module):
    """(N, 3, H, W) float32 -> logits (N, classes); H and W at least 12."""

    def __init__(self, channels: int, height: int, width: int, classes: int):
        super().__init__()
        self.streams = nn.Conv2d(channels, sum(STREAMS), 3, padding=1)
        pooled = [((side + 2 - 3) // 3 + 1) // 2 for side in (height, width)]
        self.head = nn.Linear(sum(STREAMS) * pooled[0] * pooled[1], classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(
            F.max_pool2d(self.streams(x), 3, 3, padding=1)
        )  # (N, 16, 10, 10); ReLU after the pool is the same, and less
        return self.head(F.avg_pool2d(x, 2).flatten(1))  # (N, 400) -> (N, classes)


class Classifier(NetworkClassifier):
    """STSTNet trained for a fixed number of epochs; nothing is chosen by looking at a score.

    epochs, learning_rate, batch_size : see the module; Adam with its other settings at their defaults
    balanced : weigh the classes equally in the loss
    device : `cpu`, `cuda` or `auto`; not part of what was fitted
    """

    def __init__(
        self,
        classes: int,
        seed: int,
        epochs: int = 40,
        learning_rate: float = 1e-3,
        batch_size: int = 256,
        balanced: bool = True,
        device: str = "cpu",
    ):
        settings = dict(
            classes=classes,
            seed=seed,
            epochs=epochs,
            learning_rate=learning_rate,
            batch_size=batch_size,
            balanced=balanced,
        )
        super().__init__(settings, device)

    def build(self, channels: int, height: int, width: int) -> Net:
        return Net(channels, height, width, self.settings["classes"]).to(memory_format=torch.channels_last)

    def fit(self, X: np.ndarray, y: np.ndarray, places: np.ndarray | None = None) -> "Classifier":
        """X : (N, C, H, W) float; y : (N,) int in 0..classes-1; places : (N,) int, see `turns`; 0..N-1 where not given."""
        options = self.settings
        self._scale_by(X)
        x, y = self._tensor(X), torch.tensor(np.asarray(y, dtype=np.int64)).to(self.device)
        counts = torch.bincount(y, minlength=options["classes"])
        weight = (
            len(y) / counts.clamp(min=1) if options["balanced"] else None
        )  # a class nobody shows weighs nothing anyway

        self.net = self._start().to(self.device, memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(self.net.parameters(), lr=options["learning_rate"])
        for order in turns(
            options["seed"], options["epochs"], np.arange(len(y)) if places is None else places
        ):
            for batch in torch.from_numpy(order).to(self.device).split(options["batch_size"]):
                optimizer.zero_grad(set_to_none=True)
                loss = F.cross_entropy(self.net(x[batch]), y[batch], weight=weight)
                loss.backward()
                optimizer.step()
        return self

    def fit_folds(
        self,
        X: np.ndarray,
        y: np.ndarray,
        folds: Sequence[np.ndarray],
        watch: Callable[[int, "Classifier"], None] | None = None,
    ) -> Iterator[tuple[int, "Classifier"]]:
        """Yield (number of the fold, classifier fitted on it) as they become known, equal to `fit` of each fold to rounding.

        X : (N, C, H, W) float, all clips; y : (N,) int; folds : positions to fit on, one array per fold
        watch : called after each epoch with the number of a fold and its classifier as it then stands, for `mer audit`
        """
        from mer.classifiers.ststnet import folds as _ststnet_folds

        fitted = [type(self)(**self.settings, device=self.device.type) for _ in folds]
        for one, fold in zip(fitted, folds):
            one._scale_by(X[fold])
        means, scales = (
            torch.from_numpy(np.stack([getattr(one, name).ravel() for one in fitted]))
            for name in ("mean", "scale")
        )
        x, labels = (
            torch.from_numpy(np.asarray(X, dtype=np.float32)),
            torch.from_numpy(np.asarray(y, dtype=np.int64)),
        )
        orders = list(turns(self.settings["seed"], self.settings["epochs"], np.arange(len(y))))

        def place(block: _ststnet_folds.Block) -> None:
            numbers, stacked = block
            for i, k in enumerate(numbers):
                fitted[k].net = fitted[k]._start().to(self.device, memory_format=torch.channels_last)
                fitted[k].net.load_state_dict({name: value[i] for name, value in stacked.items()})

        def show(block: _ststnet_folds.Block) -> None:
            place(block)
            for k in block[0]:
                watch(k, fitted[k])

        start, options = fitted[0]._start(), self.settings
        for block in _ststnet_folds.train(
            start, x, labels, folds, means, scales, options, orders, self.device, show if watch else None
        ):
            place(block)
            yield from ((k, fitted[k]) for k in block[0])

    def _scale_by(self, X: np.ndarray) -> None:
        """Take shape, mean and scale of each channel from the clips to fit on."""
        maps_only(X)
        self.shape = X.shape[1:]
        self.mean = X.mean((0, 2, 3), dtype=np.float64).astype(np.float32)[:, None, None]
        self.scale = X.std((0, 2, 3), dtype=np.float64).astype(np.float32)[:, None, None]
        self.scale[self.scale == 0] = 1.0

    def _start(self) -> Net:
        """The network before training, decided by the seed; the caller's random numbers stay as they were."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.settings["seed"])
            return Net(*self.shape, self.settings["classes"])

    def _tensor(self, X: np.ndarray) -> torch.Tensor:
        scaled = (np.asarray(X, dtype=np.float32) - self.mean) / self.scale
        return torch.from_numpy(scaled).to(self.device, memory_format=torch.channels_last)


def turns(seed: int, epochs: int, places: np.ndarray) -> Iterator[np.ndarray]:
    """Yield for each epoch the order in which clips are gone through, (N,) int64 positions.

    places : (N,) int, where each clip stands in the whole table. A clip draws its turn by its place, so that leaving a
        subject out takes its clips from the order and leaves all others as they were: folds then share most of each batch.
    """
    for epoch in range(epochs):
        drawn = np.random.default_rng([seed, epoch]).random(int(places.max()) + 1)
        yield np.argsort(drawn[places], kind="stable")
