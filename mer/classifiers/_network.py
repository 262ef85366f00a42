"""What the plain networks share: maps centred and scaled per channel, a fixed number of epochs, classes
weighed equally.

Each of them says only which network it is; `ststnet`, which trains all folds at once, also says how it is
trained.
"""

from abc import abstractmethod
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from mer.classifiers._estimator import StoredClassifier, Tensors
from mer_core.device import choose_device
from mer_core.errors import BadInput


class MapClassifier(StoredClassifier):
    """A classifier of maps, (N, C, H, W); with `map_shape` also of rows (N, C * H * W), as scikit-learn's
    scalers return them.
    """

    map_shape: tuple[int, int, int] | None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = self.map_shape is not None
        return tags

    def _as_maps(self, X: np.ndarray) -> np.ndarray:
        """Return X as (N, C, H, W); raise `BadInput` if it holds no maps."""
        if np.ndim(X) == 2 and self.map_shape is not None:
            return np.reshape(X, (len(X), *self.map_shape))
        if np.ndim(X) != 4:
            raise BadInput(
                f"This classifier reads maps, (clips, channels, height, width); these are {np.shape(X)}. "
                "Use the feature flow_image, or set map_shape where maps come as flat rows."
            )
        return X


class NetworkClassifier(MapClassifier):
    """A network trained with AdamW for a fixed number of epochs; nothing is chosen by looking at a score.

    Subclasses have the parameters classes, random_state, epochs, learning_rate, batch_size, weight_decay,
    balanced, device and map_shape.
    """

    random_state: int
    epochs: int
    learning_rate: float
    batch_size: int
    weight_decay: float
    balanced: bool
    device: str

    @abstractmethod
    def build(self, channels: int, height: int, width: int) -> nn.Module:
        """Return the untrained network: (N, channels, height, width) float32 -> logits (N, n_classes)."""

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        groups: np.ndarray | None = None,
        on_epoch: Callable[["NetworkClassifier"], None] | None = None,
    ) -> "NetworkClassifier":
        """Fit to maps X (N, C, H, W) float and labels y (N,); `on_epoch` is called with this classifier after
        each epoch.
        """
        X, codes = self._check_training(self._as_maps(X), y)
        self._scale_by(X)
        device = choose_device(self.device)
        x, truth = self._tensor(X, device), torch.tensor(codes).to(device)
        with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they were
            torch.manual_seed(self.random_state)
            self.net_ = self._network(device).eval()
            for _ in self._train(x, truth):
                if on_epoch:
                    on_epoch(self)
        return self

    def _scale_by(self, X: np.ndarray) -> None:
        """Take shape, mean and scale of each channel from the clips to fit on."""
        self.shape_ = X.shape[1:]
        self.mean_ = X.mean((0, 2, 3), dtype=np.float64)[:, None, None]
        self.scale_ = X.std((0, 2, 3), dtype=np.float64)[:, None, None]
        self.scale_[self.scale_ == 0] = 1.0

    def _class_weights(self, truth: torch.Tensor) -> torch.Tensor | None:
        """Return the weight of each class in the loss; a class without clips weighs nothing anyway."""
        counts = torch.bincount(truth, minlength=len(self.classes_))
        return len(truth) / counts.clamp(min=1) if self.balanced else None

    def _train(self, x: torch.Tensor, truth: torch.Tensor):
        """Train for all epochs, yielding after each."""
        weight = self._class_weights(truth)
        optimizer = torch.optim.AdamW(
            self.net_.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay, fused=True
        )
        for epoch in range(self.epochs):
            self.net_.train()
            order = torch.from_numpy(
                np.random.default_rng([self.random_state, epoch]).permutation(len(truth))
            )
            # Batches of about the same size, so that none has a single clip.
            for batch in order.tensor_split(-(-len(truth) // self.batch_size)):
                optimizer.zero_grad(set_to_none=True)
                F.cross_entropy(self.net_(x[batch]), truth[batch], weight=weight).backward()
                optimizer.step()
            self.net_.eval()
            yield epoch

    @torch.no_grad()
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return (N, n_classes) float64 for maps X (N, C, H, W) float."""
        X = self._check_samples(self._as_maps(X))
        device = next(self.net_.parameters()).device
        return torch.softmax(self.net_(self._tensor(X, device)).cpu().double(), dim=1).numpy()

    def tensors(self) -> Tensors:
        net = {f"net.{name}": v.cpu().contiguous().numpy() for name, v in self.net_.state_dict().items()}
        return {"mean": self.mean_, "scale": self.scale_, "shape": np.array(self.shape_), **net}

    def load_tensors(self, tensors: Tensors) -> None:
        self.mean_, self.scale_ = tensors["mean"], tensors["scale"]
        self.shape_ = tuple(int(side) for side in tensors["shape"])
        self.net_ = self._network(torch.device("cpu"))
        own = self.net_.state_dict()  # counters are single numbers, which some files keep as lists of one
        self.net_.load_state_dict(
            {
                name[4:]: torch.from_numpy(value).reshape(own[name[4:]].shape)
                for name, value in tensors.items()
                if name.startswith("net.")
            }
        )
        self.net_.eval()

    def _network(self, device: torch.device) -> nn.Module:
        """Return the untrained network; channels last makes convolutions of few channels a quarter faster."""
        return self.build(*self.shape_).to(device, memory_format=torch.channels_last)

    def _tensor(self, X: np.ndarray, device: torch.device) -> torch.Tensor:
        scaled = ((X - self.mean_) / self.scale_).astype(np.float32)
        return torch.from_numpy(scaled).to(device, memory_format=torch.channels_last)
