"""A finished run, read back from its folder; run.py lists what the folder holds."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mer.evaluation import cross_validation, metrics
from mer.evaluation.config import CvConfig
from mer.evaluation.run_folder import read_predictions, read_settings, read_table
from mer_core.errors import ChangedSettings, Incompatible, UnreadableFile
from mer_core.io import read_json
from mer_core.text import format_count

FILES = ("config.yaml", "run.json", "metrics.json", "predictions.csv", "clips.csv", "left_out.csv")
AUDIT_FOLDER = "audit-not-a-result"  # written into a run by mer/evaluation/leakage.py
# Follows every score on synthetic data: people copy single lines without their context.
SYNTHETIC_NOTE = " (synthetic data)"
HELD_OUT = {"loso": "subject", "lodo": "dataset"}  # what each split leaves out


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

    @property
    def scores(self) -> pd.DataFrame:
        """One row per score: value, 95 % interval over subjects, and the score of the majority class."""
        m = self.metrics
        majority = m["baselines"]["majority_of_training_subjects"]
        rows = {
            name: {
                "value": m[name],
                "low": m["interval95"][name][0],
                "high": m["interval95"][name][1],
                "majority class": majority[name],
            }
            for name in metrics.SCORES
        }
        return pd.DataFrame.from_dict(rows, orient="index")

    def __str__(self) -> str:
        return format_summary(self.metrics)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"  # the tables in it would fill a screen

    def _repr_html_(self) -> str:
        first, *_ = format_summary(self.metrics).splitlines()
        note = SYNTHETIC_NOTE if self.metrics["synthetic"] else ""
        title = html.escape(f"{self.path}: {first}{note}")
        return f"<p>{title}</p>{self.scores.to_html(float_format='%.3f')}"


def open_run(path: str | Path) -> Run:
    """Read a finished run; raise `BadInput` if `path` does not hold one."""
    path = Path(path)
    if path.resolve().name == AUDIT_FOLDER or list(path.glob(f"{AUDIT_FOLDER}.*")):
        raise UnreadableFile(
            f"{path} is an audit, whose epochs were chosen on the test subjects. It is not a result."
        )
    missing = [name for name in FILES if not (path / name).is_file()]
    if missing:
        raise UnreadableFile(
            f"{path} is not a finished run: it has no {missing[0]}. Make or finish one with: mer cv ... "
            f"--out {path}"
        )

    def text(name: str, columns: Sequence[str]) -> pd.DataFrame:
        return read_table(path / name, columns, dtype=str)

    return Run(
        path,
        config=read_settings(path / "config.yaml"),
        origin=read_json(path / "run.json"),
        metrics=read_json(path / "metrics.json"),
        predictions=read_predictions(path / "predictions.csv"),
        clips=text("clips.csv", ["clip_id"]),
        left_out=text("left_out.csv", ["clip_id", "reason"]),
    )


def reload_inputs(run: Run) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the table and the features that a finished run was made from.

    Raises
    ------
    BadInput
        If they are gone or have changed.
    """
    folders = [run.path / folder for folder in run.origin["folders"]]
    if run.origin["kind"] == "arrays":
        raise Incompatible(
            f"{run.path} was made from arrays, which a run does not keep. Only runs on folders can."
        )
    if run.origin["kind"] == "maps":
        from mer.evaluation.flow_maps import read_maps

        table, X = read_maps(folders[0], run.path / run.origin["index"])
    else:
        from mer.evaluation import inputs

        found = inputs.read_inputs(folders, CvConfig(**run.config))
        table, X = found.table, found.X
    before = read_json(run.path / "input.json")
    now = cross_validation.fingerprint(*cross_validation.sort_clips(table, X, before["classes"]))
    changed = [name for name, value in now.items() if before[name] != value]
    if changed:
        raise ChangedSettings(
            f"The data of {run.path} has changed since: {', '.join(changed)}. Make the run again with mer cv."
        )
    return table, X


def format_summary(scores: dict[str, Any]) -> str:
    """Return the scores of metrics.json as lines for the terminal, with those of the majority class."""
    majority = scores["baselines"]["majority_of_training_subjects"]
    calibration, note = scores["calibration_error"], SYNTHETIC_NOTE if scores["synthetic"] else ""
    low, high = scores["interval95"]["uf1"]
    lines = [
        f"{scores['clips']} clips of {scores['subjects']} subjects, each predicted without its "
        f"{HELD_OUT[scores['split']]}"
    ]
    if left_out := scores["clips_left_out"]:
        reasons = "; ".join(f"{n} {reason}" for reason, n in left_out.items())
        n_left_out = format_count(sum(left_out.values()), "clip")
        lines.append(f"Protocol {scores['protocol']} leaves out {n_left_out} (left_out.csv): {reasons}")
    return "\n".join(
        [
            *lines,
            f"UF1 {scores['uf1']:.3f} ({_spread(scores)}), 95 % over subjects {low:.3f} to {high:.3f}; "
            f"majority class {majority['uf1']:.3f}{note}",
            f"UAR {scores['uar']:.3f}, accuracy {scores['accuracy']:.3f}, macro precision "
            f"{scores['macro_precision']:.3f}; majority class UAR {majority['uar']:.3f}{note}",
            f"Calibration error {calibration['ece']:.3f}: mean confidence "
            f"{calibration['mean_confidence']:.3f}, accuracy {scores['accuracy']:.3f}{note}",
        ]
    )


def _spread(scores: dict[str, Any]) -> str:
    n_seeds = len(scores["seeds"])
    if metrics.varies_with_seed(scores):
        return f"SD {scores['sd']['uf1']:.3f} over {n_seeds} seeds"
    return f"the same with each of {n_seeds} seeds" if n_seeds > 1 else "one seed"
