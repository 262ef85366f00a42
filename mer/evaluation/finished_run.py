"""A finished run, read back from its folder; what the folder holds is described in run.py."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mer.evaluation import cross_validation, metrics
from mer.evaluation.config import CvConfig
from mer_core.errors import BadInput
from mer_core.io import read_json

FILES = ("config.yaml", "run.json", "metrics.json", "predictions.csv", "clips.csv", "left_out.csv")
AUDIT = "audit-not-a-result"  # folder, in a run, of what mer/evaluation/leakage.py writes
# Behind every score of motion that a program made: lines are copied without what stands around them.
SYNTHETIC = " (synthetic data)"


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
        """UF1, UAR, accuracy and macro precision with their 95 % interval over subjects, and the majority
        class's.
        """
        m = self.metrics
        floor = m["baselines"]["majority_of_training_subjects"]
        rows = {
            name: {
                "value": m[name],
                "low": m["interval95"][name][0],
                "high": m["interval95"][name][1],
                "majority class": floor[name],
            }
            for name in metrics.SCORES
        }
        return pd.DataFrame.from_dict(rows, orient="index")

    def __str__(self) -> str:
        return summary(self.metrics)

    def _repr_html_(self) -> str:
        first, *_ = summary(self.metrics).splitlines()
        made_up = SYNTHETIC if self.metrics["synthetic"] else ""
        title = html.escape(f"{self.path}: {first}{made_up}")
        return f"<p>{title}</p>{self.scores.to_html(float_format='%.3f')}"


def open_run(path: str | Path) -> Run:
    """Read a finished run; raises `BadInput` if `path` is not one."""
    path = Path(path)
    if path.resolve().name == AUDIT or list(path.glob(f"{AUDIT}.*")):
        raise BadInput(
            f"{path} is an audit: its epochs were chosen on the test subjects. It is not a result, and is "
            "not read as one."
        )
    lacking = [name for name in FILES if not (path / name).is_file()]
    if lacking:
        raise BadInput(
            f"{path} is not a finished run: it has no {lacking[0]}. Make or finish one with: mer cv ... "
            f"--out {path}"
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
    """Return the table and the features a finished run was made from. Raises `BadInput` if they are gone or
    are no longer the same.
    """
    folders = [run.path / folder for folder in run.origin["folders"]]
    if run.origin["kind"] == "arrays":
        raise BadInput(
            f"{run.path} was made from arrays, which are not kept. Only runs on folders can be read again."
        )
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
            f"{scores['clips']} clips of {scores['subjects']} subjects, each predicted without its "
            f"{held_out}",
            *(
                [
                    f"Protocol {scores['protocol']}: {sum(left_out.values())} clips are left out "
                    f"(left_out.csv): {reasons}"
                ]
                if left_out
                else []
            ),
            f"UF1 {scores['uf1']:.4f}{spread}{between}; majority class {floor['uf1']:.4f}{made_up}",
            f"UAR {scores['uar']:.4f}, accuracy {scores['accuracy']:.4f}, macro precision "
            f"{scores['macro_precision']:.4f}; majority class UAR {floor['uar']:.4f}{made_up}",
            f"Calibration error {calibration['ece']:.3f}: mean confidence "
            f"{calibration['mean_confidence']:.3f}, accuracy {scores['accuracy']:.3f}{made_up}",
        ]
    )
