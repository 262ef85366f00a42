"""Store fitted scikit-learn estimators of other libraries with skops and a fixed list of trusted types.

Loading builds only the types of scikit-learn and numpy that skops itself trusts, and those in `TRUSTED`. The
list of types in a file is never used as the list of trusted types.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mer_core.dependencies import import_extra
from mer_core.errors import BadInput, UnreadableFile
from mer_core.io import atomic_replace
from mer_core.text import format_count

# Parts of scikit-learn's estimators that skops does not list: they hold numbers and run nothing when built.
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


MAX_DEPTH = 12  # of the search for trees


class UntrustedType(BadInput):
    """An estimator holds a type that is not trusted, so it is neither stored nor loaded."""

    code = "untrusted-type"


def save(estimators: Sequence[Any], path: Path) -> None:
    """Write fitted estimators; raise `UntrustedType` if `load` would refuse them."""
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
        If the file holds any other type; nothing has been built then.
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
    except Exception as error:  # skops may raise anything on a damaged file
        raise UnreadableFile(f"{path} is damaged ({error}). Write it again with mer train.") from error
    if not isinstance(estimators, list) or not all(hasattr(one, "predict_proba") for one in estimators):
        raise UnreadableFile(f"{path} holds no fitted classifiers. Write it again with mer train.")
    for one in estimators:
        _check_trees(one, path)
    return estimators


def _skops() -> Any:
    return import_extra("skops.io", "skops", "A bundle of scikit-learn classifiers")


def _check_types(sio: Any, data: bytes, what: str) -> None:
    others = sorted(set(sio.get_untrusted_types(data=data)) - set(TRUSTED))
    if others:
        raise UntrustedType(
            f"{what}: it holds {format_count(len(others), 'untrusted type')}. First: {others[0]}. Use "
            "estimators of scikit-learn without functions or classes of your own."
        )


def _check_trees(value: Any, path: Path, depth: int = 0) -> None:
    """Raise `BadInput` if a tree points outside its nodes or features, which scikit-learn does not check."""
    if type(value).__name__ == "Tree":
        _check_tree(value, path)
        return
    if depth == MAX_DEPTH or isinstance(value, (str, bytes, int, float, type(None))):
        return
    parts = list(vars(value).values()) if hasattr(value, "__dict__") else []
    if isinstance(value, dict):
        parts += value.values()
    elif isinstance(value, (list, tuple)):
        parts += value
    elif isinstance(value, np.ndarray) and value.dtype == object:
        parts += value.ravel().tolist()
    for part in parts:
        _check_trees(part, path, depth + 1)


def _check_tree(tree: Any, path: Path) -> None:
    nodes = tree.__getstate__()["nodes"]
    for side in ("left_child", "right_child"):
        if (nodes[side] >= len(nodes)).any() or (nodes[side] < -1).any():
            raise UnreadableFile(f"{path} is damaged (a tree lacks nodes). Write it again with mer train.")
    if (nodes["feature"] >= tree.n_features).any():
        raise UnreadableFile(
            f"{path} is damaged (a tree reads features that do not exist). Write it again with mer train."
        )
