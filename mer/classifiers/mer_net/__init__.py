"""mer_net: a network of one hidden unit per training clip that cannot tell a face from its mirror image; light conv nets beside it.

Ours. A network of radial basis functions, fitted in closed form, so that all folds take a second and no seed matters. Source: Poggio
and Girosi, "Networks for approximation and learning", Proceedings of the IEEE 78(9), 1990; `_mirror_kernel.py` names the rest.
Built from what is known about faces before any label is seen:
- How far a face moves, and where the zero of a ready-made map lies, says little: maps are levelled (mer/classifiers/mer_net/levelling.py).
- A mirrored face shows the same: the kernel is invariant.
- Labels are noisy and rare: the ridge is as large as the signal, and classes weigh equally.

`networks` adds the mean of so many convolutional networks (`_light_net.py`, 5,955 weights), which see maps changed as a face and a
camera would change them (mer/classifiers/mer_net/augmentation.py) and may start from synthetic motion (benchmarks/pretrain.py). With hundreds of clips they did not
help, so that there are none unless asked for. Every part and switch on real clips, with everything that was tried:
docs/results/real-flow-dev.md and docs/results/mer-net-ablation.md.

Reads u, v and strain, in this order, of any size: `flow_image`, or ready-made maps; of two phases (phases: both) all three of each.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from mer.classifiers.mer_net import network
from mer.classifiers.mer_net.augmentation import Changes
from mer.classifiers.mer_net.kernel import MirrorKernel
from mer.classifiers.mer_net.levelling import levelled, mirrored, pooled
from mer.classifiers.mer_net.network import Training
from mer_core.device import choose
from mer_core.errors import BadInput


class Classifier:
    """Both parts are fitted with fixed settings; nothing is chosen by looking at a score.

    kernel : whether the kernel has a say;  networks : how many conv nets have one, with seeds of their own
    level : level the maps; if not, zero and amplitude of each clip are kept as they come
    start : weights that the networks go on from, a name of benchmarks/pretrain.py such as "box"; "none" starts from random ones. Such weights
        know one phase, and a second one has no say to begin with
    steps, learning_rate, mirror, shift, zoom, rotation, amplitude, mixup, smoothing, balanced, weight_decay, average : see
        `_light_net.Training` and `augment.Changes`; the kernel knows mirror and balanced too
    test_mirror : networks predict a map and its mirror image, and the mean counts
    device : `cpu`, `cuda` or `auto`, for the networks; not part of what was fitted
    """

    def __init__(
        self,
        classes: int,
        seed: int,
        kernel: bool = True,
        networks: int = 0,
        level: bool = True,
        start: str = "none",
        steps: int = 100,
        learning_rate: float = 3e-3,
        mirror: bool = True,
        shift: float = 1.0,
        zoom: float = 0.08,
        rotation: float = 8.0,
        amplitude: float = 0.2,
        mixup: float = 0.2,
        smoothing: float = 0.1,
        balanced: bool = True,
        weight_decay: float = 1e-2,
        average: float = 0.98,
        test_mirror: bool = True,
        device: str = "cpu",
    ):
        self.settings = {name: value for name, value in locals().items() if name not in ("self", "device")}
        if not kernel and networks < 1:
            raise BadInput(
                "mer_net without the kernel needs at least one network. Set kernel: true, or networks: 1."
            )
        self.device = choose(device)
        self.how = Training(
            steps=steps,
            learning_rate=learning_rate,
            mixup=mixup,
            smoothing=smoothing,
            balanced=balanced,
            weight_decay=weight_decay,
            average=average,
            changes=Changes(mirror, shift, zoom, rotation, amplitude),
        )

    def fit(
        self, X: np.ndarray, y: np.ndarray, places: np.ndarray | None = None, total: int | None = None
    ) -> "Classifier":
        """X : (N, 3, H, W) float; y : (N,) int in 0..classes-1; places, total : see `_light_net.train`."""
        [(_, fitted)] = self.fit_folds(X, y, [np.arange(len(y))], places, total)
        self.kernel, self.networks = fitted.kernel, fitted.networks
        return self

    def fit_folds(
        self,
        X: np.ndarray,
        y: np.ndarray,
        folds: Sequence[np.ndarray],
        places: np.ndarray | None = None,
        total: int | None = None,
    ) -> Iterator[tuple[int, "Classifier"]]:
        """Yield (number of the fold, classifier fitted on it), equal to `fit` of each fold to rounding.

        X : (N, 3, H, W) float, all clips; y : (N,) int; folds : positions to fit on, one array per fold
        """
        maps, y = self._maps(X), np.asarray(y, dtype=np.int64)
        size, seed, start = (self.settings[name] for name in ("networks", "seed", "start"))
        begin = None if start == "none" else network.frozen(start)
        networks = [
            network.train(
                maps,
                y,
                folds,
                self.settings["classes"],
                seed * size + i,
                self.how,
                begin,
                places,
                total,
                self.device,
            )
            for i in range(size)
        ]
        for k, fold in enumerate(folds):
            fitted = type(self)(**self.settings, device=self.device.type)
            fitted.networks = [
                {name: value[k : k + 1].clone() for name, value in weights.items()} for weights in networks
            ]
            fitted.kernel = fitted._kernel().fit(maps[fold], y[fold]) if self.settings["kernel"] else None
            yield k, fitted

    @torch.no_grad()
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return (N, classes) float64 for X (N, 3, H, W) float."""
        maps = self._maps(X)
        views = [maps, mirrored(maps)] if self.settings["test_mirror"] else [maps]
        said = [
            np.mean(
                [
                    torch.softmax(
                        network.logits(weights, torch.from_numpy(view).to(self.device))[0].double(), 1
                    )
                    .cpu()
                    .numpy()
                    for view in views
                ],
                axis=0,
            )
            for weights in self.networks
        ]
        parts = ([np.mean(said, axis=0)] if said else []) + (
            [self.kernel.predict_proba(maps)] if self.kernel else []
        )
        return np.mean(parts, axis=0)

    def state(self) -> tuple[dict[str, np.ndarray], dict]:
        """Return what was fitted, as tensors and as settings that JSON can hold."""
        tensors = {
            f"network{i}.{name}": value.cpu().numpy()
            for i, weights in enumerate(self.networks)
            for name, value in weights.items()
        }
        if self.kernel:
            tensors |= {f"kernel.{name}": value for name, value in self.kernel.state().items()}
        return tensors, dict(self.settings)

    @classmethod
    def from_state(cls, tensors: dict[str, np.ndarray], settings: dict) -> "Classifier":
        """The classifier that `state` came from, on the processor; fitted there, it predicts the same to the last bit."""
        self = cls(**settings)

        def part(prefix: str) -> dict[str, np.ndarray]:
            return {
                name[len(prefix) + 1 :]: value
                for name, value in tensors.items()
                if name.startswith(prefix + ".")
            }

        self.networks = [
            {name: torch.from_numpy(value) for name, value in part(f"network{i}").items()}
            for i in range(settings["networks"])
        ]
        self.kernel = self._kernel().load(part("kernel")) if settings["kernel"] else None
        return self

    def _maps(self, X: np.ndarray) -> np.ndarray:
        """(N, C, 14, 14) float32: what the parts see of X. Raises `BadInput` if X is no maps of u, v and strain that they can read."""
        if np.ndim(X) != 4 or np.shape(X)[1] not in (3, 6):
            raise BadInput(
                f"mer_net reads maps of u, v and strain, (clips, 3, height, width); these are {np.shape(X)}. Use the feature flow_image."
            )
        return levelled(X) if self.settings["level"] else pooled(X)

    def _kernel(self) -> MirrorKernel:
        return MirrorKernel(self.settings["classes"], self.settings["balanced"], self.settings["mirror"])
