"""Runs side by side: is one better than another on the same clips? Reads finished runs and fits nothing.

Two scores whose intervals overlap may still differ surely, because hard subjects are hard for both; so subjects are drawn
together for all runs and the *difference* gets the interval.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mer.evaluation import metrics
from mer.evaluation.run import SYNTHETIC, Run, open_run
from mer_core.errors import BadInput
from mer_core.io import replacing


@dataclass(frozen=True)
class Row:
    """One run, and how it differs from the first one (nothing in the first one's own row)."""

    run: str
    uf1: float  # mean over seeds, as all scores here
    interval: list[float]  # 95 % over subjects
    uar: float
    synthetic: bool  # motion made by a program: the scores say nothing about people
    difference: float | None = None  # of UF1, this run less the first
    difference_interval: list[float] | None = None  # 95 % over subjects, drawn together
    only_first_right: int | None = None  # clips, each predicted by the mean probability over seeds
    only_this_right: int | None = None
    mcnemar_p: float | None = None  # exact, two-sided


def compare(paths: Sequence[str | Path], resamples: int = metrics.RESAMPLES) -> list[Row]:
    """Return one row per run, each compared with the first.

    Raises `BadInput` for fewer than two runs, or runs that differ in their clips, their clips' labels, their classes, or in
    what they leave out at a time.
    """
    if len(paths) < 2:
        raise BadInput(f"Comparing needs at least two runs; {len(paths)} given.")
    runs = [open_run(path) for path in paths]
    labels = runs[0].metrics["labels"]
    for run in runs[1:]:
        _check_same_clips(runs[0], run)
    counts = [metrics.subject_confusions(run.predictions, labels) for run in runs]
    drawn = [metrics.resampled(each, resamples)["uf1"] for each in counts]
    whole = [
        {name: float(value.mean()) for name, value in metrics.scores(each.sum(1)).items()} for each in counts
    ]
    right = [_right(run, labels) for run in runs]
    rows = []
    for i, path in enumerate(paths):
        own = {
            "run": str(path),
            "uf1": whole[i]["uf1"],
            "interval": metrics.middle(drawn[i]),
            "uar": whole[i]["uar"],
            "synthetic": runs[i].origin["synthetic"],
        }
        if i:
            lost, won = int((right[0] & ~right[i]).sum()), int((right[i] & ~right[0]).sum())
            own |= {
                "difference": own["uf1"] - whole[0]["uf1"],
                "difference_interval": metrics.middle(drawn[i] - drawn[0]),
            }
            own |= {"only_first_right": lost, "only_this_right": won, "mcnemar_p": mcnemar(lost, won)}
        rows.append(Row(**own))
    return rows


def mcnemar(lost: int, won: int) -> float:
    """Two-sided exact p of McNemar's test: of the clips that one of two is right about, are halves each's?

    Source: McNemar, Psychometrika 12, 1947, in its exact binomial form. It takes clips for independent; those of one subject
    are not, so p is too small, and the interval over subjects is what to go by.
    """
    from scipy.stats import binomtest

    return float(binomtest(lost, lost + won).pvalue) if lost + won else 1.0


def to_text(rows: Sequence[Row]) -> str:
    """Return the comparison as a Markdown table with what it rests on."""
    lines = [
        "| run | UF1 | 95 % | UAR | less the first | 95 % | right alone: first, this | McNemar p |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        more = (
            " | | |"
            if row.difference is None
            else (
                f"{row.difference:+.4f} | {_span(row.difference_interval, '+')} | {row.only_first_right}, {row.only_this_right} | {row.mcnemar_p:.3g}"
            )
        )
        lines.append(
            f"| {row.run}{SYNTHETIC if row.synthetic else ''} | {row.uf1:.4f} | {_span(row.interval)} | {row.uar:.4f} | {more} |"
        )
    lines += [
        "",
        "Intervals are over subjects, drawn together for all runs. McNemar is about the answers of the mean over seeds, and takes clips for "
        "independent, so that its p is too small.",
    ]
    if len(rows) > 2:
        lines[-1] += (
            f" Each of {len(rows) - 1} runs is compared with the first as if it were the only one: the more there are, the likelier luck wins once."
        )
    return "\n".join(lines)


def write(rows: Sequence[Row], out: str | Path) -> None:
    """Write compare.csv and compare.png (UF1 of each run, and its difference from the first, with intervals) to `out`."""
    from matplotlib.figure import Figure

    out = Path(out)
    with replacing(out / "compare.csv") as temporary:
        pd.DataFrame([asdict(row) for row in rows]).to_csv(temporary, index=False)
    figure = Figure(figsize=(9, 1.2 + 0.4 * len(rows)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for i, row in enumerate(rows):
        left.plot(row.interval, [i, i], color="0.6")
        left.plot(row.uf1, i, "ko")
        if row.difference is not None:
            right.plot(row.difference_interval, [i, i], color="0.6")
            right.plot(row.difference, i, "ko")
    right.axvline(0, color="0.8", zorder=0)
    left.set(
        xlabel="UF1, 95 % over subjects",
        yticks=range(len(rows)),
        yticklabels=[Path(row.run).name for row in rows],
    )
    right.set(xlabel=f"UF1 less that of {Path(rows[0].run).name}, 95 % over subjects")
    left.set_ylim(len(rows) - 0.5, -0.5)  # the first run on top
    with replacing(out / "compare.png") as temporary:
        figure.savefig(temporary, dpi=120)


def _check_same_clips(first: Run, other: Run) -> None:
    if first.metrics["labels"] != other.metrics["labels"]:
        raise BadInput(
            f"{first.path} has the labels {first.metrics['labels']}, {other.path} has {other.metrics['labels']}. Only like runs compare."
        )
    splits = [run.origin["protocol"]["split"] for run in (first, other)]
    if splits[0] != splits[1]:
        raise BadInput(
            f"{first.path} was split by {splits[0]}, {other.path} by {splits[1]}, so that they learned from different clips. Only like runs compare."
        )
    one, two = (set(zip(run.clips["clip_id"], run.clips["label"])) for run in (first, other))
    if one != two:
        odd = sorted(clip_id for clip_id, _ in one ^ two)
        raise BadInput(
            f"{len(set(odd))} clip(s) are in one of {first.path} and {other.path} only, or with another label. First: {odd[0]}. "
            "Make both with the same clips and the same protocol."
        )


def _right(run: Run, labels: list[str]) -> np.ndarray:
    """(clips,) bool in `clip_id` order: is the label of the greatest mean probability over seeds the true one?"""
    clips = run.predictions.groupby("clip_id")
    best = clips[[f"p_{label}" for label in labels]].mean().to_numpy().argmax(1)
    return np.array(labels)[best] == clips["label"].first().to_numpy()


def _span(interval: list[float], sign: str = "") -> str:
    return f"{interval[0]:{sign}.3f} to {interval[1]:{sign}.3f}"
