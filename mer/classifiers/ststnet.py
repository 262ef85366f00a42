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

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from mer.device import choose

STREAMS = (3, 5, 8)  # channels of the three streams


class Net(nn.Module):
    """(N, 3, H, W) float32 -> logits (N, classes); H and W at least 12."""

    def __init__(self, channels: int, height: int, width: int, classes: int):
        super().__init__()
        self.streams = nn.Conv2d(channels, sum(STREAMS), 3, padding=1)
        pooled = [((side + 2 - 3) // 3 + 1) // 2 for side in (height, width)]
        self.head = nn.Linear(sum(STREAMS) * pooled[0] * pooled[1], classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(F.max_pool2d(self.streams(x), 3, 3, padding=1))  # (N, 16, 10, 10); ReLU after the pool is the same, and less
        return self.head(F.avg_pool2d(x, 2).flatten(1))  # (N, 400) -> (N, classes)


class Classifier:
    """STSTNet trained for a fixed number of epochs; nothing is chosen by looking at a score.

    epochs, learning_rate, batch_size : see the module; Adam with its other settings at their defaults
    balanced : weigh the classes equally in the loss
    device : `cpu`, `cuda` or `auto`; not part of what was fitted
    """

    def __init__(
        self, classes: int, seed: int, epochs: int = 40, learning_rate: float = 1e-3, batch_size: int = 256, balanced: bool = True, device: str = "cpu"
    ):
        self.settings = dict(classes=classes, seed=seed, epochs=epochs, learning_rate=learning_rate, batch_size=batch_size, balanced=balanced)
        self.device = choose(device)

    def fit(self, X: np.ndarray, y: np.ndarray) -> "Classifier":
        """X : (N, C, H, W) float; y : (N,) int in 0..classes-1."""
        options, self.shape = self.settings, X.shape[1:]
        self.mean = X.mean((0, 2, 3), dtype=np.float64).astype(np.float32)[:, None, None]
        self.scale = X.std((0, 2, 3), dtype=np.float64).astype(np.float32)[:, None, None]
        self.scale[self.scale == 0] = 1.0
        x, y = self._tensor(X), torch.tensor(np.asarray(y, dtype=np.int64)).to(self.device)
        counts = torch.bincount(y, minlength=options["classes"])
        weight = len(y) / counts.clamp(min=1) if options["balanced"] else None  # a class nobody shows weighs nothing anyway

        with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they were
            torch.manual_seed(options["seed"])
            net = Net(*X.shape[1:], options["classes"])
            orders = [torch.randperm(len(y)) for _ in range(options["epochs"])]
        self.net = net.to(self.device, memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(self.net.parameters(), lr=options["learning_rate"])
        for order in orders:
            for batch in order.to(self.device).split(options["batch_size"]):
                optimizer.zero_grad(set_to_none=True)
                loss = F.cross_entropy(self.net(x[batch]), y[batch], weight=weight)
                loss.backward()
                optimizer.step()
        return self

    @torch.no_grad()
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return (N, classes) float64 for X (N, C, H, W) float."""
        return torch.softmax(self.net(self._tensor(X)).double(), dim=1).cpu().numpy()

    def state(self) -> tuple[dict[str, np.ndarray], dict]:
        """Return what was fitted, as tensors and as settings that JSON can hold."""
        tensors = {f"net.{name}": value.cpu().contiguous().numpy() for name, value in self.net.state_dict().items()}
        return {"mean": self.mean, "scale": self.scale, **tensors}, {**self.settings, "shape": list(self.shape)}

    @classmethod
    def from_state(cls, tensors: dict[str, np.ndarray], settings: dict) -> "Classifier":
        """The classifier that `state` came from, on the processor; fitted there, it predicts the same to the last bit."""
        self = cls(**{name: value for name, value in settings.items() if name != "shape"})
        self.mean, self.scale, self.shape = tensors["mean"], tensors["scale"], tuple(settings["shape"])
        self.net = Net(*self.shape, settings["classes"]).to(memory_format=torch.channels_last)
        self.net.load_state_dict({name[4:]: torch.from_numpy(value) for name, value in tensors.items() if name.startswith("net.")})
        return self

    def _tensor(self, X: np.ndarray) -> torch.Tensor:
        scaled = (np.asarray(X, dtype=np.float32) - self.mean) / self.scale
        return torch.from_numpy(scaled).to(self.device, memory_format=torch.channels_last)
