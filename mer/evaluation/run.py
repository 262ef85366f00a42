"""A run is one cross-validation: a folder that holds its settings, its data's identity, predictions, scores and report.

config.yaml (final settings), input.json (identity of the data), run.json (where it came from, versions), clips.csv (what was
evaluated), left_out.csv (what was not, and why), predictions/ (fold by fold), predictions.csv, metrics.json, report.html
"""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
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
from mer_core.io import read_json, replacing, write_json
from mer_core.locks import locked

VERSIONS_OF = ("numpy", "pandas", "scikit-learn", "torch", "mediapipe", "opencv-contrib-python")
FILES = ("config.yaml", "run.json", "metrics.json", "predictions.csv", "clips.csv", "left_out.csv")
AUDIT = "audit-not-a-result"  # folder, in a run, of what mer/evaluation/leakage.py writes
SYNTHETIC = " (synthetic data)"  # behind every score of motion that a program made: lines are copied without what stands around them
CLIP_COLUMNS = ["clip_id", "dataset", "subject", "clip", "emotion", "apex_source", "label"]


@dataclass(frozen=True)
class Run:
    """A finished run, read back from its folder."""

    path: Path
    config: dict[str, Any]  # config.yaml
    origin: dict[str, Any]  # run.json
    metrics: dict[str, Any]  # metrics.json
    predictions: pd.DataFrame
    clips: pd.DataFrame
    left_out: pd.DataFrame  # clip_id, reason


def open_run(path: str | Path) -> Run:
    """Read a finished run; raises `BadInput` if `path` is not one."""
    path = Path(path)
    if path.resolve().name == AUDIT or list(path.glob(f"{AUDIT}.*")):
        raise BadInput(
            f"{path} is an audit: its epochs were chosen on the test subjects. It is not a result, and is not read as one."
        )
    lacking = [name for name in FILES if not (path / name).is_file()]
    if lacking:
        raise BadInput(
            f"{path} is not a finished run: it has no {lacking[0]}. Make or finish one with: mer cv ... --out {path}"
        )

    def text(name: str, columns: Sequence[str]) -> pd.DataFrame:
        return cross_validation.read_table(path / name, columns, dtype=str)

    return Run(
        path,
        config=cross_validation.read_yaml(path / "config.yaml"),
        origin=read_json(path / "run.json"),
        metrics=read_json(path / "metrics.json"),
        predictions=cross_validation.read_predictions(path / "predictions.csv"),
        clips=text("clips.csv", ["clip_id"]),
        left_out=text("left_out.csv", ["clip_id", "reason"]),
    )


def read_again(run: Run) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the table and the features a finished run was made from. Raises `BadInput` if they are gone or are no longer the same."""
    folders = [run.path / folder for folder in run.origin["folders"]]
    if run.origin["kind"] == "maps":
        from mer.evaluation.flow_maps import read_maps

        table, X = read_maps(folders[0], run.path / run.origin["index"])
    else:
        from mer.evaluation import inputs

        given = inputs.gather(folders, CvConfig(**run.config))
        table, X = given.table, given.X
    before = read_json(run.path / "input.json")
    now = cross_validation.fingerprint(*cross_validation.in_order(table, X, before["classes"]))
    changed = [name for name, value in now.items() if before[name] != value]
    if changed:
        raise BadInput(
            f"The data of {run.path} has changed since: {', '.join(changed)}. Make the run again with mer cv."
        )
    return table, X


def cross_validate_prepared(
    paths: Sequence[str | Path], config: CvConfig, out: str | Path, jobs: int = 1, known: dict | None = None
) -> dict[str, Any]:
    """Cross-validate on prepared folders whose flow has been estimated; returns what `metrics.json` holds. known : see `inputs.gather`."""
    from mer.evaluation import inputs

    out = Path(out)
    # Before the features of every clip are made, so that a wrong setting is refused at once.
    classifier = estimators.resolve(
        config, len(protocols.load_for(config.protocol, open_prepared(paths)).labels)
    )
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
    with locked(out):
        return _cross_validate(
            given.table, given.X, given.left_out, config, out, labels, origin, jobs, classifier
        )


def cross_validate_maps(
    maps: str | Path,
    index: str | Path,
    config: CvConfig,
    out: str | Path,
    *,
    synthetic: bool = False,
    jobs: int = 1,
) -> dict[str, Any]:
    """Cross-validate on ready-made maps; returns what `metrics.json` holds. Labels come from the index, in sorted order.

    synthetic : are the maps of faces that were made by a program? Nothing in a map says so.
    """
    from mer.evaluation.flow_maps import read_maps

    out = Path(out)
    table, X = read_maps(maps, index)
    config = config.model_copy(
        update={"protocol": None, "method": None, "feature": None, "feature_settings": None}
    )
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
    nothing = pd.DataFrame(columns=["clip_id", "reason"], dtype=str)
    with locked(out):
        return _cross_validate(table, X, nothing, config, out, sorted(set(table["label"])), origin, jobs)


def summary(scores: dict[str, Any]) -> str:
    """Return the scores of a run as a few lines for the terminal, the majority class beside them."""
    floor, calibration = scores["baselines"]["majority_of_training_subjects"], scores["calibration_error"]
    seeds, made_up = len(scores["seeds"]), SYNTHETIC if scores["synthetic"] else ""
    spread = f" (the same with each of {seeds} seeds)" if seeds > 1 else " (one seed)"
    if metrics.by_chance(scores):
        spread = f" (SD {scores['sd']['uf1']:.4f} over {seeds} seeds)"
    between = (
        f", 95 % over subjects {scores['interval95']['uf1'][0]:.3f} to {scores['interval95']['uf1'][1]:.3f}"
    )
    held_out, left_out = {"loso": "subject", "lodo": "dataset"}[scores["split"]], scores["clips_left_out"]
    reasons = "; ".join(f"{n} {reason}" for reason, n in left_out.items())
    return "\n".join(
        [
            f"{scores['clips']} clips of {scores['subjects']} subjects, each predicted without its {held_out}",
            *(
                [
                    f"Protocol {scores['protocol']}: {sum(left_out.values())} clips are left out (left_out.csv): {reasons}"
                ]
                if left_out
                else []
            ),
            f"UF1 {scores['uf1']:.4f}{spread}{between}; majority class {floor['uf1']:.4f}{made_up}",
            f"UAR {scores['uar']:.4f}, accuracy {scores['accuracy']:.4f}, macro precision {scores['macro_precision']:.4f}; majority class UAR {floor['uar']:.4f}{made_up}",
            f"Calibration error {calibration['ece']:.3f}: mean confidence {calibration['mean_confidence']:.3f}, accuracy {scores['accuracy']:.3f}{made_up}",
        ]
    )


def _cross_validate(table, X, left_out, config, out, labels, origin, jobs, classifier=None) -> dict[str, Any]:
    protocol = origin["protocol"]
    try:
        predictions = cross_validation.cross_validate(
            table, X, config, out, labels, protocol["split"], jobs, classifier
        )
    except cross_validation.OneLabel as error:
        if left_out.empty:
            raise
        first, why = left_out.iloc[0]
        some = f"{len(left_out)} of {len(table) + len(left_out)} clips are left out, first {first}: {why.rstrip('.')}"
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
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)
