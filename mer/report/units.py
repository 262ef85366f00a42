"""What the page of a detection of action units shows; each unit's own run has its own report."""

from pathlib import Path
from typing import Any

import yaml

from mer import protocols
from mer.run import Run


def units_shown(path: Path, scores: dict[str, Any], runs: list[Run]) -> dict[str, Any]:
    """What units.html is filled with: `scores` as in `path`/metrics.json, the settings, and what the units' runs are of."""
    config = yaml.safe_load((path / "config.yaml").read_text(encoding="utf-8"))
    return {
        "m": scores,
        "config": config,
        "protocol": protocols.load(config["protocol"]),
        "left_out": {"loso": "subject", "lodo": "dataset"}[scores["split"]],
        "synthetic": any(run.origin["synthetic"] for run in runs),
    }
