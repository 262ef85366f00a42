"""What the page of a detection of action units shows; each unit's own run has its own report."""

from pathlib import Path
from typing import Any

from mer.evaluation.finished_run import HELD_OUT
from mer.evaluation.run_folder import read_settings
from mer_core.io import read_json


def page_variables(path: Path, scores: dict[str, Any]) -> dict[str, Any]:
    """Return the variables of unit_page.html; `scores` are those in `path`/metrics.json."""
    learned = next((name for name, unit in scores["units"].items() if "why" not in unit), "")
    return {
        "m": scores,
        "config": read_settings(path / "config.yaml"),
        "protocol": read_json(path / learned / "run.json")["protocol"],  # its file may be elsewhere by now
        "left_out": HELD_OUT[scores["split"]],
    }
