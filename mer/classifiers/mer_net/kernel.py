"""Ridge regression of the labels on a kernel that cannot tell a face from its mirror image.

Source: kernel ridge regression as in Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, section 2.2, on
targets 0 and 1; the mean of a kernel over a group is the kernel of the functions that the group leaves alone (Haasdonk and
Burkhardt, Invariant kernel functions for pattern analysis, Machine Learning 68, 2007).
"""

import numpy as np

from mer.classifiers.mer_net.levelling import mirrored

# The most widely used kernel at its natural width: two maps as different as maps on average are at 1/e.
WIDTH = 1.0
RIDGE = 1.0  # labels of this field are about as much noise as signal
FITTED = ("maps", "spread", "prior", "share")


class MirrorKernel:
    """Class probabilities from maps, fitted in closed form.

    balanced : clips weigh N / (C N_c);  mirror : see the module; without it the kernel is the plain one
    """

    def __init__(self, classes: int, balanced: bool = True, mirror: bool = True):
        self.classes, self.balanced, self.mirror = classes, balanced, mirror

    def fit(self, maps: np.ndarray, y: np.ndarray) -> "MirrorKernel":
        """maps : (N, C, h, w) levelled; y : (N,) int."""
        self.maps = maps
        apart = self.distances(maps)
        self.spread = np.array(max(np.mean([d.mean() for d in apart]), 1e-12))
        counts = np.bincount(y, minlength=self.classes)
        weight = (
            (len(y) / counts.clip(min=1) / np.count_nonzero(counts))[y] if self.balanced else np.ones(len(y))
        )
        targets = np.eye(self.classes)[y]
        self.prior = weight @ targets / weight.sum()
        kernel = self._kernel(apart)
        self.share = np.linalg.solve(kernel + RIDGE * np.diag(1 / weight), targets - self.prior)
        return self

    def predict_proba(self, maps: np.ndarray) -> np.ndarray:
        """(N, classes) float64: the regression's values as shares, none below one per cent but of a class never seen."""
        values = self.prior + self._kernel(self.distances(maps)) @ self.share
        values = np.where(self.prior > 0, values.clip(min=0.01), 0.0)
        return values / values.sum(1, keepdims=True)

    def state(self) -> dict[str, np.ndarray]:
        """What was fitted."""
        return {name: getattr(self, name) for name in FITTED}

    def load(self, fitted: dict[str, np.ndarray]) -> "MirrorKernel":
        """Take what `state` returned."""
        for name in FITTED:
            setattr(self, name, fitted[name])
        return self

    def distances(self, maps: np.ndarray) -> tuple[np.ndarray, ...]:
        """Squared distances (N, fitted) of `maps` to those fitted, and to their mirror images."""
        others = (self.maps, mirrored(self.maps)) if self.mirror else (self.maps,)
        return tuple(_squared(maps, other) for other in others)

    def _kernel(self, apart: tuple[np.ndarray, ...]) -> np.ndarray:
        return np.mean([np.exp(-WIDTH * d / self.spread) for d in apart], axis=0)


def _squared(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """(N, M) squared Euclidean distances."""
    one, two = (maps.reshape(len(maps), -1).astype(np.float64) for maps in (one, two))
    return ((one**2).sum(1)[:, None] + (two**2).sum(1) - 2 * one @ two.T).clip(min=0)
