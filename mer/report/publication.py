"""Figures as vector graphics and tables as LaTeX, for a paper."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mer.evaluation.calibration import ReliabilityBin, reliability_bins
from mer.evaluation.finished_run import SYNTHETIC_NOTE, Run
from mer_core.io import atomic_replace, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCORE_NAMES = {"uf1": "UF1", "uar": "UAR", "accuracy": "Accuracy", "macro_precision": "Macro precision"}
ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "Δ": r"$\Delta$",
    "±": r"$\pm$",
}


def save_figure(figure: "Figure", path: Path, formats: Sequence[str] = ("svg", "pdf")) -> list[Path]:
    """Write `figure` as `path` with each suffix, reproducibly to the byte, with text as text."""
    import matplotlib

    written = []
    settings = {"svg.fonttype": "none", "svg.hashsalt": "mer", "pdf.fonttype": 42}
    with matplotlib.rc_context(settings):
        for suffix in formats:
            file = path.with_name(f"{path.name}.{suffix}")
            undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(suffix)
            with atomic_replace(file) as temporary:
                figure.savefig(temporary, dpi=120, metadata=undated)
            written.append(file)
    return written


def latex_table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Return a `tabular` with the rules of booktabs; the first column is left-aligned, the others right."""
    lines = [
        f"\\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
        "\\toprule",
        _latex_row(header),
        "\\midrule",
    ]
    lines += [_latex_row(row) for row in rows]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def _latex_row(cells: Sequence[object]) -> str:
    return " & ".join("" if cell is None else _escape(str(cell)) for cell in cells) + r" \\"


def _escape(text: str) -> str:
    return "".join(ESCAPES.get(letter, letter) for letter in text)


def write_files(run: Run) -> None:
    """Write `figures/` (SVG and PDF) and `tables/` (LaTeX) into a run's folder."""
    for name, figure in {
        "scores": _draw_scores(run.metrics),
        "confusion": _draw_confusion(run.metrics),
        "reliability": _draw_reliability(run),
    }.items():
        save_figure(figure, run.path / "figures" / name)
    for name, (header, rows) in _make_tables(run.metrics).items():
        write_text(run.path / "tables" / f"{name}.tex", latex_table(header, rows))


def _make_tables(metrics: dict[str, Any]) -> dict[str, tuple[list[str], list[list[str]]]]:
    """Return header and rows of each table."""
    majority, n_seeds = metrics["baselines"]["majority_of_training_subjects"], len(metrics["seeds"])
    scores = [
        [
            title,
            f"{metrics[key]:.3f}",
            *(f"{end:.3f}" for end in metrics["interval95"][key]),
            f"{majority[key]:.3f}",
        ]
        for key, title in SCORE_NAMES.items()
    ]
    per_class = [
        [
            label,
            str(metrics["clips_per_label"][label]),
            *(f"{metrics['per_class'][label][key]:.3f}" for key in ("recall", "precision", "f1")),
        ]
        for label in metrics["labels"]
    ]
    confusion = [
        [label, *(f"{n / n_seeds:.1f}" for n in counts)]
        for label, counts in zip(metrics["labels"], metrics["confusion"]["summed_over_seeds"])
    ]
    datasets = [
        [name, str(d["subjects"]), str(d["clips"]), f"{d['uf1']:.3f}", f"{d['uar']:.3f}"]
        for name, d in metrics["per_dataset"].items()
    ]
    return {
        "scores": (["score", "value", "95 % from", "to", "majority class"], scores),
        "per_class": (["class", "clips", "recall", "precision", "F1"], per_class),
        "confusion": (["true \\ predicted", *metrics["labels"]], confusion),
        "per_dataset": (["dataset", "subjects", "clips", "UF1", "UAR"], datasets),
    }


def _draw_scores(metrics: dict[str, Any]) -> "Figure":
    from matplotlib.figure import Figure

    majority = metrics["baselines"]["majority_of_training_subjects"]
    figure = Figure(figsize=(5, 2.2), layout="constrained")
    axes = figure.subplots()
    for i, key in enumerate(SCORE_NAMES):
        axes.plot(metrics["interval95"][key], [i, i], color="0.6", label="95 % interval" if i == 0 else None)
        axes.plot(metrics[key], i, "ko", label="mean" if i == 0 else None)
        axes.plot(majority[key], i, "o", mfc="white", mec="0.4", label="majority class" if i == 0 else None)
    axes.set(
        yticks=range(len(SCORE_NAMES)),
        yticklabels=SCORE_NAMES.values(),
        xlim=(0, 1),
        xlabel=_mark_synthetic(metrics, "score"),
    )
    axes.set_ylim(len(SCORE_NAMES) - 0.5, -0.5)  # the first score on top
    axes.legend(fontsize=7, frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))
    return figure


def _draw_confusion(metrics: dict[str, Any]) -> "Figure":
    from matplotlib.figure import Figure

    counts = np.array(metrics["confusion"]["summed_over_seeds"], float)
    fraction = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure = Figure(figsize=(0.9 * len(fraction) + 1.6, 0.8 * len(fraction) + 1.2), layout="constrained")
    axes = figure.subplots()
    axes.imshow(fraction, cmap="Greys", vmin=0, vmax=1.2)
    for (i, j), value in np.ndenumerate(fraction):
        text = f"{counts[i, j] / len(metrics['seeds']):.0f}\n{value:.0%}"
        axes.text(j, i, text, ha="center", va="center", color="white" if value > 0.6 else "black", fontsize=8)
    ticks = range(len(fraction))
    axes.set(xticks=ticks, xticklabels=metrics["labels"], yticks=ticks, yticklabels=metrics["labels"])
    axes.set(xlabel=_mark_synthetic(metrics, "predicted"), ylabel="true")
    return figure


def _draw_reliability(run: Run) -> "Figure":
    from matplotlib.figure import Figure

    bins = run_reliability_bins(run)
    figure = Figure(figsize=(3.2, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.8", zorder=0)
    confidence, accuracy = [b.confidence for b in bins], [b.accuracy for b in bins]
    axes.vlines(confidence, confidence, accuracy, color="0.5", lw=1)
    sizes = [20 + 200 * b.fraction for b in bins]
    axes.scatter(confidence, accuracy, s=sizes, color="k", alpha=0.7, clip_on=False)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", ylabel="accuracy")
    axes.set_xlabel(_mark_synthetic(run.metrics, "mean confidence"))
    return figure


def run_reliability_bins(run: Run) -> list[ReliabilityBin]:
    """Return the bins of the reliability diagram of a run's predictions, all seeds together."""
    p = run.predictions[[f"p_{label}" for label in run.metrics["labels"]]].to_numpy()
    is_correct = (run.predictions["label"] == run.predictions["prediction"]).to_numpy()
    return reliability_bins(p, is_correct)


def _mark_synthetic(metrics: dict[str, Any], title: str) -> str:
    return title + SYNTHETIC_NOTE if metrics["synthetic"] else title
