"""light_net: a convolutional network of 5,955 weights on levelled maps, trained with augmentation.

Ours, as a baseline for `mer_net`: with hundreds of clips it is worse, and averaging both is worse than
mer_net alone (docs/results/mer-net-ablation.md). Layers: network.py; augmentation: augmentation.py. Input: u,
v and strain, in this order, of any size (`flow_image`, or ready-made maps).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from mer.classifiers._network import MotionMapClassifier
from mer.classifiers._stored import Tensors
from mer.classifiers.light_net import network
from mer.classifiers.light_net.augmentation import Changes
from mer.classifiers.mer_net.views import levelled, mirrored
from mer_core.device import choose_device


@dataclass(eq=False, repr=False)
class Classifier(MotionMapClassifier):
    """A light network, trained for a fixed number of steps; nothing is chosen by looking at a score.

    Parameters
    ----------
    classes : sequence or None
        Labels to expect; None: those of `y`.
    random_state : int
        Seed of the initial weights, of the batches and of the augmentation.
    steps, learning_rate, mixup, smoothing, balanced
        See `network.Training`.
    mirror, shift, zoom, rotation, amplitude
        See `augmentation.Changes`; with `mirror`, predictions of a map and its mirror image are averaged.
    device : {"cpu", "cuda", "mps", "auto"}
        Not stored with what was fitted.
    map_shape : tuple or None
        Shape of one clip's maps where X comes as rows.
    """

    classes: Sequence[Any] | None = None
    random_state: int = 0
    steps: int = 100
    learning_rate: float = 3e-3
    mirror: bool = True
    shift: float = 1.0
    zoom: float = 0.08
    rotation: float = 8.0
    amplitude: float = 0.2
    mixup: float = 0.2
    smoothing: float = 0.1
    balanced: bool = True
    device: str = "cpu"
    map_shape: tuple[int, int, int] | None = None

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        groups: np.ndarray | None = None,
        places: np.ndarray | None = None,
        total: int | None = None,
    ) -> "Classifier":
        """Fit to maps X (N, 3, H, W) float and labels y (N,).

        Parameters
        ----------
        groups
            Ignored.
        places, total
            See `network.train`.
        """
        [(_, fitted)] = self.fit_folds(X, y, [np.arange(len(y))], groups, places, total)
        self.classes_ = fitted.classes_
        self.n_features_in_: int = fitted.n_features_in_
        self.weights_: network.Weights = fitted.weights_
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
        """Yield (number of the fold, classifier fitted on it), equal to `fit` of each fold up to rounding.

        Parameters
        ----------
        X : (N, 3, H, W) float
            Maps of all clips.
        y : (N,) labels
        folds : sequence of int arrays
            Positions to fit on, one array per fold.
        places, total
            See `network.train`.
        """
        X, codes = self._check_training(self._as_maps(X), y)
        training = network.Training(
            n_classes=len(self.classes_),
            seed=self.random_state,
            steps=self.steps,
            learning_rate=self.learning_rate,
            mixup=self.mixup,
            smoothing=self.smoothing,
            balanced=self.balanced,
            changes=Changes(self.mirror, self.shift, self.zoom, self.rotation, self.amplitude),
        )
        device = choose_device(self.device)
        weights = network.train(levelled(X), codes, folds, training, places, total, device)
        for k in range(len(folds)):
            fitted = self._copy_for_fold()
            fitted.weights_ = {name: value[k : k + 1].clone() for name, value in weights.items()}
            yield k, fitted

    @torch.no_grad()
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return (N, n_classes) float64 for maps X (N, 3, H, W) float."""
        maps = levelled(self._check_samples(self._as_maps(X)))
        sides = [maps, mirrored(maps)] if self.mirror else [maps]
        return np.mean([self._softmax(side) for side in sides], axis=0)

    def tensors(self) -> Tensors:
        return {name: value.cpu().numpy() for name, value in self.weights_.items()}

    def load_tensors(self, tensors: Tensors) -> None:
        self.weights_ = {name: torch.from_numpy(value) for name, value in tensors.items()}

    def _softmax(self, maps: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(np.ascontiguousarray(maps)).to(self.weights_["head.bias"].device)
        return torch.softmax(network.logits(self.weights_, x)[0].cpu().double(), 1).numpy()
