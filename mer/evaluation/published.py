"""Published scores on the MEGC 2019 composite beside those of a run. None of them was reproduced here."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mer.evaluation import protocols
from mer.evaluation.finished_run import Run, open_run
from mer_core import markdown
from mer_core.errors import Incompatible
from mer_core.text import format_count

PROTOCOL = "composite-3"
NOTE = (
    'Published values are as printed by their authors. "Best test epoch": the epoch was chosen on the '
    "held-out subject, which adds .06 to .20 UF1."
)
DATASETS = {"full": "Full", "smic": "SMIC", "casme2": "CASME II", "samm": "SAMM"}


def read_published() -> pd.DataFrame:
    """Return one row per published method: `method`, UF1 and UAR on each of `DATASETS`, `caveat`.

    Scores are in 0..1, and missing where the authors state none.
    """
    return pd.read_csv(
        protocols.FOLDER / f"{PROTOCOL}-published.csv",
        keep_default_na=False,
        na_values={f"{s}_{m}": "" for s in DATASETS for m in ("uf1", "uar")},
    )


def format_table(paths: Sequence[str | Path]) -> str:
    """Return a Markdown table of UF1/UAR: the finished runs in `paths`, then the published methods.

    Raises
    ------
    BadInput
        For a run whose labels are not those of the composite.
    """
    labels = protocols.load(PROTOCOL).labels
    rows = []
    for run in map(open_run, paths):
        if run.metrics["labels"] != labels:
            raise Incompatible(
                f"{run.path} has the labels {run.metrics['labels']}, the published scores {labels}. They "
                "cannot be compared."
            )
        scores = {"full": run.metrics, **run.metrics["per_dataset"]}
        cells = [
            _pair(scores[name]["uf1"], scores[name]["uar"]) if name in scores else "" for name in DATASETS
        ]
        rows.append([f"**{run.path}**", *cells, _caveat(run)])
    rows += [
        [row["method"], *(_pair(row[f"{name}_uf1"], row[f"{name}_uar"]) for name in DATASETS), row["caveat"]]
        for row in read_published().to_dict("records")
    ]
    header = ["", *(f"{name} UF1/UAR" for name in DATASETS.values()), "caveat"]
    return "\n".join([markdown.format_table(header, rows), "", NOTE])


def published_rows(run: Run) -> list[dict[str, str]]:
    """Return `method, scores, caveat` of the methods published on the same clips as `run`; often none."""
    if run.metrics["labels"] != protocols.load(PROTOCOL).labels or not _same_problem(run):
        return []
    return [
        {"method": row["method"], "scores": _pair(row["full_uf1"], row["full_uar"]), "caveat": row["caveat"]}
        for row in read_published().to_dict("records")
    ]


def _same_problem(run: Run) -> bool:
    """Return whether the run leaves one subject out of the composite's recorded clips."""
    is_loso = run.origin["protocol"]["split"] == "loso"
    return is_loso and not run.origin["synthetic"] and set(run.clips["clip_id"]) == _listed_clips()


def _listed_clips() -> set[str]:
    clips = protocols.load(PROTOCOL).clips
    assert clips is not None, f"{PROTOCOL} lists its clips one by one"
    return set(clips["clip_id"])


def _caveat(run: Run) -> str:
    """Return seeds and interval of a run, and why it is not comparable if it is not."""
    listed = _listed_clips()
    low, high = run.metrics["interval95"]["uf1"]
    about = f"mean of {format_count(len(run.metrics['seeds']), 'seed')}, 95 % {low:.3f} to {high:.3f}"
    if run.origin["synthetic"]:
        return f"{about}; **synthetic data, not comparable**"
    if run.origin["protocol"]["split"] != "loso":
        return f"{about}; **another split, not comparable**"
    if set(run.clips["clip_id"]) != listed:
        return f"{about}; **{len(run.clips)} clips, not the {len(listed)} of the composite: not comparable**"
    return about


def _pair(uf1: float, uar: float) -> str:
    return "/".join(f"{value:.4f}".lstrip("0") for value in (uf1, uar) if pd.notna(value))
