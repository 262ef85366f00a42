"""docs/results/claim-two.md and its figure, from the table of claim_two.py."""

from pathlib import Path

import pandas as pd

from benchmarks import hard_composite
from mer_core import markdown
from mer_core.io import atomic_replace

PAPER = {"baseline flow": 0.4733, "SRFlowNet": 0.6947}  # F1, arXiv 2601.06479
HEADER = ["flow", "EPE, px", "UF1, logistic", "95 %", "gain", "95 %", "UF1, mer_net", "95 %", "gain", "95 %"]
COLOURS = {"logistic": "#1f5fa8", "mer_net": "#c05a1c"}
INTRODUCTION = """# The second claim: better flow, better recognition?

The paper (arXiv 2601.06479) reports an F1 of {baseline:.4f} with its baseline flow and {theirs:.4f} with
SRFlowNet (+{rise:.0%}), both before a small classifier, on data that is not ours. Here is the question in terms
that can be repeated: one composite, one feature (`flow_image`, 28 x 28), one leave-one-subject-out; only the
flow differs. Two classifiers without anything random in them, and two kinds of people.

A *gain* is ΔUF1 vs. TV-L1 with brightness matched, the strongest way to run what the field runs. *Ground
truth* is what the engine moved, so its gain is the most that better flow can bring to this feature and
classifier. Intervals are over subjects, drawn together for all rows; a gain whose interval holds zero is not
shown to be one."""
NOTES = """- **Data**: {clips} synthetic clips of {subjects} people each ({counts}), {size} px. Peaks of {low} to
  {high} px, a drifting head, light that falls anew, and a camera for each person: noise, exposure drift,
  blur, JPEG, every third one grey (`benchmarks/hard_composite.py`). No row had a say in how hard it is.
  *Rendered* people are the engine's own, *scanned* people heads and expressions of ICT Face Model Light with
  painted skin; clips, emotions, light and cameras are drawn alike.
- **In favour of `srflownet`**: it was trained on other people of the same engine, and its facial solution
  knows expressions of the same scans, so its flow may suit these faces better than real ones; the classical
  methods have learned nothing. RAFT small as released has seen neither. docs/results/flow-benchmark.md has
  real face textures.
- **First row**: TV-L1 with OpenCV's settings and brightness as it comes, as public code runs it. In all other
  rows the apex is brought to the onset's brightness first (`flow/photometric.py`).
- Networks, with the start of their weights' SHA-256: {networks}.
- These are not scores of people. What carries over is the order of the methods at best, not the values.

Made by `python -m benchmarks.claim_two FOLDER --head-model HEAD_MODEL.npz --raft RAFT.safetensors`."""


def page(table: pd.DataFrame) -> str:
    """Return the page as Markdown.

    Parameters
    ----------
    table : DataFrame
        As `claim_two.measure` returns it, of one composite or several.
    """
    baseline, theirs = PAPER.values()
    clips = hard_composite.clips()
    low, high = hard_composite.PEAK_PX
    counts = ", ".join(
        f"{label} {sum(clip.label == label for clip in clips)}" for label in hard_composite.SHOWN
    )
    notes = NOTES.format(
        clips=len(clips),
        subjects=len({clip.subject for clip in clips}),
        counts=counts,
        size=hard_composite.SIZE,
        low=low,
        high=high,
        networks=", ".join(sorted(set(table["folder"][table["network"]]))) or "none",
    )
    parts = [INTRODUCTION.format(baseline=baseline, theirs=theirs, rise=theirs / baseline - 1)]
    parts += [_section(people, part) for people, part in table.groupby("people", sort=False)]
    parts += ["![Mean end-point error against UF1, one point per flow method](claim-two.png)", notes]
    return "\n\n".join(parts) + "\n"


def _section(people: str, table: pd.DataFrame) -> str:
    """Return the part of one composite: its table, and how much of the gap `srflownet` closes."""
    both = [part.reset_index(drop=True) for _, part in table.groupby("classifier", sort=False)]
    cells = []
    for i, line in both[0].iterrows():
        cells.append([line["label"], f"{line['epe']:.3f}"])
        for part in both:
            cells[-1] += [*_cells(part.loc[i], "uf1"), *_cells(part.loc[i], "gain", "+")]
    first = table.iloc[0]
    lines = [
        f"## {people.capitalize()} people",
        "",
        markdown.format_table(HEADER, cells),
        "",
        f"Seeing no motion at all has an EPE of {first['zero_epe']:.3f} px, and the majority class a UF1 of "
        f"{first['majority_uf1']:.3f}.",
    ]
    for part in both:
        closed = part[part["label"] == "srflownet"].iloc[0]
        rise = part["uf1"].iloc[-1] / part["uf1"].iloc[0] - 1
        lines.append(
            f"With `{closed['classifier']}`, `srflownet` closes {closed['gap']:.0%} of the gap between TV-L1 with "
            f"brightness matched and ground truth (95 % {closed['gap_low']:.0%} to {closed['gap_high']:.0%}). It has "
            f"{closed['uf1'] / part['uf1'].iloc[0] - 1:+.0%} over the first row, ground truth {rise:+.0%}."
        )
    return "\n".join(lines)


def _cells(line: pd.Series, name: str, sign: str = "") -> list[str]:
    """Return a value and its interval; nothing where the row is compared with itself."""
    if line[f"{name}_low"] == line[f"{name}_high"]:
        return ["", ""]
    return [f"{line[name]:{sign}.3f}", f"{line[f'{name}_low']:{sign}.3f} to {line[f'{name}_high']:{sign}.3f}"]


def figure(table: pd.DataFrame, path: Path) -> None:
    """Draw UF1, with its interval over subjects, against the end-point error: a panel for each composite."""
    from matplotlib.figure import Figure

    peoples = table["people"].unique()
    picture = Figure(figsize=(5.2 * len(peoples) + 2.4, 4.8), layout="constrained")
    panels = picture.subplots(1, len(peoples), sharey=True, squeeze=False)[0]
    for axes, people in zip(panels, peoples):
        part = table[table["people"] == people]
        for classifier, colour in COLOURS.items():
            _draw_points(axes, part[part["classifier"] == classifier], colour)
        axes.axhline(part["majority_uf1"].iloc[0], color="0.6", linestyle=":", zorder=0)
        axes.set(xlabel="mean end-point error over the face, px", title=f"{people} people")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("UF1, 95 % over subjects; dotted: majority class")
    labels = list(dict.fromkeys(table["label"]))
    entries = [
        *(panels[0].plot([], [], color=c, marker="o", linestyle="", label=n)[0] for n, c in COLOURS.items()),
        *(
            panels[0].plot([], [], color="k", linestyle="", marker=f"${i}$", label=label)[0]
            for i, label in enumerate(labels, start=1)
        ),
    ]
    picture.legend(handles=entries, loc="outside right upper", frameon=False, fontsize=8)
    with atomic_replace(path) as temporary:
        picture.savefig(temporary, dpi=120)


def _draw_points(axes, table: pd.DataFrame, colour: str) -> None:
    for number, line in enumerate(table.itertuples(), start=1):
        axes.plot([line.epe, line.epe], [line.uf1_low, line.uf1_high], color=colour, alpha=0.3, zorder=1)
        axes.plot(
            line.epe, line.uf1, color=colour, linestyle="", marker=f"${number}$", markersize=9, zorder=2
        )
