"""What the page of a detection of action units shows; each unit's own run has its own report."""

from pathlib import Path
from typing import Any

from mer.evaluation import cross_validation, protocols


def units_shown(path: Path, scores: dict[str, Any]) -> dict[str, Any]:
    """What units.html is filled with: `scores` as in `path`/metrics.json, and the settings."""
    config = cross_validation.read_yaml(path / "config.yaml")
    return {
        "m": scores,
        "config": config,
        "protocol": protocols.load(config["protocol"]),
        "left_out": {"loso": "subject", "lodo": "dataset"}[scores["split"]],
    }
