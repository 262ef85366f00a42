"""Detect action units: one run per unit (see run.py), and the mean of their binary F1.

Source of the score: Varanka et al., Data Leakage and Evaluation Issues in Micro-Expression Analysis, arXiv
2211.11425.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mer.evaluation import metrics, protocols, run, splits
from mer.evaluation.config import CvConfig, save_config
from mer.evaluation.cross_validation import OneLabel
from mer.evaluation.finished_run import HELD_OUT, SYNTHETIC_NOTE
from mer.evaluation.inputs import FeatureCache
from mer.evaluation.run_folder import read_predictions
from mer_core.errors import BadSetting, OccupiedOutput, TooFewClips
from mer_core.io import read_json, visible_names, write_json
from mer_core.parallel import Workers


@dataclass(frozen=True)
class UnitScores:
    """The scores of a detection of action units; `path` holds one run per unit."""

    path: Path
    metrics: dict[str, Any]  # metrics.json

    @property
    def table(self) -> pd.DataFrame:
        """One row per unit with its scores."""
        return pd.DataFrame.from_dict(self.metrics["units"], orient="index")

    def __str__(self) -> str:
        return format_summary(self.metrics)

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="%.3f", na_rep="")


def detects_units(config: CvConfig) -> bool:
    """Return whether the protocol detects several action units, each in a run of its own."""
    protocol = protocols.load(config.input_names.protocol)
    return protocol.unit is None and bool(protocols.listed_units(protocol))


def cross_validate_units(
    paths: Sequence[str | Path], config: CvConfig, out: str | Path, workers: Workers = Workers()
) -> dict[str, Any]:
    """Cross-validate each action unit of `config.protocol`; return what `out`/metrics.json holds.

    The run of unit 4 is in `out`/au4. `mean_binary_f1` is the mean over units of the F1 of "present" on
    pooled predictions. A unit that is never predicted counts as 0. So does one that cannot be learned,
    because the training clips of some fold all show it or all lack it, or too few clips are annotated with
    it; its `why` says so.

    Raises
    ------
    BadSetting, OccupiedOutput
        If the protocol detects no units, or `out` holds something else.
    OneLabel, TooFewClips
        If no unit can be learned.
    """
    out, protocol = Path(out), protocols.load(config.input_names.protocol)
    units = {f"au{unit}": unit for unit in protocols.listed_units(protocol)}
    if not units:
        raise BadSetting(f"{protocol.name} labels emotions and detects no action units. Use mer cv.")
    if visible_names(out) - {"config.yaml", "metrics.json", "report.html", *units}:
        raise OccupiedOutput(f"{out} is not empty and holds no run to continue. Choose another --out.")
    cache: FeatureCache = {}  # all units share the clips
    by_unit, refusals = {}, []
    for name, unit in units.items():
        try:
            by_unit[name] = _cross_validate_unit(paths, config, unit, out / name, workers, cache)
        except (OneLabel, TooFewClips) as error:
            by_unit[name] = {"f1": 0.0, "why": str(error)}
            refusals.append(error)
    learned = [out / name for name, unit in by_unit.items() if "why" not in unit]
    if not learned:
        raise refusals[0]
    scores = {
        "mean_binary_f1": sum(unit["f1"] for unit in by_unit.values()) / len(units),
        "interval95": _interval(learned, len(units)),
        "always_present": sum(unit.get("always_present_f1", 0.0) for unit in by_unit.values()) / len(units),
        "protocol": protocol.name,
        "split": protocol.split,
        "synthetic": any(read_json(path / "metrics.json")["synthetic"] for path in learned),
        "units": by_unit,
    }
    save_config(config, out / "config.yaml")
    write_json(out / "metrics.json", scores)
    return scores


def _cross_validate_unit(
    paths: Sequence[str | Path],
    config: CvConfig,
    unit: int,
    out: Path,
    workers: Workers,
    cache: FeatureCache,
) -> dict[str, Any]:
    """Return the scores of detecting one unit."""
    unit_config = config.model_copy(update={"protocol": f"{config.protocol}-au{unit}"})
    scores = run.cross_validate_prepared(paths, unit_config, out, workers, cache)
    n_present = scores["clips_per_label"]["present"]
    return {
        **scores["per_class"]["present"],
        "clips": scores["clips"],
        "present": n_present,
        "always_present_f1": 2 * n_present / (scores["clips"] + n_present),
    }


def format_summary(scores: dict[str, Any]) -> str:
    """Return the scores of a detection as lines for the terminal."""
    note = SYNTHETIC_NOTE if scores["synthetic"] else ""
    interval = ""
    if scores["interval95"]:
        low, high = scores["interval95"]
        interval = f", 95 % over subjects {low:.3f} to {high:.3f}"
    lines = [
        f"{len(scores['units'])} action units of {scores['protocol']}, each clip predicted without its "
        f"{HELD_OUT[scores['split']]}"
    ]
    reasons = {name: unit["why"] for name, unit in scores["units"].items() if "why" in unit}
    if reasons:
        first, verb = next(iter(reasons.values())), "counts" if len(reasons) == 1 else "count"
        lines.append(f"{', '.join(reasons)} cannot be learned and {verb} as 0. {first}")
    lines += [f"{name} {unit['f1']:.3f}{note}" for name, unit in scores["units"].items()]
    lines.append(
        f"Mean binary F1 {scores['mean_binary_f1']:.3f}{interval}; always predicting present "
        f"{scores['always_present']:.3f}{note}"
    )
    return "\n".join(lines)


def read_scores(path: str | Path) -> dict[str, Any] | None:
    """Return the scores of a detection of action units in folder `path`; None if it holds something else."""
    file = Path(path) / "metrics.json"
    scores = read_json(file) if file.is_file() else {}
    return scores if "mean_binary_f1" in scores else None


def _interval(runs: list[Path], n_units: int) -> list[float] | None:
    """Return the 95 % interval of the mean F1 over units, with subjects drawn together for all units.

    A resample averages over the units it shows, see `metrics.bootstrap_scores`.
    """
    labels = ["absent", "present"]
    tables = [read_predictions(path / "predictions.csv") for path in runs]
    subjects = sorted({name for table in tables for name in splits.subject_ids(table)})
    if len(subjects) < 2:
        return None
    draws = metrics.draw_subjects(len(subjects))
    # A unit that cannot be learned counts as 0 in each resample.
    total, n_shown = np.zeros(len(draws)), np.full(len(draws), n_units - len(tables))
    for table in tables:
        is_shown = np.isin(subjects, splits.subject_ids(table))
        counts = metrics.confusion_by_subject(table, labels)
        resampled = np.einsum("rp,spij->rsij", draws[:, is_shown], counts)
        total += metrics.per_class_scores(resampled)["f1"][..., 1].mean(1)
        n_shown += resampled[:, 0, 1].sum(-1) > 0
    return metrics.central_interval(total[n_shown > 0] / n_shown[n_shown > 0])
