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
from typing import Any

import numpy as np
import torch
from sklearn.base import clone

from mer.classifiers._estimator import Tensors
from mer.classifiers._network import MapClassifier
from mer.classifiers.mer_net import network
from mer.classifiers.mer_net.augmentation import Changes
from mer.classifiers.mer_net.kernel import MirrorKernel
from mer.classifiers.mer_net.levelling import levelled, mirrored, pooled
from mer.classifiers.mer_net.network import Training
from mer_core.device import choose
from mer_core.errors import BadInput


class Classifier(MapClassifier):
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
        classes: Sequence[Any] | None = None,
        random_state: int = 0,
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
        map_shape: tuple[int, int, int] | None = None,
    ):
        self.classes = classes
        self.random_state = random_state
        self.kernel = kernel
        self.networks = networks
        self.level = level
        self.start = start
        self.steps = steps
        self.learning_rate = learning_rate
        self.mirror = mirror
        self.shift = shift
        self.zoom = zoom
        self.rotation = rotation
        self.amplitude = amplitude
        self.mixup = mixup
        self.smoothing = smoothing
        self.balanced = balanced
        self.weight_decay = weight_decay
        self.average = average
        self.test_mirror = test_mirror
        self.device = device
        self.map_shape = map_shape

    def check_params(self) -> None:
        if not self.kernel and self.networks < 1:
            raise BadInput(
                "mer_net without the kernel needs at least one network. Set kernel: true, or networks: 1."
            )

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        groups: np.ndarray | None = None,
        places: np.ndarray | None = None,
        total: int | None = None,
    ) -> "Classifier":
        """Fit to maps X (N, 3, H, W) float and labels y (N,); places, total : see `network.train`."""
        [(_, fitted)] = self.fit_folds(X, y, [np.arange(len(y))], groups, places, total)
        self.classes_, self.n_features_in_ = fitted.classes_, fitted.n_features_in_
        self.kernel_, self.networks_ = fitted.kernel_, fitted.networks_
        return self

    def fit_folds(
        self,
        X: np.ndarray,
        y: np.ndarray,
        folds: Sequence[np.ndarray],
        groups: np.ndarray | None = None,
        places: np.ndarray | None = None,
        total: int | None = None,
    ) -> Iterator[tuple[int, "Classifier"]]:
        """Yield (number of the fold, classifier fitted on it), equal to `fit` of each fold to rounding.

        X : (N, 3, H, W) float, all clips; y : (N,) labels; folds : positions to fit on, one array per fold
        """
        self.check_params()
        X, codes = self._check_training(self._as_maps(X), y)
        maps = self._levelled(X)
        networks = self._train_networks(maps, codes, folds, places, total)
        for k, fold in enumerate(folds):
            fitted = clone(self)
            fitted.classes_, fitted.n_features_in_ = self.classes_, self.n_features_in_
            fitted.networks_ = [
                {name: value[k : k + 1].clone() for name, value in weights.items()} for weights in networks
            ]
            fitted.kernel_ = fitted._new_kernel().fit(maps[fold], codes[fold]) if self.kernel else None
            yield k, fitted

    def _train_networks(self, maps, codes, folds, places, total) -> list[network.Weights]:
        """Return the weights of each network, those of all folds stacked."""
        device = choose(self.device)
        begin = None if self.start == "none" else network.frozen(self.start)
        how = Training(
            steps=self.steps,
            learning_rate=self.learning_rate,
            mixup=self.mixup,
            smoothing=self.smoothing,
            balanced=self.balanced,
            weight_decay=self.weight_decay,
            average=self.average,
            changes=Changes(self.mirror, self.shift, self.zoom, self.rotation, self.amplitude),
        )
        seeds = [self.random_state * self.networks + i for i in range(self.networks)]
        return [
            network.train(maps, codes, folds, len(self.classes_), seed, how, begin, places, total, device)
            for seed in seeds
        ]

    @torch.no_grad()
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return (N, n_classes) float64 for maps X (N, 3, H, W) float."""
        maps = self._levelled(self._check_samples(self._as_maps(X)))
        views = [maps, mirrored(maps)] if self.test_mirror else [maps]
        outputs = [np.mean([_softmax(weights, view) for view in views], axis=0) for weights in self.networks_]
        parts = [np.mean(outputs, axis=0)] if outputs else []
        parts += [self.kernel_.predict_proba(maps)] if self.kernel_ else []
        return np.mean(parts, axis=0)

    def tensors(self) -> Tensors:
        tensors = {
            f"network{i}.{name}": value.cpu().numpy()
            for i, weights in enumerate(self.networks_)
            for name, value in weights.items()
        }
        if self.kernel_:
            tensors |= {f"kernel.{name}": value for name, value in self.kernel_.state().items()}
        return tensors

    def load_tensors(self, tensors: Tensors) -> None:
        def part(prefix: str) -> Tensors:
            return {
                name[len(prefix) + 1 :]: value
                for name, value in tensors.items()
                if name.startswith(prefix + ".")
            }

        self.networks_ = [
            {name: torch.from_numpy(value) for name, value in part(f"network{i}").items()}
            for i in range(self.networks)
        ]
        self.kernel_ = self._new_kernel().load(part("kernel")) if self.kernel else None

    def _levelled(self, X: np.ndarray) -> np.ndarray:
        """(N, C, 14, 14) float32: what the parts see of X. Raises `BadInput` if X is no maps of u, v and strain."""
        if np.shape(X)[1] not in (3, 6):
            raise BadInput(
                f"mer_net reads maps of u, v and strain, (clips, 3, height, width); these are {np.shape(X)}. "
                "Use the feature flow_image."
            )
        return levelled(X) if self.level else pooled(X)

    def _new_kernel(self) -> MirrorKernel:
        return MirrorKernel(len(self.classes_), self.balanced, self.mirror)


def _softmax(weights: network.Weights, maps: np.ndarray) -> np.ndarray:
    """(N, n_classes) float64 of one network."""
    x = torch.from_numpy(maps).to(weights["head.bias"].device)
    return torch.softmax(network.logits(weights, x)[0].double(), 1).cpu().numpy()
