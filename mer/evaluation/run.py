"""A run is one cross-validation: a folder that holds its settings, its data's identity, predictions, scores
and report.

config.yaml (final settings), input.json (identity of the data), run.json (where it came from, versions),
clips.csv (what was evaluated), left_out.csv (what was not, and why), predictions/ (fold by fold),
predictions.csv, metrics.json, report.html
"""

import os
import platform
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mer_core
from data_prep.prepared import SETTINGS_FILE, open_prepared
from mer.evaluation import cross_validation, estimators, metrics, protocols
from mer.evaluation.config import CvConfig
from mer_core.errors import BadInput
from mer_core.io import atomic_replace, read_json, write_json
from mer_core.locks import hold_lock
from mer_core.parallel import Workers

VERSIONS_OF = ("numpy", "pandas", "scikit-learn", "torch", "mediapipe", "opencv-contrib-python")
CLIP_COLUMNS = ["clip_id", "dataset", "subject", "clip", "emotion", "apex_source", "label"]


_NOTHING_LEFT_OUT = pd.DataFrame(columns=["clip_id", "reason"], dtype=str)


def cross_validate_prepared(
    paths: Sequence[str | Path],
    config: CvConfig,
    out: str | Path,
    workers: Workers = Workers(),
    known: dict | None = None,
) -> dict[str, Any]:
    """Cross-validate on prepared folders whose flow has been estimated; returns what `metrics.json` holds.
    known : see `inputs.gather`.
    """
    from mer.evaluation import inputs

    out = Path(out)
    # Before the features of every clip are made, so that a wrong setting is refused at once.
    asked = protocols.load_for(config.input_names.protocol, open_prepared(paths))
    classifier = estimators.resolve(config, len(asked.labels))
    given = inputs.gather(paths, config, known)
    protocol, labels = given.protocol, given.protocol.labels
    settings = [read_json(folder.path / SETTINGS_FILE) for folder in given.folders]
    origin = {
        "kind": "prepared",
        "folders": [os.path.relpath(folder.path, out) for folder in given.folders],
        "prepare": settings,
        "flow": given.flow,
        "synthetic": protocol.synthetic or any(s.get("synthetic", False) for s in settings),
        "protocol": {
            "name": protocol.name,
            "title": protocol.title,
            "source": protocol.source,
            "split": protocol.split,
        },
    }
    with hold_lock(out):
        return _cross_validate(
            given.table, given.X, given.left_out, config, out, labels, origin, workers, classifier
        )


def cross_validate_maps(
    maps: str | Path,
    index: str | Path,
    config: CvConfig,
    out: str | Path,
    *,
    synthetic: bool = False,
    workers: Workers = Workers(),
) -> dict[str, Any]:
    """Cross-validate on ready-made maps; returns what `metrics.json` holds. Labels come from the index, in
    sorted order.

    synthetic : are the maps of faces that were made by a program? Nothing in a map says so.
    """
    from mer.evaluation.flow_maps import read_maps

    out = Path(out)
    table, X = read_maps(maps, index)
    origin = {
        "kind": "maps",
        "folders": [os.path.relpath(maps, out)],
        "index": os.path.relpath(index, out),
        "synthetic": synthetic,
        "protocol": {
            "name": "ready-made maps",
            "title": "Every map in the index, with its label",
            "source": Path(index).name,
            "split": "loso",
        },
    }
    with hold_lock(out):
        return _cross_validate(
            table, X, _NOTHING_LEFT_OUT, _without_inputs(config), out, _labels(table), origin, workers
        )


def cross_validate_arrays(
    table: pd.DataFrame,
    X: np.ndarray,
    config: CvConfig,
    out: str | Path,
    *,
    synthetic: bool = False,
    workers: Workers = Workers(),
) -> dict[str, Any]:
    """Cross-validate on features in memory; returns what `metrics.json` holds. See `cross_validate`."""
    missing = [name for name in ("dataset", "subject", "clip", "label") if name not in table]
    if missing:
        raise BadInput(
            f"The table has no column {', '.join(missing)}. It needs dataset, subject, clip and label."
        )
    table = table.astype(dict.fromkeys(("dataset", "subject", "clip", "label"), str))
    table = table.assign(clip_id=table["dataset"] + "/" + table["subject"] + "/" + table["clip"])
    origin = {
        "kind": "arrays",
        "folders": [],
        "synthetic": synthetic,
        "protocol": {
            "name": "arrays",
            "title": "Every row of a table in memory",
            "source": "arrays",
            "split": "loso",
        },
    }
    X = np.asarray(X, dtype=np.float32)
    return _cross_validate(
        table, X, _NOTHING_LEFT_OUT, _without_inputs(config), Path(out), _labels(table), origin, workers
    )


def _without_inputs(config: CvConfig) -> CvConfig:
    """The settings without those that say how features are made, where features are given."""
    return config.model_copy(update=dict.fromkeys(("protocol", "method", "feature", "feature_settings")))


def _labels(table: pd.DataFrame) -> list[str]:
    return sorted(set(table["label"]))


def _cross_validate(
    table, X, left_out, config, out, labels, origin, workers, classifier=None
) -> dict[str, Any]:
    protocol = origin["protocol"]
    try:
        predictions = cross_validation.cross_validate(
            table, X, config, out, labels, protocol["split"], workers, classifier
        )
    except cross_validation.OneLabel as error:
        if left_out.empty:
            raise
        first, why = left_out.iloc[0]
        n_clips = len(table) + len(left_out)
        some = f"{len(left_out)} of {n_clips} clips are left out, first {first}: {why.rstrip('.')}"
        raise cross_validation.OneLabel(f"{error} Protocol {protocol['name']}: {some}.") from None
    _write_table(table.reindex(columns=CLIP_COLUMNS, fill_value="").sort_values("clip_id"), out / "clips.csv")
    _write_table(left_out.sort_values("clip_id"), out / "left_out.csv")
    reasons = (
        left_out["reason"].str.split(":").str[0].value_counts()
    )  # what follows a colon is about one clip
    counts = {"clips": len(table), "left_out": {reason: int(n) for reason, n in reasons.items()}}
    finished = datetime.now(timezone.utc).isoformat(timespec="seconds")
    write_json(out / "run.json", {**origin, "counts": counts, "finished": finished, "versions": _versions()})
    scores = metrics.summary(predictions, labels)
    about = {
        "protocol": protocol["name"],
        "split": protocol["split"],
        "synthetic": origin["synthetic"],
        "clips_left_out": counts["left_out"],
    }
    write_json(out / "metrics.json", scores | about)
    return scores | about


def _versions() -> dict[str, str]:
    """Versions of what a score depends on, and of the machine's kind, for the record."""
    known = {name: metadata.version(name) for name in VERSIONS_OF if _installed(name)}
    return {
        "mer": mer_core.__version__,
        "python": platform.python_version(),
        **known,
        "machine": f"{platform.system()} {platform.machine()}",
    }


def _installed(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def _write_table(table: pd.DataFrame, path: Path) -> None:
    with atomic_replace(path) as temporary:
        table.to_csv(temporary, index=False)
