"""Detection of action units: one run per unit, and the mean of their binary F1. What a run is stands in
mer/evaluation/run.py.

Source of the score: Varanka et al., Data Leakage and Evaluation Issues in Micro-Expression Analysis, arXiv
2211.11425.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mer.evaluation import cross_validation, finished_run, inputs, metrics, protocols, run, splits
from mer.evaluation.config import CvConfig, save_config
from mer_core.errors import BadInput
from mer_core.io import read_json, visible_names, write_json
from mer_core.parallel import Workers


@dataclass(frozen=True)
class UnitScores:
    """The scores of a detection of action units; each unit's own run lies in a folder of `path`."""

    path: Path
    metrics: dict[str, Any]  # metrics.json

    @property
    def table(self) -> pd.DataFrame:
        """One row per unit, with what `metrics["units"]` says of it."""
        return pd.DataFrame.from_dict(self.metrics["units"], orient="index")

    def __str__(self) -> str:
        return summary(self.metrics)

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="%.3f", na_rep="")


def detects(config: CvConfig) -> bool:
    """Does the protocol of `config` ask for several action units, each a run of its own?"""
    protocol = protocols.load(config.input_names.protocol)
    return protocol.unit is None and bool(protocols.units(protocol))


def cross_validate_units(
    paths: Sequence[str | Path], config: CvConfig, out: str | Path, workers: Workers = Workers()
) -> dict[str, Any]:
    """Cross-validate each action unit that `config.protocol` asks to detect, and return what
    `out`/metrics.json then holds.

    The run of unit 4 lies in `out`/au4. `mean_binary_f1` is the mean over units of the F1 of "present", on
    pooled predictions. A unit that is never detected counts as 0, and so does one that cannot be learned
    because some fold has no clip with it (or none without it) to fit on; its `why` says so. Raises `BadInput`
    for a protocol that detects none.
    """
    out, protocol = Path(out), protocols.load(config.input_names.protocol)
    if not protocols.units(protocol):
        raise BadInput(
            f"{protocol.name} gives each clip one label, and no action units to detect. Use mer cv."
        )
    if visible_names(out) - {
        "config.yaml",
        "metrics.json",
        "report.html",
        *(f"au{unit}" for unit in protocols.units(protocol)),
    }:
        raise BadInput(f"{out} is not empty and holds no run to go on with. Choose another --out.")
    known: inputs.Features = {}  # each unit is asked of the same clips, whose features are made once
    found = {
        f"au{unit}": _unit_scores(paths, config, unit, out, workers, known)
        for unit in protocols.units(protocol)
    }
    each = [unit["f1"] for unit in found.values()]
    learned = [name for name, unit in found.items() if "why" not in unit]
    scores = {
        "mean_binary_f1": sum(each) / len(each),
        "interval95": _interval([out / name for name in learned], len(each)),
        "always_present": sum(unit.get("always_present_f1", 0.0) for unit in found.values()) / len(each),
        "protocol": protocol.name,
        "split": protocol.split,
        "synthetic": any(read_json(out / name / "metrics.json")["synthetic"] for name in learned),
        "units": found,
    }
    save_config(config, out / "config.yaml")
    write_json(out / "metrics.json", scores)
    return scores


def _unit_scores(paths, config: CvConfig, unit: int, out: Path, workers: Workers, known) -> dict[str, Any]:
    """Return the scores of detecting one unit, or why it could not be learned."""
    of_unit = config.model_copy(update={"protocol": f"{config.protocol}-au{unit}"})
    try:
        scores = run.cross_validate_prepared(paths, of_unit, out / f"au{unit}", workers, known)
    except cross_validation.OneLabel as error:
        return {"f1": 0.0, "why": str(error)}
    present = scores["clips_per_label"]["present"]
    always = 2 * present / (scores["clips"] + present)  # F1 of calling it present in every clip
    return {
        **scores["per_class"]["present"],
        "clips": scores["clips"],
        "present": present,
        "always_present_f1": always,
    }


def summary(scores: dict[str, Any]) -> str:
    """Return the scores of a detection as a few lines for the terminal."""
    lost = [name for name, unit in scores["units"].items() if "why" in unit]
    left_out = {"loso": "subject", "lodo": "dataset"}[scores["split"]]
    between = (
        f", 95 % over subjects {scores['interval95'][0]:.3f} to {scores['interval95'][1]:.3f}"
        if scores["interval95"]
        else ""
    )
    made_up = finished_run.SYNTHETIC if scores["synthetic"] else ""
    lines = [
        f"{len(scores['units'])} action units of {scores['protocol']}, each clip predicted without its "
        f"{left_out}",
        *(f"{name} {unit['f1']:.4f}{made_up}" for name, unit in scores["units"].items()),
        f"Mean binary F1 {scores['mean_binary_f1']:.4f}{between}; always calling a unit present "
        f"{scores['always_present']:.4f}{made_up}",
    ]
    if lost:
        lines.insert(
            1, f"{', '.join(lost)} could not be learned and count(s) as 0. {scores['units'][lost[0]]['why']}"
        )
    return "\n".join(lines)


def read(path: str | Path) -> dict[str, Any] | None:
    """The scores of a detection of action units in folder `path`; None if it is something else."""
    file = Path(path) / "metrics.json"
    scores = read_json(file) if file.is_file() else {}
    return scores if "mean_binary_f1" in scores else None


def _interval(runs: list[Path], units: int) -> list[float] | None:
    """95 % of the mean F1 over `units` units, mean over seeds, with subjects drawn together for all units.

    A resample takes its mean over the units it shows, see `metrics.resampled`.
    """
    labels = ["absent", "present"]
    tables = [cross_validation.read_predictions(path / "predictions.csv") for path in runs]
    subjects = sorted({name for table in tables for name in splits.subject_ids(table)})
    if len(subjects) < 2:
        return None
    draws = metrics.draws(len(subjects))
    # What was not learned counts as 0 in each resample.
    total, counting = np.zeros(len(draws)), np.full(len(draws), units - len(tables))
    for table in tables:
        own = np.isin(subjects, splits.subject_ids(table))
        drawn = np.einsum("rp,spij->rsij", draws[:, own], metrics.subject_confusions(table, labels))
        total += metrics.per_class(drawn)["f1"][..., 1].mean(1)
        counting += drawn[:, 0, 1].sum(-1) > 0
    return metrics.middle(total[counting > 0] / counting[counting > 0])
