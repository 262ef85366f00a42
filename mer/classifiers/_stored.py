"""What a fitted classifier needs to be stored, restored and asked; `_estimator.py` adds the fitting.

No scikit-learn here: its import takes .7 s and 70 MB, which the command for a single clip saves.
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from mer_core.errors import BadArray

NOT_STORED = ("device", "map_shape")  # parameters that are no part of what was fitted
Tensors = dict[str, np.ndarray]


class Stored(ABC):
    """Something fitted that is stored as tensors and parameters, and restored without running code.

    Subclasses have the parameter `classes`: the labels to expect, because the training clips of a fold may
    lack some (None: those that were fitted).
    """

    classes: Sequence[Any] | None
    classes_: np.ndarray

    @abstractmethod
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return (N, n_classes) float64 in the order of `classes_`, each row summing to 1."""

    @abstractmethod
    def tensors(self) -> Tensors:
        """Return what was fitted."""

    @abstractmethod
    def load_tensors(self, tensors: Tensors) -> None:
        """Restore what `tensors` returned; `classes_` is already set."""

    def state(self) -> tuple[Tensors, dict[str, Any]]:
        """Return what was fitted, as tensors and as parameters that JSON can hold."""
        return self.tensors(), self.stored_params() | {"classes": self.classes_.tolist()}

    def stored_params(self) -> dict[str, Any]:
        """Return the parameters that `state` stores."""
        names = inspect.signature(type(self)).parameters
        return {name: getattr(self, name) for name in sorted(names) if name not in NOT_STORED}

    @classmethod
    def from_state(cls, tensors: Tensors, params: dict[str, Any]):
        """Return what `state` describes, on the CPU.

        Its predictions are equal to the last bit if it was fitted on the CPU too.
        """
        self = cls(**params)
        self.classes_ = np.unique(np.asarray(params["classes"]))
        self.load_tensors(tensors)
        return self


class MapReader:
    """A reader of maps (N, C, H, W).

    With `map_shape` it also reads rows (N, C * H * W), which the scalers of scikit-learn return.
    """

    map_shape: tuple[int, int, int] | None

    def _as_maps(self, X: np.ndarray) -> np.ndarray:
        """Return X as (N, C, H, W); raise `BadInput` if it holds no maps."""
        if np.ndim(X) == 2 and self.map_shape is not None:
            return np.reshape(X, (len(X), *self.map_shape))
        if np.ndim(X) != 4:
            raise BadArray(
                f"This classifier reads maps, (clips, channels, height, width); these are {np.shape(X)}. "
                "Use the feature flow_image, or set map_shape where maps come as flat rows."
            )
        return X


class MotionMapReader(MapReader):
    """A reader of maps (N, 3, H, W) of u, v and strain, in this order."""

    def _as_maps(self, X: np.ndarray) -> np.ndarray:
        X = super()._as_maps(X)
        if np.shape(X)[1] != 3:
            raise BadArray(
                "This classifier reads maps of u, v and strain, (clips, 3, height, width); these are "
                f"{np.shape(X)}. Use the feature flow_image."
            )
        return X
