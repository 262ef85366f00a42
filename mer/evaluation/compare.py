"""Runs side by side: is one better than another on the same clips? Reads finished runs and fits nothing.

Two scores whose intervals overlap may still differ significantly, because hard subjects are hard for both:
subjects are drawn, or swapped, together for both runs, and the *difference* gets the interval and the test.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mer.evaluation import metrics
from mer.evaluation.finished_run import SYNTHETIC, Run, open_run
from mer_core import markdown
from mer_core.errors import BadInput
from mer_core.io import atomic_replace, write_text

PERMUTATIONS = 10_000


@dataclass(frozen=True)
class Row:
    """One run, and how it differs from the first one (nothing in the first one's own row)."""

    run: str
    uf1: float  # mean over seeds, as all scores here
    interval: list[float]  # 95 % over subjects
    uar: float
    synthetic: bool  # motion made by a program: the scores say nothing about people
    difference: float | None = None  # of UF1, this run minus the first
    difference_interval: list[float] | None = None  # 95 % over subjects, drawn together
    only_first_right: int | None = None  # clips, each predicted by the mean probability over seeds
    only_this_right: int | None = None
    p: float | None = None  # two-sided, of swapping whole subjects between the two runs
    p_holm: float | None = None  # corrected for the number of runs compared with the first
    detectable: float | None = None  # difference that so many subjects show in four of five repeats


@dataclass(frozen=True)
class Comparison:
    """Runs on the same clips, each compared with the first; iterates over its rows."""

    rows: list[Row]
    n_subjects: int

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Row:
        return self.rows[i]

    @property
    def table(self) -> pd.DataFrame:
        """One row per run, with the fields of `Row`."""
        return pd.DataFrame([asdict(row) for row in self.rows])

    def __str__(self) -> str:
        return to_text(self)

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False, float_format="%.4f", na_rep="")


def compare(paths: Sequence[str | Path | Run], resamples: int = metrics.RESAMPLES) -> Comparison:
    """Compare finished runs on the same clips with the first of them.

    Parameters
    ----------
    paths : sequence of path or Run
        At least two.
    resamples : int
        Bootstrap resamples of subjects behind the intervals.

    Returns
    -------
    Comparison
        One row per run; p values are of `permutation_p`, corrected by Holm's method.

    Raises
    ------
    BadInput
        For fewer than two runs, or runs that differ in their clips, their clips' labels, their classes, or in
        what they leave out at a time.
    """
    if len(paths) < 2:
        raise BadInput(f"Comparing needs at least two runs; {len(paths)} given.")
    runs = [path if isinstance(path, Run) else open_run(path) for path in paths]
    labels = runs[0].metrics["labels"]
    for run in runs[1:]:
        _check_same_clips(runs[0], run)
    counts = [metrics.subject_confusions(run.predictions, labels) for run in runs]
    drawn = [metrics.resampled(each, resamples)["uf1"] for each in counts]
    p = [permutation_p(counts[0], each) for each in counts[1:]]
    corrected = holm(p)
    right = [_right(run, labels) for run in runs]
    rows = [_alone(runs[0], counts[0], drawn[0])]
    for i in range(1, len(runs)):
        row = _alone(runs[i], counts[i], drawn[i])
        paired = {
            "difference": row.uf1 - rows[0].uf1,
            "difference_interval": metrics.middle(drawn[i] - drawn[0]),
            "only_first_right": int((right[0] & ~right[i]).sum()),
            "only_this_right": int((right[i] & ~right[0]).sum()),
            "p": p[i - 1],
            "p_holm": corrected[i - 1],
            "detectable": metrics.detectable(float(np.std(drawn[i] - drawn[0]))),
        }
        rows.append(Row(**{**asdict(row), **paired}))
    return Comparison(rows, counts[0].shape[1])


def _alone(run: Run, counts: np.ndarray, drawn: np.ndarray) -> Row:
    """The row of a run by itself."""
    scores = {name: float(value.mean()) for name, value in metrics.scores(counts.sum(1)).items()}
    return Row(str(run.path), scores["uf1"], metrics.middle(drawn), scores["uar"], run.origin["synthetic"])


def permutation_p(first: np.ndarray, other: np.ndarray, permutations: int = PERMUTATIONS) -> float:
    """Return the two-sided p of the paired permutation test on subjects for the difference of UF1.

    If both runs were equally good, whose predictions a subject got would not matter: all clips of a subject
    are swapped between the runs, each subject with probability 1/2. Every pattern of swaps is taken where
    there are no more of them than `permutations`. The fitted classifiers are held fixed.

    Parameters
    ----------
    first, other : (seeds, subjects, C, C) int
        Confusion counts of `metrics.subject_confusions`.

    References
    ----------
    Good, Permutation, Parametric and Bootstrap Tests of Hypotheses, 3rd edition, 2005, chapter 3; (b + 1) /
    (m + 1) of drawn patterns after Phipson and Smyth, Statistical Applications in Genetics and Molecular
    Biology 9, 2010.
    """
    seeds = math.lcm(len(first), len(other))
    first, other = (np.repeat(each, seeds // len(each), axis=0) for each in (first, other))
    n_subjects = first.shape[1]
    exact = 2**n_subjects <= permutations
    if exact:
        swaps = (np.arange(2**n_subjects)[:, None] >> np.arange(n_subjects)) & 1
    else:
        swaps = np.random.default_rng(0).integers(0, 2, (permutations, n_subjects))
    moved = np.einsum("ps,ksij->pkij", swaps, other - first)
    one = metrics.scores(first.sum(1) + moved)["uf1"].mean(-1)
    two = metrics.scores(other.sum(1) - moved)["uf1"].mean(-1)
    observed = metrics.scores(other.sum(1))["uf1"].mean() - metrics.scores(first.sum(1))["uf1"].mean()
    extreme = int((np.abs(two - one) >= abs(observed) - 1e-12).sum())
    return extreme / len(swaps) if exact else (extreme + 1) / (len(swaps) + 1)


def holm(p: Sequence[float]) -> list[float]:
    """Return p values corrected for their number, in the same order.

    References
    ----------
    Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979.
    """
    corrected, highest = [0.0] * len(p), 0.0
    for rank, i in enumerate(np.argsort(p, kind="stable")):
        highest = max(highest, min(1.0, (len(p) - rank) * p[i]))
        corrected[i] = highest
    return corrected


HEADER = [
    "run",
    "UF1",
    "95 %",
    "UAR",
    "ΔUF1 vs. first",
    "95 %",
    "right alone: first, this",
    "p",
    "p, Holm",
    "detectable ΔUF1",
]


def cells(comparison: Comparison) -> list[list[str]]:
    """Return the rows of the table as text, under `HEADER`."""
    rows = []
    for row in comparison:
        own = [
            f"{row.run}{SYNTHETIC if row.synthetic else ''}",
            f"{row.uf1:.4f}",
            _span(row.interval),
            f"{row.uar:.4f}",
        ]
        paired = [""] * 6
        if row.difference is not None and row.difference_interval is not None:
            paired = [
                f"{row.difference:+.4f}",
                _span(row.difference_interval, "+"),
                f"{row.only_first_right}, {row.only_this_right}",
                f"{row.p:.3g}",
                f"{row.p_holm:.3g}",
                f"{row.detectable:.3f}",
            ]
        rows.append(own + paired)
    return rows


def to_text(comparison: Comparison) -> str:
    """Return the comparison as a Markdown table with what it rests on."""
    n = comparison.n_subjects
    return "\n".join(
        [
            markdown.format_table(HEADER, cells(comparison)),
            "",
            f"Intervals and p are over {n} subjects, drawn or swapped together for both runs; p is "
            "two-sided, and Holm's "
            f"correction is for {len(comparison) - 1} comparison(s). Detectable: the true difference that "
            f"{n} subjects "
            "show (p < .05) in four of five repeats; a smaller one cannot be ruled out by a high p.",
        ]
    )


def write(comparison: Comparison, out: str | Path) -> None:
    """Write compare.csv, compare.tex and the figure (compare.png, .svg, .pdf) to `out`."""
    from mer.report.publication import latex_table, save_figure

    out = Path(out)
    with atomic_replace(out / "compare.csv") as temporary:
        comparison.table.to_csv(temporary, index=False)
    write_text(out / "compare.tex", latex_table(HEADER, cells(comparison)))
    save_figure(_figure(comparison), out / "compare", ("png", "svg", "pdf"))


def _figure(comparison: Comparison):
    """UF1 of each run, and its difference from the first, with intervals."""
    from matplotlib.figure import Figure

    rows = comparison.rows
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
    right.set(xlabel=f"ΔUF1 vs. {Path(rows[0].run).name}, 95 % over subjects")
    left.set_ylim(len(rows) - 0.5, -0.5)  # the first run on top
    return figure


def _check_same_clips(first: Run, other: Run) -> None:
    if first.metrics["labels"] != other.metrics["labels"]:
        raise BadInput(
            f"{first.path} has the labels {first.metrics['labels']}, {other.path} has "
            f"{other.metrics['labels']}. Only like runs compare."
        )
    splits = [run.origin["protocol"]["split"] for run in (first, other)]
    if splits[0] != splits[1]:
        raise BadInput(
            f"{first.path} was split by {splits[0]}, {other.path} by {splits[1]}, so that they learned from "
            "different clips. Only like runs compare."
        )
    one, two = (set(zip(run.clips["clip_id"], run.clips["label"])) for run in (first, other))
    if one != two:
        odd = sorted(clip_id for clip_id, _ in one ^ two)
        raise BadInput(
            f"{len(set(odd))} clip(s) are in one of {first.path} and {other.path} only, or with another "
            f"label. First: {odd[0]}. "
            "Make both with the same clips and the same protocol."
        )


def _right(run: Run, labels: list[str]) -> np.ndarray:
    """(clips,) bool in `clip_id` order: is the label of the greatest mean probability over seeds the true
    one?
    """
    clips = run.predictions.groupby("clip_id")
    best = clips[[f"p_{label}" for label in labels]].mean().to_numpy().argmax(1)
    return np.array(labels)[best] == clips["label"].first().to_numpy()


def _span(interval: list[float], sign: str = "") -> str:
    return f"{interval[0]:{sign}.3f} to {interval[1]:{sign}.3f}"
