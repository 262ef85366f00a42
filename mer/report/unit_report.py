"""What the page of a detection of action units shows; each unit's own run has its own report."""

from pathlib import Path
from typing import Any

from mer.evaluation import protocols
from mer.evaluation.finished_run import HELD_OUT
from mer.evaluation.run_folder import read_settings


def page_variables(path: Path, scores: dict[str, Any]) -> dict[str, Any]:
    """Return the variables of unit_page.html; `scores` are those in `path`/metrics.json."""
    config = read_settings(path / "config.yaml")
    return {
        "m": scores,
        "config": config,
        "protocol": protocols.load(config["protocol"]),
        "left_out": HELD_OUT[scores["split"]],
    }
