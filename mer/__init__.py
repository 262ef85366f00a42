"""Micro-expression recognition from facial optical flow: evaluation without leaks, and scores of clips.

The public interface. Each name is imported at first use, so `import mer` is fast:

    mer.prepare(name, root, out)                a dataset folder or a table of recordings -> aligned faces
    mer.estimate_flow(method, onset, apex)      two aligned faces -> flow in pixels
    mer.estimate_prepared_flow(prepared)        prepared folders -> flow of each clip, stored beside the faces
    mer.CvConfig(classifier="logistic")         the settings of a cross-validation
    mer.cross_validate(prepared, config, out)   prepared folders or arrays -> a run with its scores
    mer.compare([run, other])                   runs on the same clips -> paired differences
    mer.train(prepared, config, out)            prepared folders or arrays -> a bundle, fitted on all clips
    mer.load_bundle(path)                       a folder -> a bundle
    mer.score(clip)                             a clip or its frames -> what moved, when and where; a label
    mer.spot(clip)                              a long video -> intervals of movement
    mer.LeaveOneSubjectOut()                    the split as a scikit-learn splitter
    mer.LeaveOneDatasetOut()                    the same by dataset
    mer.MerError("...")                         the root of every error that a user can fix

Arrays are accepted where files are; they are checked and identified as files are.

    mer.prepare("table", table, out)            a DataFrame with paths or frames as `file`
    mer.score(frames), mer.spot(frames)         frames (N, H, W[, 3]) uint8
    mer.estimate_flow(method, onset, apex)      faces (H, W, 3) uint8
    mer.cross_validate((table, X), ...)         a DataFrame with labels, and features (N, ...)
    mer.train((table, X), ...)                  the same -> a bundle that predicts arrays
    mer.compare([run, other])                   runs as `cross_validate` returns them, or their folders
"""

import importlib
from typing import TYPE_CHECKING, Any

from mer_core import __version__ as __version__
from mer_core.errors import MerError as MerError

if TYPE_CHECKING:
    from flow.estimate import estimate as estimate_flow
    from mer.bundle import load as load_bundle
    from mer.evaluation.compare import compare as compare
    from mer.evaluation.config import CvConfig as CvConfig
    from mer.evaluation.splits import LeaveOneDatasetOut as LeaveOneDatasetOut
    from mer.evaluation.splits import LeaveOneSubjectOut as LeaveOneSubjectOut
    from mer.experiment import cross_validate as cross_validate
    from mer.inference.predict import score as score
    from mer.inference.predict import spot as spot
    from mer.preparation import estimate_prepared_flow as estimate_prepared_flow
    from mer.preparation import prepare as prepare
    from mer.training import train as train

__all__ = [
    "CvConfig",
    "LeaveOneDatasetOut",
    "LeaveOneSubjectOut",
    "MerError",
    "compare",
    "cross_validate",
    "estimate_flow",
    "estimate_prepared_flow",
    "load_bundle",
    "prepare",
    "score",
    "spot",
    "train",
]

_LAZY = {
    "CvConfig": ("mer.evaluation.config", "CvConfig"),
    "LeaveOneDatasetOut": ("mer.evaluation.splits", "LeaveOneDatasetOut"),
    "LeaveOneSubjectOut": ("mer.evaluation.splits", "LeaveOneSubjectOut"),
    "compare": ("mer.evaluation.compare", "compare"),
    "cross_validate": ("mer.experiment", "cross_validate"),
    "estimate_flow": ("flow.estimate", "estimate"),
    "estimate_prepared_flow": ("mer.preparation", "estimate_prepared_flow"),
    "load_bundle": ("mer.bundle", "load"),
    "prepare": ("mer.preparation", "prepare"),
    "score": ("mer.inference.predict", "score"),
    "spot": ("mer.inference.predict", "spot"),
    "train": ("mer.training", "train"),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'mer' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
