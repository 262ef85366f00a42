"""Micro-expression recognition: facial motion -> features -> leave-one-subject-out evaluation, and the score of one's own clip.

What is meant to be used from Python is below, imported when it is first asked for, so that `import mer` is quick:

    mer.prepare(name, root, out)            a dataset folder -> aligned faces (data_prep/prepare.py)
    mer.estimate_flow(method, onset, apex)  two aligned faces -> motion in pixels (flow/estimate.py)
    mer.CvConfig(classifier="logistic")     the settings of a cross-validation (mer/evaluation/config.py)
    mer.cross_validate(prepared, config, out)  prepared folders -> scores without leaks (mer/evaluation/run.py)
    mer.score(clip)                         a video -> what moved, when, where, and what it resembles (mer/inference/predict.py)
    mer.load_bundle(path)                   a fitted classifier from its folder (mer/bundle.py)
"""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mer_core import __version__ as __version__

if TYPE_CHECKING:
    from mer.evaluation.config import CvConfig

_PUBLIC = {
    "prepare": ("data_prep.prepare", "prepare"),
    "estimate_flow": ("flow.estimate", "estimate"),
    "CvConfig": ("mer.evaluation.config", "CvConfig"),
    "score": ("mer.inference.predict", "score"),
    "load_bundle": ("mer.bundle", "load"),
}
__all__ = [*_PUBLIC, "cross_validate"]


def cross_validate(
    paths: "str | Path | Sequence[str | Path]", config: "CvConfig | None", out: "str | Path", jobs: int = 1
) -> dict[str, Any]:
    """Cross-validate on one prepared folder or several whose flow has been estimated; returns what `metrics.json` holds.

    config : None for the default settings
    jobs : processes, for classifiers whose folds are fitted one by one
    Raises `BadInput` for folders that cannot be used, and for an `out` that holds another run.
    """
    from mer.evaluation.config import CvConfig
    from mer.evaluation.run import cross_validate_prepared

    return cross_validate_prepared(
        [paths] if isinstance(paths, (str, Path)) else paths, config or CvConfig(), out, jobs
    )


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'mer' has no attribute {name!r}")
    module, function = _PUBLIC[name]
    return getattr(importlib.import_module(module), function)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
