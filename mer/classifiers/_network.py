"""What the plain networks share: maps centred and scaled per channel, a fixed number of epochs, classes weighed equally.

Each of them says only which network it is; `ststnet`, which trains all folds at once, also says how it is trained.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from mer_core.device import choose
from mer_core.errors import BadInput


def maps_only(X: np.ndarray) -> None:
    """Raise `BadInput` unless X is (N, C, H, W)."""
    if np.ndim(X) != 4:
        raise BadInput(
            f"This network reads maps, (clips, channels, height, width); these are {np.shape(X)}. Use the feature flow_image."
        )


class NetworkClassifier(ABC):
    """A network trained with AdamW for a fixed number of epochs; nothing is chosen by looking at a score.

    settings : everything that `__init__` of the subclass takes but the device, and at least classes, seed, epochs, learning_rate,
        batch_size, weight_decay and balanced
    """

    def __init__(self, settings: dict, device: str):
        self.settings = settings
        self.device = choose(device)

    @abstractmethod
    def build(self, channels: int, height: int, width: int) -> nn.Module:
        """The untrained network: (N, channels, height, width) float32 -> logits (N, classes)."""

    def fit(
        self, X: np.ndarray, y: np.ndarray, watch: Callable[["NetworkClassifier"], None] | None = None
    ) -> "NetworkClassifier":
        """X : (N, C, H, W) float; y : (N,) int in 0..classes-1; watch : called with this classifier after each epoch, for `mer audit`."""
        maps_only(X)
        options, self.shape = self.settings, X.shape[1:]
        self.mean = X.mean((0, 2, 3), dtype=np.float64)[:, None, None]
        self.scale = X.std((0, 2, 3), dtype=np.float64)[:, None, None]
        self.scale[self.scale == 0] = 1.0
        x, truth = self._tensor(X), torch.tensor(np.asarray(y, dtype=np.int64)).to(self.device)
        counts = torch.bincount(truth, minlength=options["classes"])
        weight = len(truth) / counts.clamp(min=1) if options["balanced"] else None
        with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they were
            torch.manual_seed(options["seed"])
            self.net = self._network().eval()
            optimizer = torch.optim.AdamW(
                self.net.parameters(),
                lr=options["learning_rate"],
                weight_decay=options["weight_decay"],
                fused=True,
            )
            for epoch in range(options["epochs"]):
                self.net.train()
                order = torch.from_numpy(
                    np.random.default_rng([options["seed"], epoch]).permutation(len(truth))
                )
                for batch in order.tensor_split(
                    -(-len(truth) // options["batch_size"])
                ):  # alike in size: no batch of one clip
                    optimizer.zero_grad(set_to_none=True)
                    F.cross_entropy(self.net(x[batch]), truth[batch], weight=weight).backward()
                    optimizer.step()
                self.net.eval()
                if watch:
                    watch(self)
        return self

    @torch.no_grad()
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return (N, classes) float64 for X (N, C, H, W) float."""
        return torch.softmax(self.net(self._tensor(X)).double(), dim=1).cpu().numpy()

    def state(self) -> tuple[dict[str, np.ndarray], dict]:
        """Return what was fitted, as tensors and as settings that JSON can hold."""
        tensors = {
            f"net.{name}": value.cpu().contiguous().numpy() for name, value in self.net.state_dict().items()
        }
        return {"mean": self.mean, "scale": self.scale, **tensors}, {
            **self.settings,
            "shape": list(self.shape),
        }

    @classmethod
    def from_state(cls, tensors: dict[str, np.ndarray], settings: dict) -> "NetworkClassifier":
        """The classifier that `state` came from, on the processor; fitted there, it predicts the same to the last bit."""
        self = cls(**{name: value for name, value in settings.items() if name != "shape"})
        self.mean, self.scale, self.shape = tensors["mean"], tensors["scale"], tuple(settings["shape"])
        self.net = self._network()
        own = self.net.state_dict()  # counters are single numbers, which some files keep as lists of one
        self.net.load_state_dict(
            {
                name[4:]: torch.from_numpy(value).reshape(own[name[4:]].shape)
                for name, value in tensors.items()
                if name.startswith("net.")
            }
        )
        self.net.eval()
        return self

    def _network(self) -> nn.Module:
        """The untrained network; channels last, in which convolutions of few channels take three quarters of the time."""
        return self.build(*self.shape).to(self.device, memory_format=torch.channels_last)

    def _tensor(self, X: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(((X - self.mean) / self.scale).astype(np.float32)).to(
            self.device, memory_format=torch.channels_last
        )
