"""Storing fitted scikit-learn estimators that are not ours, with skops and a fixed list of trusted types.

Loading builds only types of that list: those of scikit-learn and numpy that skops itself trusts, and
`TRUSTED`. What a file says about its own types is never believed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mer_core.errors import BadInput, MissingDependency
from mer_core.io import atomic_replace

# Parts of scikit-learn's estimators that hold numbers and run nothing when they are built, beyond what skops
# trusts.
TRUSTED = (
    "mer.evaluation.splits.LeaveOneDatasetOut",
    "mer.evaluation.splits.LeaveOneSubjectOut",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels.ConstantKernel",
    "sklearn.gaussian_process.kernels.Product",
    "sklearn.gaussian_process.kernels.RBF",
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",  # its node numbers are checked after loading
)


class UntrustedType(BadInput):
    """An estimator holds a type that is not on the list, so it is neither stored nor loaded."""

    code = "untrusted-type"


def save(estimators: Sequence[Any], path: Path) -> None:
    """Write fitted estimators; raise `UntrustedType` if they could not be loaded again."""
    sio = _skops()
    data = sio.dumps(list(estimators))
    _check_types(sio, data, "This classifier cannot be stored")
    with atomic_replace(path) as temporary:
        temporary.write_bytes(data)


def load(path: Path) -> list[Any]:
    """Read what `save` wrote.

    Raises
    ------
    UntrustedType
        If the file holds any other type; none of it has been built then.
    BadInput
        If the file is damaged.
    """
    sio = _skops()
    data = path.read_bytes()
    try:
        _check_types(sio, data, f"{path} is not loaded")
        estimators = sio.loads(data, trusted=list(TRUSTED))
    except UntrustedType:
        raise
    except Exception as error:  # a damaged file may fail anywhere in skops
        raise BadInput(f"{path} is damaged ({error}). Write it again with mer train.") from error
    if not isinstance(estimators, list) or not all(hasattr(one, "predict_proba") for one in estimators):
        raise BadInput(f"{path} holds no fitted classifiers. Write it again with mer train.")
    for one in estimators:
        _check_trees(one, path)
    return estimators


def _skops() -> Any:
    try:
        import skops.io
    except ImportError as error:
        raise MissingDependency(
            "Storing a classifier of your own needs skops. Install it with: pip install 'srflow-mer[skops]'"
        ) from error
    return skops.io


def _check_types(sio: Any, data: bytes, what: str) -> None:
    others = sorted(set(sio.get_untrusted_types(data=data)) - set(TRUSTED))
    if others:
        raise UntrustedType(
            f"{what}: it holds {len(others)} type(s) that are not on the list of trusted ones. First: "
            f"{others[0]}. "
            "Use estimators of scikit-learn without functions or classes of your own."
        )


def _check_trees(value: Any, path: Path, depth: int = 0) -> None:
    """Raise `BadInput` if a tree points outside its nodes or features: scikit-learn follows such numbers
    unchecked.
    """
    if type(value).__name__ == "Tree":
        nodes = value.__getstate__()["nodes"]
        for side in ("left_child", "right_child"):
            if (nodes[side] >= len(nodes)).any() or (nodes[side] < -1).any():
                raise BadInput(
                    f"{path} is damaged (a tree without its nodes). Write it again with mer train."
                )
        if (nodes["feature"] >= value.n_features).any():
            raise BadInput(f"{path} is damaged (a tree of other features). Write it again with mer train.")
    elif depth < 12:
        parts = (
            value
            if isinstance(value, (list, tuple))
            else vars(value).values()
            if hasattr(value, "__dict__")
            else []
        )
        if isinstance(value, dict):
            parts = value.values()
        elif isinstance(value, np.ndarray):
            parts = value.ravel() if value.dtype == object else []
        for part in parts:
            if not isinstance(part, (str, bytes, int, float, type(None))):
                _check_trees(part, path, depth + 1)
        if hasattr(value, "tree_"):
            _check_trees(value.tree_, path, depth + 1)
