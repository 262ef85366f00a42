"""What a fitted mer_net predicts. Unlike the classifier, it needs no scikit-learn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mer.classifiers._stored import MotionMapReader, Stored, Tensors
from mer.classifiers.mer_net import views
from mer.classifiers.mer_net.kernel import MirrorKernel, Mirrors, Views

MIRRORS: Mirrors = {"motion": views.mirrored, "deformation": views.mirrored_deformation}


@dataclass(eq=False, repr=False)
class Predictor(MotionMapReader, Stored):
    """Kernel ridge regression on views of motion maps; nothing is chosen by looking at a score.

    Parameters
    ----------
    classes : sequence or None
        Labels to expect; None: those of `y`.
    random_state : int
        Chooses the clips that become hidden units where `centres` limits them.
    ridge : float
        Variance of a label's noise over that of the signal.
    width : float
        Decay of the kernel: at 1, maps at the mean squared distance have similarity 1/e.
    mirror : bool
        Make the kernel invariant to mirroring the face.
    balanced : bool
        Give the classes equal weight.
    level : bool
        Remove unit and zero of the maps.
    remove_head_motion : bool
        Remove motion that a rigid head explains.
    deformation : bool
        Add the view of the derivatives.
    centres : int
        Maximum number of hidden units, for training sets of thousands; 0: one for each training clip.
    map_shape : tuple or None
        Shape of one clip's maps where X comes as rows.
    """

    classes: Sequence[Any] | None = None
    random_state: int = 0
    ridge: float = 1.0
    width: float = 1.0
    mirror: bool = True
    balanced: bool = True
    level: bool = True
    remove_head_motion: bool = True
    deformation: bool = True
    centres: int = 0
    map_shape: tuple[int, int, int] | None = None

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return (N, n_classes) float64 for maps X (N, 3, H, W) float."""
        return self.kernel_.predict_proba(self._views(self._as_maps(X)))

    def tensors(self) -> Tensors:
        return self.kernel_.tensors()

    def load_tensors(self, tensors: Tensors) -> None:
        self.kernel_ = self._new_kernel().load_tensors(tensors)

    def _views(self, X: np.ndarray) -> Views:
        scale = views.levelled if self.level else views.pooled
        maps = views.without_head_motion(X) if self.remove_head_motion else X
        found = {"motion": scale(maps)}
        if self.deformation:
            found["deformation"] = scale(views.deformation(maps))
        return found

    def _new_kernel(self) -> MirrorKernel:
        mirrors = MIRRORS if self.mirror else {}
        return MirrorKernel(len(self.classes_), self.ridge, self.width, self.balanced, mirrors)
