"""Compare finished runs on the same clips: is one better than another?

Two scores whose intervals overlap may still differ significantly, because hard subjects are hard for both
runs. So interval and test are those of the *difference*, with subjects resampled or swapped in both runs
together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from mer.evaluation import metrics
from mer.evaluation.finished_run import SYNTHETIC_NOTE, Run, open_run
from mer.evaluation.paired_test import correct_holm, permutation_p
from mer_core import markdown
from mer_core.errors import Incompatible
from mer_core.io import atomic_replace, write_text
from mer_core.text import format_count


@dataclass(frozen=True)
class ComparedRun:
    """The scores of a run, and its paired difference from the first run (None in the first run's own row)."""

    run: str
    uf1: float  # mean over seeds, as all scores here
    interval: list[float]  # 95 % over subjects
    uar: float
    synthetic: bool
    difference: float | None = None  # UF1 of this run minus that of the first
    difference_interval: list[float] | None = None  # 95 % over subjects, resampled in both runs together
    only_first_right: int | None = None  # clips; predictions are by the mean probability over seeds
    only_this_right: int | None = None
    p: float | None = None  # two-sided permutation test, swapping whole subjects between the two runs
    p_holm: float | None = None  # corrected for the number of runs compared with the first
    detectable: float | None = None  # smallest true difference with corrected p < .05 at a power of 80 %


@dataclass(frozen=True)
class Comparison:
    """Runs on the same clips, each compared with the first; a sequence of its rows."""

    rows: list[ComparedRun]
    n_subjects: int

    def __iter__(self) -> Iterator[ComparedRun]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> ComparedRun:
        return self.rows[i]

    @property
    def table(self) -> pd.DataFrame:
        """One row per run, with the fields of `ComparedRun`."""
        return pd.DataFrame([asdict(row) for row in self.rows])

    def __str__(self) -> str:
        return format_comparison(self)

    def __repr__(self) -> str:
        return f"Comparison({[row.run for row in self.rows]})"

    def _repr_html_(self) -> str:
        shown = self.table.astype(object).where(self.table.notna(), "")
        return shown.to_html(index=False, float_format="{:.4f}".format)


def compare(paths: Sequence[str | Path | Run], n_resamples: int = metrics.N_RESAMPLES) -> Comparison:
    """Compare finished runs on the same clips with the first of them.

    Parameters
    ----------
    paths : sequence of path or Run
        At least two.
    n_resamples : int
        Bootstrap resamples of subjects behind the intervals.

    Returns
    -------
    Comparison
        One row per run. The p values are those of `permutation_p`, corrected by Holm's method.

    Raises
    ------
    BadInput
        For fewer than two runs, or runs that differ in clips, labels, classes or split.

    Examples
    --------
    >>> import mer
    >>> config = mer.CvConfig(protocol="smic-3", method="dis", classifier="majority")
    >>> majority = mer.cross_validate("prepared/smic", config, "runs/majority")
    >>> comparison = mer.compare([majority, "runs/logistic"])
    >>> comparison[1].difference > 0
    True
    """
    if len(paths) < 2:
        raise Incompatible(f"Comparing needs at least two runs; {len(paths)} given.")
    runs = [path if isinstance(path, Run) else open_run(path) for path in paths]
    first, *others = runs
    labels = first.metrics["labels"]
    for run in others:
        _check_same_clips(first, run)
    counts = [metrics.confusion_by_subject(run.predictions, labels) for run in runs]
    resampled = [metrics.bootstrap_scores(each, n_resamples)["uf1"] for each in counts]
    is_right = [_right_clips(run, labels) for run in runs]
    p = [permutation_p(counts[0], each) for each in counts[1:]]
    rows = [_score_alone(*each) for each in zip(runs, counts, resampled)]
    for i, (p_value, p_holm) in enumerate(zip(p, correct_holm(p)), start=1):
        difference = resampled[i] - resampled[0]
        rows[i] = replace(
            rows[i],
            difference=rows[i].uf1 - rows[0].uf1,
            difference_interval=metrics.central_interval(difference),
            only_first_right=int((is_right[0] & ~is_right[i]).sum()),
            only_this_right=int((is_right[i] & ~is_right[0]).sum()),
            p=p_value,
            p_holm=p_holm,
            detectable=_detectable(difference, len(others)),
        )
    return Comparison(rows, counts[0].shape[1])


def _detectable(difference: np.ndarray, n_comparisons: int) -> float | None:
    """Return the detectable difference; None for runs that agree in every resample, which show no spread."""
    sd = float(np.std(difference))
    return metrics.detectable_difference(sd, n_comparisons) if sd > 0 else None


def _score_alone(run: Run, counts: np.ndarray, resampled_uf1: np.ndarray) -> ComparedRun:
    scores = {name: float(value.mean()) for name, value in metrics.compute_scores(counts.sum(1)).items()}
    interval = metrics.central_interval(resampled_uf1)
    return ComparedRun(str(run.path), scores["uf1"], interval, scores["uar"], run.origin["synthetic"])


HEADER = [
    "run",
    "UF1",
    "95 %",
    "UAR",
    "ΔUF1 vs. first",
    "95 %",
    "clips only first / only this right",
    "p",
    "p (Holm)",
    "detectable ΔUF1",
]


def table_rows(comparison: Comparison) -> list[list[str]]:
    """Return the rows of the table as text, under `HEADER`."""
    rows = []
    for row in comparison:
        scores = [
            f"{row.run}{SYNTHETIC_NOTE if row.synthetic else ''}",
            f"{row.uf1:.4f}",
            _format_interval(row.interval),
            f"{row.uar:.4f}",
        ]
        paired = [""] * 6
        if row.difference is not None and row.difference_interval is not None:
            paired = [
                f"{row.difference:+.4f}",
                _format_interval(row.difference_interval, "+"),
                f"{row.only_first_right} / {row.only_this_right}",
                f"{row.p:.3g}",
                f"{row.p_holm:.3g}",
                "" if row.detectable is None else f"{row.detectable:.3f}",
            ]
        rows.append(scores + paired)
    return rows


def format_comparison(comparison: Comparison) -> str:
    """Return the comparison as a Markdown table with notes on its statistics."""
    n_subjects, n_comparisons = comparison.n_subjects, len(comparison) - 1
    notes = [
        f"Intervals: bootstrap over {n_subjects} subjects, resampled in both runs together.",
        "p: two-sided permutation test that swaps whole subjects between the two runs; p (Holm) is corrected "
        f"for {format_count(n_comparisons, 'comparison')}.",
        f"Detectable: the smallest true difference that {n_subjects} subjects show (corrected p < .05) with "
        "a power of 80 %. A high p does not rule out a smaller one.",
    ]
    return "\n".join([markdown.format_table(HEADER, table_rows(comparison)), "", *notes])


def write_comparison(comparison: Comparison, out: str | Path) -> None:
    """Write compare.csv, compare.tex and the figure (compare.png, .svg, .pdf) to `out`."""
    from mer.report.publication import latex_table, save_figure

    out = Path(out)
    with atomic_replace(out / "compare.csv") as temporary:
        comparison.table.to_csv(temporary, index=False)
    write_text(out / "compare.tex", latex_table(HEADER, table_rows(comparison)))
    save_figure(_draw(comparison), out / "compare", ("png", "svg", "pdf"))


def _draw(comparison: Comparison):
    """Draw the UF1 of each run and its difference from the first, with intervals."""
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
        raise Incompatible(
            f"{first.path} has the labels {first.metrics['labels']}, {other.path} has "
            f"{other.metrics['labels']}. Only runs with equal labels can be compared."
        )
    first_split, other_split = (run.origin["protocol"]["split"] for run in (first, other))
    if first_split != other_split:
        raise Incompatible(
            f"{first.path} was split by {first_split}, {other.path} by {other_split}, so they were fitted on "
            "different clips. Only runs with the same split can be compared."
        )
    first_clips, other_clips = (set(zip(run.clips["clip_id"], run.clips["label"])) for run in (first, other))
    if first_clips != other_clips:
        differing = sorted({clip_id for clip_id, _ in first_clips ^ other_clips})
        raise Incompatible(
            f"{format_count(len(differing), 'clip is', 'clips are')} in only one of "
            f"{first.path} and {other.path}, or differ in their "
            f"label. First: {differing[0]}. Make both runs with the same clips and protocol."
        )


def _right_clips(run: Run, labels: list[str]) -> np.ndarray:
    """Return whether each clip is right by its mean probability over seeds, (n_clips,) bool by `clip_id`."""
    clips = run.predictions.groupby("clip_id")
    best = clips[[f"p_{label}" for label in labels]].mean().to_numpy().argmax(1)
    return np.array(labels)[best] == clips["label"].first().to_numpy()


def _format_interval(interval: list[float], sign: str = "") -> str:
    low, high = (round(end, 3) + 0.0 for end in interval)  # -0.0 + 0.0 is 0.0
    return f"{low:{sign}.3f} to {high:{sign}.3f}"
