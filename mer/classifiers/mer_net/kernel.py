"""Kernel ridge regression of labels, invariant to mirroring the face.

References
----------
Kernel ridge regression: C. Rasmussen, C. Williams, Gaussian Processes for Machine Learning, 2006, section
2.2, on targets 0 and 1; fewer centres than clips: section 8.3.1, subset of regressors. The mean of a kernel
over a group is the kernel of the functions that the group leaves alone: B. Haasdonk, H. Burkhardt, Invariant
kernel functions for pattern analysis and machine learning, Machine Learning 68, 2007. A sum of kernels adds
functions of each view.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

Views = dict[str, np.ndarray]  # name -> (N, C, h, w)
Mirrors = dict[str, Callable[[np.ndarray], np.ndarray]]  # name -> the view of the mirrored face
MIN_PROBABILITY = 0.01  # of a class that was seen in training


@dataclass
class MirrorKernel:
    """Class probabilities from views of maps, fitted in closed form.

    Parameters
    ----------
    n_classes : int
    ridge : float
        Variance of a label's noise over that of the signal.
    width : float
        Decay of the kernel: at 1, maps at the mean squared distance have similarity 1/e.
    balanced : bool
        Weight clips by N / (C N_c), so that classes weigh equally.
    mirrors : dict
        Mirror function of each view; empty for a kernel that distinguishes the sides of the face.
    """

    n_classes: int
    ridge: float = 1.0
    width: float = 1.0
    balanced: bool = True
    mirrors: Mirrors = field(default_factory=dict)

    def fit(
        self, views: Views, y: np.ndarray, centres: np.ndarray | None = None, distances: Views | None = None
    ) -> "MirrorKernel":
        """Fit to views of N clips and their labels.

        Parameters
        ----------
        views : dict of (N, C, h, w) float
        y : (N,) int
        centres : (M,) int or None
            Positions of the clips that become hidden units; None: all.
        distances : dict or None
            `self.distances(views, centres)` where it is known already.
        """
        self.centres = views if centres is None else {name: maps[centres] for name, maps in views.items()}
        distances = distances or self.distances(views, self.centres)
        self.spread = {name: max(float(d.mean()), 1e-12) for name, d in distances.items()}
        weight = self._clip_weights(y)
        targets = np.eye(self.n_classes)[y]
        self.prior = weight @ targets / weight.sum()
        kernel = self._kernel(distances)
        if centres is None:
            self.coefficients = np.linalg.solve(
                kernel + self.ridge * np.diag(1 / weight), targets - self.prior
            )
            return self
        between = self._kernel(self.distances(self.centres, self.centres))
        normal = (kernel.T * weight) @ kernel + self.ridge * between + 1e-8 * np.eye(len(between))
        self.coefficients = np.linalg.solve(normal, (kernel.T * weight) @ (targets - self.prior))
        return self

    def predict_proba(self, views: Views) -> np.ndarray:
        """Return (N, n_classes) float64: values of the regression, clipped from below and normalised.

        Classes that were not seen in training have probability 0.
        """
        values = self.prior + self._kernel(self.distances(views, self.centres)) @ self.coefficients
        values = np.where(self.prior > 0, values.clip(min=MIN_PROBABILITY), 0.0)
        return values / values.sum(1, keepdims=True)

    def distances(self, views: Views, centres: Views) -> Views:
        """Return squared distances to the centres for each view: (1, N, M), or with mirrors (2, N, M).

        The second plane holds the distances to the mirrored centres.
        """
        return {
            name: np.stack([
                squared_distances(maps, side)
                for side in (centres[name], *([self.mirrors[name](centres[name])] if self.mirrors else []))
            ])
            for name, maps in views.items()
        }  # fmt: skip

    def tensors(self) -> dict[str, np.ndarray]:
        """Return the fitted state."""
        centres = {f"centres.{name}": maps for name, maps in self.centres.items()}
        spread = {f"spread.{name}": np.array(value) for name, value in self.spread.items()}
        return centres | spread | {"prior": self.prior, "coefficients": self.coefficients}

    def load_tensors(self, tensors: dict[str, np.ndarray]) -> "MirrorKernel":
        """Restore the state that `tensors` returned."""

        def part(prefix: str) -> dict[str, np.ndarray]:
            return {
                key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)
            }

        self.centres = part("centres.")
        self.spread = {name: value.item() for name, value in part("spread.").items()}
        self.prior, self.coefficients = tensors["prior"], tensors["coefficients"]
        return self

    def _kernel(self, distances: Views) -> np.ndarray:
        each = [np.exp(-self.width * d / self.spread[name]).mean(0) for name, d in distances.items()]
        return np.mean(each, axis=0)

    def _clip_weights(self, y: np.ndarray) -> np.ndarray:
        if not self.balanced:
            return np.ones(len(y))
        counts = np.bincount(y, minlength=self.n_classes)
        return (len(y) / counts.clip(min=1) / np.count_nonzero(counts))[y]


def squared_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return squared Euclidean distances (N, M) between N and M arrays."""
    first, second = (maps.reshape(len(maps), -1).astype(np.float64) for maps in (first, second))
    return ((first**2).sum(1)[:, None] + (second**2).sum(1) - 2 * first @ second.T).clip(min=0)
