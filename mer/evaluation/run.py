"""Make a run: one cross-validation in a folder of its own.

The folder holds config.yaml (final settings), input.json (identity of the data), run.json (origin, versions),
clips.csv (evaluated clips), left_out.csv (the other clips, with reasons), predictions/ (fold by fold),
predictions.csv, metrics.json and report.html.
"""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mer_core
from data_prep.prepared import SETTINGS_FILE, open_prepared
from mer.evaluation import estimators, inputs, metrics, protocols
from mer.evaluation.config import CvConfig
from mer.evaluation.cross_validation import OneLabel, cross_validate
from mer.evaluation.estimators import ClassifierSpec
from mer.evaluation.inputs import FeatureCache
from mer.evaluation.run_folder import write_table
from mer_core.io import read_json, write_json
from mer_core.locks import hold_lock
from mer_core.parallel import Workers

PACKAGES = ("numpy", "pandas", "scikit-learn", "torch", "mediapipe", "opencv-contrib-python")
NONE_LEFT_OUT = pd.DataFrame(columns=["clip_id", "reason"], dtype=str)
PROTOCOL_FACTS = {"name", "title", "source", "split"}  # of a protocol, in run.json
CLIP_COLUMNS = ["clip_id", "dataset", "subject", "clip", "emotion", "apex_source", "label"]


@dataclass(frozen=True, eq=False)
class _Study:
    """The clips of a run, their features, and where both come from."""

    table: pd.DataFrame  # clip_id, dataset, subject, label, one row per clip (N)
    X: np.ndarray  # (N, ...) float32
    labels: list[str]
    origin: dict[str, Any]  # becomes run.json
    left_out: pd.DataFrame = field(default_factory=NONE_LEFT_OUT.copy)  # clip_id, reason


def cross_validate_prepared(
    paths: Sequence[str | Path],
    config: CvConfig,
    out: str | Path,
    workers: Workers = Workers(),
    cache: FeatureCache | None = None,
) -> dict[str, Any]:
    """Cross-validate on prepared folders whose flow has been estimated; return what metrics.json holds.

    `cache` is that of `inputs.read_inputs`.
    """
    out = Path(out)
    # Resolve the classifier before reading every clip, so that a wrong setting is refused at once.
    n_labels = len(protocols.load_for(config.input_names.protocol, open_prepared(paths)).labels)
    classifier = estimators.resolve_classifier(config, n_labels)
    found = inputs.read_inputs(paths, config, cache)
    protocol = found.protocol
    settings = [read_json(folder.path / SETTINGS_FILE) for folder in found.folders]
    origin = {
        "kind": "prepared",
        "folders": [os.path.relpath(folder.path, out) for folder in found.folders],
        "prepare": settings,
        "flow": found.flow,
        "synthetic": protocol.synthetic or any(s.get("synthetic", False) for s in settings),
        "protocol": protocol.model_dump(include=PROTOCOL_FACTS),
    }
    study = _Study(found.table, found.X, protocol.labels, origin, found.left_out)
    return _run(study, config, out, workers, classifier)


def cross_validate_maps(
    maps: str | Path,
    index: str | Path,
    config: CvConfig,
    out: str | Path,
    *,
    synthetic: bool = False,
    workers: Workers = Workers(),
) -> dict[str, Any]:
    """Cross-validate on ready-made maps; return what metrics.json holds.

    The classes are the labels of the index, sorted. `synthetic` marks maps of rendered faces, which nothing
    in the files reveals.
    """
    from mer.evaluation.flow_maps import read_maps

    out = Path(out)
    table, X = read_maps(maps, index)
    title = "Every map in the index, with its label"
    origin = {
        "kind": "maps",
        "folders": [os.path.relpath(maps, out)],
        "index": os.path.relpath(index, out),
        "synthetic": synthetic,
        "protocol": {
            "name": "ready-made maps",
            "title": title,
            "source": Path(index).name,
            "split": "loso",
        },
    }
    study = _Study(table, X, sorted(set(table["label"])), origin)
    return _run(study, inputs.for_given_features(config), out, workers)


def cross_validate_arrays(
    table: pd.DataFrame,
    X: np.ndarray,
    config: CvConfig,
    out: str | Path,
    *,
    workers: Workers = Workers(),
) -> dict[str, Any]:
    """Cross-validate on features in memory; return what metrics.json holds.

    `table` needs `dataset, subject, clip, label`; row i belongs to row i of X (N, ...).
    """
    found = inputs.read_arrays(table, X)
    protocol = found.protocol
    origin = {
        "kind": "arrays",
        "folders": [],
        "synthetic": False,
        "protocol": protocol.model_dump(include=PROTOCOL_FACTS),
    }
    study = _Study(found.table, found.X, protocol.labels, origin)
    return _run(study, inputs.for_given_features(config), Path(out), workers)


def _run(
    study: _Study,
    config: CvConfig,
    out: Path,
    workers: Workers,
    classifier: ClassifierSpec | None = None,
) -> dict[str, Any]:
    """Make the run of a study in a folder that no other process writes to meanwhile."""
    with hold_lock(out):
        return _write_run(study, config, out, workers, classifier)


def _write_run(
    study: _Study, config: CvConfig, out: Path, workers: Workers, classifier: ClassifierSpec | None
) -> dict[str, Any]:
    """Cross-validate, and write the files of the run except those of its folds."""
    table, labels, left_out, protocol = study.table, study.labels, study.left_out, study.origin["protocol"]
    try:
        predictions = cross_validate(
            table, study.X, config, out, labels, protocol["split"], workers, classifier
        )
    except OneLabel as error:
        raise OneLabel(f"{error}{_excluded(left_out, len(table), protocol['name'])}") from None
    write_table(table.reindex(columns=CLIP_COLUMNS, fill_value="").sort_values("clip_id"), out / "clips.csv")
    write_table(left_out.sort_values("clip_id"), out / "left_out.csv")
    # What follows a colon in a reason concerns one clip only.
    reasons = left_out["reason"].str.split(":").str[0].value_counts()
    n_left_out = {reason: int(n) for reason, n in reasons.items()}
    record = {
        "counts": {"clips": len(table), "left_out": n_left_out},
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": _versions(),
    }
    write_json(out / "run.json", study.origin | record)
    scores = metrics.summarize(predictions, labels) | {
        "protocol": protocol["name"],
        "split": protocol["split"],
        "synthetic": study.origin["synthetic"],
        "clips_left_out": n_left_out,
    }
    write_json(out / "metrics.json", scores)
    return scores


def _excluded(left_out: pd.DataFrame, n_clips: int, protocol: str) -> str:
    """Return how many clips the protocol excluded, as the end of a message; empty if none."""
    if left_out.empty:
        return ""
    first, reason = left_out.iloc[0]
    return (
        f" Protocol {protocol} excludes {len(left_out)} of {n_clips + len(left_out)} clips. First: {first}: "
        f"{reason.rstrip('.')}."
    )


def _versions() -> dict[str, str]:
    """Return the versions that a score depends on, and the kind of machine."""
    installed = {name: version for name in PACKAGES if (version := _version(name))}
    return {
        "mer": mer_core.__version__,
        "python": platform.python_version(),
        **installed,
        "machine": f"{platform.system()} {platform.machine()}",
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
