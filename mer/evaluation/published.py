"""Published scores on the MEGC 2019 composite beside a run's own, each with what it hides. Nothing here was reproduced."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mer.evaluation import protocols
from mer.evaluation.run import Run, open_run
from mer_core.errors import BadInput

PROTOCOL = "composite-3"
SETS = {"full": "Full", "smic": "SMIC", "casme2": "CASME II", "samm": "SAMM"}


def read() -> pd.DataFrame:
    """One row per published method: `method`, UF1 and UAR in 0..1 of each of `SETS` (missing where not stated), `caveat`."""
    return pd.read_csv(
        protocols.FOLDER / f"{PROTOCOL}-published.csv",
        keep_default_na=False,
        na_values={f"{s}_{m}": "" for s in SETS for m in ("uf1", "uar")},
    )


def beside(paths: Sequence[str | Path]) -> str:
    """Return a Markdown table of UF1/UAR: the finished runs in `paths`, then what is published.

    Raises `BadInput` for a run whose labels are not those of the composite.
    """
    labels = protocols.load(PROTOCOL).labels
    lines = [
        "| | " + " | ".join(f"{name} UF1/UAR" for name in SETS.values()) + " | what to know |",
        "|---" * (len(SETS) + 2) + "|",
    ]
    for run in map(open_run, paths):
        if run.metrics["labels"] != labels:
            raise BadInput(
                f"{run.path} has the labels {run.metrics['labels']}; the published scores are of {labels}. They cannot stand side by side."
            )
        scores = {"full": run.metrics, **run.metrics["per_dataset"]}
        cells = [_pair(scores[name]["uf1"], scores[name]["uar"]) if name in scores else "" for name in SETS]
        lines.append(f"| **{run.path}** | {' | '.join(cells)} | {_own(run)} |")
    for row in read().to_dict("records"):
        cells = [_pair(row[f"{name}_uf1"], row[f"{name}_uar"]) for name in SETS]
        lines.append(f"| {row['method']} | {' | '.join(cells)} | {row['caveat']} |")
    lines += [
        "",
        'Published values are as printed by their authors. "Best test epoch" means that the held-out subject chose it, which is worth .06 to .20 UF1.',
    ]
    return "\n".join(lines)


def _own(run: Run) -> str:
    """What to know about the run: whether it is on the same clips at all."""
    listed = protocols.load(PROTOCOL).clips["clip_id"]
    about = f"mean of {len(run.metrics['seeds'])} seed(s), 95 % {run.metrics['interval95']['uf1'][0]:.3f} to {run.metrics['interval95']['uf1'][1]:.3f}"
    if run.origin["synthetic"]:
        return f"{about}; **synthetic data, not comparable**"
    if run.origin["protocol"]["split"] != "loso":
        return f"{about}; **another split, not comparable**"
    if set(run.clips["clip_id"]) != set(listed):
        return f"{about}; **{len(run.clips)} clips, not the {len(listed)} of the composite: not comparable**"
    return about


def _pair(uf1: float, uar: float) -> str:
    return "/".join(f"{value:.4f}".lstrip("0") for value in (uf1, uar) if pd.notna(value))
