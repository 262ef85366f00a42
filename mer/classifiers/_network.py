"""Base classes of classifiers that read motion maps: shapes, scaling, plain training, storage."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from mer.classifiers._estimator import StoredClassifier
from mer.classifiers._stored import MapReader, MotionMapReader, Tensors
from mer_core.device import choose_device


class MapClassifier(MapReader, StoredClassifier):
    """A classifier of maps (N, C, H, W)."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = self.map_shape is not None
        return tags


class MotionMapClassifier(MotionMapReader, MapClassifier):
    """A classifier of maps (N, 3, H, W) of u, v and strain, in this order."""


@dataclass(eq=False, repr=False)
class NetworkClassifier(MapClassifier):
    """A network trained for a fixed number of epochs; nothing is chosen by looking at a score.

    Maps are centred and scaled per channel by the training clips. Subclasses are dataclasses that change
    defaults and add parameters.

    Parameters
    ----------
    classes : sequence or None
        Labels to expect; None: those of `y`.
    random_state : int
        Seed of the initial weights and of the order of the clips.
    epochs, learning_rate, batch_size
    balanced : bool
        Weigh the classes equally in the loss, as the scores do.
    device : {"cpu", "cuda", "mps", "auto"}
        Not stored with what was fitted.
    map_shape : (int, int, int) or None
        Channels, height and width of maps that come as flat rows.
    """

    classes: Sequence[Any] | None = None
    random_state: int = 0
    epochs: int = 40
    learning_rate: float = 1e-3
    batch_size: int = 64
    balanced: bool = True
    device: str = "cpu"
    map_shape: tuple[int, int, int] | None = None

    @abstractmethod
    def build(self, channels: int, height: int, width: int) -> nn.Module:
        """Return the untrained network: (N, channels, height, width) float32 -> logits (N, n_classes)."""

    @torch.no_grad()
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return (N, n_classes) float64 for maps X (N, C, H, W) float."""
        X = self._check_samples(self._as_maps(X))
        device = next(self.net_.parameters()).device
        return torch.softmax(self.net_(self._to_tensor(X, device)).cpu().double(), dim=1).numpy()

    def tensors(self) -> Tensors:
        net = {f"net.{name}": v.cpu().contiguous().numpy() for name, v in self.net_.state_dict().items()}
        return {"mean": self.mean_, "scale": self.scale_, "shape": np.array(self.shape_), **net}

    def load_tensors(self, tensors: Tensors) -> None:
        self.mean_, self.scale_ = tensors["mean"], tensors["scale"]
        self.shape_ = tuple(int(side) for side in tensors["shape"])
        self.net_ = self._build_on(torch.device("cpu"))
        # Counters of batch norm are scalars, which some files hold as arrays of one value.
        shapes = {name: value.shape for name, value in self.net_.state_dict().items()}
        stored = {name[4:]: value for name, value in tensors.items() if name.startswith("net.")}
        self.net_.load_state_dict(
            {name: torch.from_numpy(value).reshape(shapes[name]) for name, value in stored.items()}
        )
        self.net_.eval()

    def _fit_scale(self, X: np.ndarray) -> None:
        """Take the shape, and the mean and scale of each channel, from the training clips."""
        self.shape_ = X.shape[1:]
        self.mean_ = X.mean((0, 2, 3), dtype=np.float64)[:, None, None]
        self.scale_ = X.std((0, 2, 3), dtype=np.float64)[:, None, None]
        self.scale_[self.scale_ == 0] = 1.0

    def _class_weights(self, truth: torch.Tensor) -> torch.Tensor | None:
        """Return the weight of each class in the loss; None for equal weights of all clips."""
        counts = torch.bincount(truth, minlength=len(self.classes_))
        return len(truth) / counts.clamp(min=1) if self.balanced else None

    def _build_on(self, device: torch.device) -> nn.Module:
        """Return the untrained network; channels last saves a quarter of the time with few channels."""
        return self.build(*self.shape_).to(device, memory_format=torch.channels_last)

    def _to_tensor(self, X: np.ndarray, device: torch.device) -> torch.Tensor:
        scaled = ((X - self.mean_) / self.scale_).astype(np.float32)
        return torch.from_numpy(scaled).to(device, memory_format=torch.channels_last)


@dataclass(eq=False, repr=False)
class AdamWClassifier(NetworkClassifier):
    """A network trained with AdamW, fold by fold; adds `weight_decay` to the parameters."""

    weight_decay: float = 1e-2

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        groups: np.ndarray | None = None,
        on_epoch: Callable[["AdamWClassifier"], None] | None = None,
    ) -> "AdamWClassifier":
        """Fit to maps X (N, C, H, W) float and labels y (N,); call `on_epoch(self)` after each epoch."""
        X, codes = self._check_training(self._as_maps(X), y)
        self._fit_scale(X)
        device = choose_device(self.device)
        x, truth = self._to_tensor(X, device), torch.tensor(codes).to(device)
        with torch.random.fork_rng(devices=[]):  # leave the caller's random state as it is
            torch.manual_seed(self.random_state)
            self.net_ = self._build_on(device).eval()
            for _ in self._train(x, truth):
                if on_epoch:
                    on_epoch(self)
        return self

    def _train(self, x: torch.Tensor, truth: torch.Tensor) -> Iterator[int]:
        """Train for all epochs, yielding after each."""
        weight = self._class_weights(truth)
        optimizer = torch.optim.AdamW(
            self.net_.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay, fused=True
        )
        for epoch in range(self.epochs):
            self.net_.train()
            order = np.random.default_rng([self.random_state, epoch]).permutation(len(truth))
            # Batches of similar size, so that none holds a single clip, which batch norm cannot take.
            for batch in torch.from_numpy(order).tensor_split(-(-len(truth) // self.batch_size)):
                optimizer.zero_grad(set_to_none=True)
                F.cross_entropy(self.net_(x[batch]), truth[batch], weight=weight).backward()
                optimizer.step()
            self.net_.eval()
            yield epoch


def clip_weights(y: np.ndarray, is_inside: np.ndarray, n_classes: int, balanced: bool) -> np.ndarray:
    """Return the weight of each clip in each fold's loss; 0 for held-out clips.

    Parameters
    ----------
    y : (N,) int
    is_inside : (folds, N) bool
        Clips that a fold is fitted on.
    n_classes : int
    balanced : bool
        Weigh the classes of a fold equally.

    Returns
    -------
    (folds, N) float32
    """
    if not balanced:
        return is_inside.astype(np.float32)
    counts = np.stack([np.bincount(y[inside], minlength=n_classes) for inside in is_inside])
    weights = is_inside * (is_inside.sum(1, keepdims=True) / counts.clip(min=1))[:, y]
    return weights.astype(np.float32)
