"""The report of a detection of action units: all units on one page; each unit's own run has its own report."""

from pathlib import Path
from typing import Any

import yaml

from mer import protocols
from mer.disk import write_text


def write_units_report(path: Path, scores: dict[str, Any]) -> Path:
    """Write `path`/report.html from what `path`/metrics.json holds, and that of each unit; returns the page of all units."""
    from mer.report import page_writer, write_report
    from mer.run import open_run

    config = yaml.safe_load((path / "config.yaml").read_text(encoding="utf-8"))
    runs = [open_run(path / name) for name, unit in scores["units"].items() if "why" not in unit]
    for run in runs:
        write_report(run.path)
    page = page_writer().get_template("units.html").render(
        m=scores,
        config=config,
        protocol=protocols.load(config["protocol"]),
        left_out={"loso": "subject", "lodo": "dataset"}[scores["split"]],
        synthetic=any(run.origin["synthetic"] for run in runs),
    )
    write_text(path / "report.html", page)
    return path / "report.html"
