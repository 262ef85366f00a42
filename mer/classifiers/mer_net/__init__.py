"""mer_net: a radial basis function network with one hidden unit per training clip, invariant to mirroring.

Ours. Fitted in closed form, so all folds take seconds and no seed matters. What is known about faces before
any label is seen is built in:

- How far a face moves, and where the zero of a ready-made map lies, says little: maps are levelled
  (views.py).
- The head is rigid: motion that a turn or a shift of it explains is removed, and a second view, the
  derivatives of the motion, shows how the skin deforms.
- A mirrored face shows the same expression: the kernel is invariant (kernel.py).
- Labels are noisy and rare: the ridge is as large as the signal, and classes weigh equally.

Input: u, v and strain, in this order, of any size (`flow_image`, or ready-made maps). What each part brings
on real clips: docs/results/real-flow-dev.md and mer-net-ablation.md.

References
----------
T. Poggio, F. Girosi, Networks for approximation and learning, Proceedings of the IEEE 78(9), 1990.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mer.classifiers._estimator import Tensors
from mer.classifiers._network import MotionMapClassifier
from mer.classifiers.mer_net import views
from mer.classifiers.mer_net.kernel import MirrorKernel, Mirrors, Views
from mer_core.errors import BadSetting

MIRRORS: Mirrors = {"motion": views.mirrored, "deformation": views.mirrored_deformation}


@dataclass(eq=False, repr=False)
class Classifier(MotionMapClassifier):
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

    def check_params(self) -> None:
        wrong = [
            f"{name} above 0, not {getattr(self, name)}"
            for name in ("ridge", "width")
            if not getattr(self, name) > 0
        ]
        if self.centres < 0:
            wrong.append(f"centres of 0 (one for each clip) or more, not {self.centres}")
        if wrong:
            raise BadSetting(f"mer_net needs {'; '.join(wrong)}.")

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> "Classifier":
        """Fit to maps X (N, 3, H, W) float and labels y (N,)."""
        self.check_params()
        X, codes = self._check_training(self._as_maps(X), y)
        self.kernel_ = self._new_kernel().fit(self._views(X), codes, self._draw_centres(len(codes)))
        return self

    def fit_folds(
        self, X: np.ndarray, y: np.ndarray, folds: Sequence[np.ndarray], groups: np.ndarray | None = None
    ) -> Iterator[tuple[int, "Classifier"]]:
        """Yield (number of the fold, classifier fitted on it), equal to `fit` of each fold up to rounding.

        Parameters
        ----------
        X : (N, 3, H, W) float
            Maps of all clips.
        y : (N,) labels
        folds : sequence of int arrays
            Positions to fit on, one array per fold.
        """
        self.check_params()
        X, codes = self._check_training(self._as_maps(X), y)
        all_views = self._views(X)
        distances = self._new_kernel().distances(all_views, all_views)
        for k, fold in enumerate(folds):
            fitted = self._copy_for_fold()
            centres = self._draw_centres(len(fold))
            columns = fold if centres is None else fold[centres]
            fold_distances = {name: d[:, fold][:, :, columns] for name, d in distances.items()}
            fold_views = {name: maps[fold] for name, maps in all_views.items()}
            fitted.kernel_ = fitted._new_kernel().fit(fold_views, codes[fold], centres, fold_distances)
            yield k, fitted

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return (N, n_classes) float64 for maps X (N, 3, H, W) float."""
        return self.kernel_.predict_proba(self._views(self._check_samples(self._as_maps(X))))

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

    def _draw_centres(self, n_clips: int) -> np.ndarray | None:
        if not 0 < self.centres < n_clips:
            return None
        return np.sort(np.random.default_rng(self.random_state).permutation(n_clips)[: self.centres])

    def _new_kernel(self) -> MirrorKernel:
        mirrors = MIRRORS if self.mirror else {}
        return MirrorKernel(len(self.classes_), self.ridge, self.width, self.balanced, mirrors)
