"""docs/results/first-claim.md from the errors that `benchmarks/first_claim.py` measured."""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measured_pairs import TITLES, change
from benchmarks.raft_training import SCALE
from mer_core import markdown
from mer_core.io import read_json

NETWORKS = {"raft": "RAFT-small", "compact": "compact network"}
ARMS = {"a": "(a) generic set", "b": "(b) generic set and splat faces"}
PAPER = (0.5081, 0.2953)  # EPE without and with SRFlow, arXiv 2601.06479


def trainings(folder: Path) -> pd.DataFrame:
    """Return steps and CPU seconds of each training that is done: network, step, seconds."""
    rows = [
        {
            "network": path.parent.name,
            **{key: value for key, value in read_json(path).items() if key != "losses"},
        }
        for path in sorted(folder.glob("*/progress.json"))
    ]
    return pd.DataFrame(rows, columns=["network", "step", "seconds"])


def page(development: pd.DataFrame, test: pd.DataFrame, trained: pd.DataFrame, pool: list[str]) -> str:
    """Return the page; a row whose networks are not measured is left out.

    Parameters
    ----------
    development, test : DataFrame
        What `MeasuredPairs.errors` returns.
    trained : DataFrame
        What `trainings` returns.
    pool : list of str
        Names of the pairs of rendered people that training drew from.
    """
    best, n_scanned = best_scale(development), sum(name.startswith("scanned") for name in pool)
    groups = _groups(test, best)
    released = groups[f"RAFT-small as released, input x{best}"]
    return f"""# The first claim: what facial data bring to a pretrained network

{_answers(test, trained, groups, best)}

{_errors(groups, released, trained)}

End-point error (EPE) in px over the face, {test["pair"].nunique()} pairs of each kind at 224 px; ± is the
standard deviation over seeds, in brackets the change against RAFT-small as released at its best input
scale. None of the people and motions was trained on: rendered people of other seeds, expressions of scans
on portraits that are kept from training, photographs under pulls.

## Generic set against generic set and splat faces

{_comparison(test)}

The change of the mean error of (b) against (a), in per cent, for each seed; then over all seeds with the 95 %
interval over pairs.

## RAFT-small as released, by input scale

{_scales(development)}

EPE in px on {development["pair"].nunique()} other pairs of each kind, on which the scale was chosen:
x{best} has the least mean.

## How it was made

- RAFT-small: the authors' weights (princeton-vl/RAFT, BSD-3), which had seen FlyingChairs and FlyingThings3D.
  Fine-tuned at three times the size of 96 px frames, a pair a step, 4 updates
  (`benchmarks/raft_training.py`).
{_compact(test)}
- (a) is the generic set; (b) takes 65 % of its pairs from a pool of {len(pool)} pairs of rendered people
  instead, {n_scanned} of them scanned heads with the skin of portraits that are not measured on. Both
  have the same number of steps, learning rates and losses (no facial losses).
- CPU minutes are those of one training on one core. That is little: the paper's networks were trained on
  GPUs.

```
python -m benchmarks.first_claim RAFT POOL --portraits DIR --head-model FILE --faces DIR --out OUT
```
"""


def best_scale(development: pd.DataFrame) -> int:
    """Return the input scale at which RAFT as released has the least mean error."""
    mean = development.groupby("network")["epe"].mean()
    return int(str(mean.idxmin()).rpartition("x")[2])


def _groups(test: pd.DataFrame, best: int) -> dict[str, pd.DataFrame]:
    """Return the errors of each row of the table, all seeds together."""
    names = {"zero": "predicting nothing", "variational": "variational", "srflownet": "srflownet, as shipped"}
    names |= {
        f"raft-released-x{scale}": f"RAFT-small as released, input x{scale}"
        for scale in sorted({1, SCALE, best})
    }
    groups = {title: test[test["network"] == name] for name, title in names.items()}
    for network, title in NETWORKS.items():
        for arm, data in ARMS.items():
            trained = [f"{network}-{arm}-{seed}" for seed in _seeds(test, network)]
            groups[f"{title}, {data}"] = test[test["network"].isin(trained)]
    return {title: group for title, group in groups.items() if len(group)}


def _errors(groups: dict[str, pd.DataFrame], released: pd.DataFrame, trained: pd.DataFrame) -> str:
    """Return the table of errors, a row for each network and training."""
    rows = []
    for title, group in groups.items():
        cells = [title, _steps(group, trained)]
        for kind in TITLES:
            value, before = _means(group, kind), _means(released, kind).mean()
            spread = f" ± {value.std(ddof=1):.4f}" if len(value) > 1 else ""
            against = f" ({100 * (value.mean() / before - 1):+.0f} %)" if cells[1] else ""
            cells.append(f"{value.mean():.4f}{spread}{against}")
        rows.append(cells)
    rows.append(["the paper, without and with SRFlow", "", "{:.4f} -> {:.4f} (-42 %)".format(*PAPER), "", ""])
    header = ["network and training", "steps, CPU min", *(f"EPE, {title}" for title in TITLES.values())]
    return markdown.format_table(header, rows, numbers_from=1)


def _answers(test: pd.DataFrame, trained: pd.DataFrame, groups: dict[str, pd.DataFrame], best: int) -> str:
    """Return what splat faces brought to each network, on each kind of pairs."""
    released, lines = groups[f"RAFT-small as released, input x{best}"], []
    for network, title in NETWORKS.items():
        if not _seeds(test, network):
            continue
        changes = [f"{_change(test, network, kind)} on {TITLES[kind]}" for kind in TITLES]
        after, before = (
            _means(group, "rendered").mean() for group in (groups[f"{title}, {ARMS['b']}"], released)
        )
        ratio = after / before - 1
        lines.append(
            f"**{title}: splat faces change the EPE by {', '.join(changes)}**, against the same training on "
            f"the generic set alone ({_training(trained, network, len(_seeds(test, network)))}). Against "
            f"RAFT-small as released at its best input scale (x{best}) it has {100 * abs(ratio):.0f} % "
            f"{'less' if ratio < 0 else 'more'} error on rendered people. The paper reports -42 %."
        )
    return "\n\n".join(lines)


def _training(trained: pd.DataFrame, network: str, n_seeds: int) -> str:
    own = trained[trained["network"].str.startswith(f"{network}-")]
    return f"{own['step'].max()} steps, {own['seconds'].mean() / 60:.1f} CPU minutes, {n_seeds} seeds"


def _change(test: pd.DataFrame, network: str, kind: str) -> str:
    """Return the change of (b) against (a), over all seeds, with its interval over pairs."""
    before, after = (errors.mean(axis=1) for errors in _arms(test, network, kind))
    return change(before, after).replace(" (", " % (", 1)


def _arms(test: pd.DataFrame, network: str, kind: str) -> list[np.ndarray]:
    """Return the errors of (a) and (b), each (pairs, seeds) px."""
    table = test[test["kind"] == kind].pivot(index="pair", columns="network", values="epe")
    return [table[[f"{network}-{arm}-{seed}" for seed in _seeds(test, network)]].to_numpy() for arm in ARMS]


def _compact(test: pd.DataFrame) -> str:
    """Return what the rows of the compact network are."""
    if _seeds(test, "compact"):
        return (
            "- Compact network: from a random start, which (a) and (b) of a seed share; 128 px, four pairs\n"
            "  a step, without landmarks in training and in measuring. `srflownet` is the same network as\n"
            "  it ships, trained for far longer."
        )
    weights = ", ".join(test.loc[test["network"] == "srflownet", "weights"].unique())
    return (
        f"- `srflownet` is the compact network with the weights {weights} (SHA-256), for comparison.\n"
        "  Trained as (a) and (b) it is in [srflownet-ablation](srflownet-ablation.md)."
    )


def _seeds(test: pd.DataFrame, network: str) -> list[str]:
    """Return the seeds of which both arms are measured."""
    names = set(test["network"])
    seeds = {name.rpartition("-")[2] for name in names if name.startswith(f"{network}-a-")}
    return sorted(seed for seed in seeds if f"{network}-b-{seed}" in names)


def _means(group: pd.DataFrame, kind: str) -> pd.Series:
    """Return the mean EPE on one kind of pairs, one value for each network."""
    return group[group["kind"] == kind].groupby("network")["epe"].mean()


def _steps(group: pd.DataFrame, trained: pd.DataFrame) -> str:
    own = trained[trained["network"].isin(group["network"])]
    return f"{own['step'].max()}, {own['seconds'].mean() / 60:.1f}" if len(own) else ""


def _comparison(test: pd.DataFrame) -> str:
    """Return the table of (b) against (a)."""
    rows = []
    for network, title in NETWORKS.items():
        for kind in TITLES if _seeds(test, network) else ():
            a, b = _arms(test, network, kind)
            each = ", ".join(f"{100 * (y / x - 1):+.0f}" for x, y in zip(a.mean(axis=0), b.mean(axis=0)))
            rows.append([title, TITLES[kind], each, change(a.mean(axis=1), b.mean(axis=1))])
    return markdown.format_table(["network", "measured on", "each seed, %", "all, %"], rows)


def _scales(development: pd.DataFrame) -> str:
    mean = development.groupby(["network", "kind"])["epe"].mean().unstack()
    rows = [
        ["x" + str(name).rpartition("x")[2], *(f"{line[kind]:.4f}" for kind in TITLES), f"{line.mean():.4f}"]
        for name, line in mean.iterrows()
    ]
    return markdown.format_table(["input", *TITLES.values(), "mean"], rows, numbers_from=1)
