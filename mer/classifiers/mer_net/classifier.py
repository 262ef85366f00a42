"""The classifier mer_net: its predictor as a scikit-learn estimator that can be fitted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mer.classifiers._network import MotionMapClassifier
from mer.classifiers.mer_net.predictor import Predictor
from mer_core.errors import BadSetting


@dataclass(eq=False, repr=False)
class Classifier(Predictor, MotionMapClassifier):
    __doc__ = Predictor.__doc__

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
        return super().predict_proba(self._check_samples(self._as_maps(X)))

    def _draw_centres(self, n_clips: int) -> np.ndarray | None:
        if not 0 < self.centres < n_clips:
            return None
        return np.sort(np.random.default_rng(self.random_state).permutation(n_clips)[: self.centres])
