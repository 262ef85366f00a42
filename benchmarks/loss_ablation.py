"""What each of the four facial losses is worth on faces with real skin and scanned motion.

    python -m benchmarks.loss_ablation --portraits DIR --head-model FILE --faces DIR --out OUT

The compact network from random starts, with no facial loss, with each of them and with all, weighted as in
`configs/flow-ablation-*.yaml`. `benchmarks/srflownet_ablation.py` asks the same of faces that the engine
painted. What OUT holds is not made again. Writes OUT/loss-ablation.md.
"""

from pathlib import Path

import click
import pandas as pd
import torch

from benchmarks import first_claim
from benchmarks.measured_pairs import TITLES, MeasuredPairs, change, relative_change, sources
from benchmarks.srflownet_ablation import CONFIGS
from flow.benchmark.entries import ZERO_FLOW
from flow.estimate import load_method
from flow.srflownet.train import train
from flow.srflownet.train_config import TrainConfig, load_config
from mer_core import markdown
from mer_core.io import write_text

DATA = {"generic": 0.35, "animated_portraits": 0.65}
ZERO = "predicting nothing"
QUANTITIES = {"epe": "EPE", "gradient_error": "gradient error"}
LOSSES = {  # of the row -> the part of the configuration's name that has its weights
    "none": "faces",
    "mask": "mask",
    "gradient": "gradient",
    "total variation": "total-variation",
    "flow difference": "flow-difference",
    "all four": "all",
}


@click.command(help=__doc__.splitlines()[0])
@click.option("--portraits", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--head-model", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--faces", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--seeds", default=3, show_default=True, help="Random starts of each loss.")
@click.option("--steps", default=900, show_default=True, help="Of each training.")
@click.option("--batch", default=4, show_default=True, help="Pairs per step.")
@click.option("--pairs", default=24, show_default=True, help="Of each kind, to measure on.")
def main(
    portraits: Path,
    head_model: Path,
    faces: Path | None,
    out: Path,
    seeds: int,
    steps: int,
    batch: int,
    pairs: int,
) -> None:
    torch.set_num_threads(1)
    test = MeasuredPairs(out, sources(portraits, head_model, faces), first_claim.TEST, pairs)
    test.add(ZERO, ZERO_FLOW)
    for seed in range(seeds):
        for row in LOSSES:
            name = f"{row}-{seed}"
            config = training(row, seed, steps, portraits, head_model, out / "fits")
            config = config.model_copy(update={"batch_size": batch})
            weights = train(config, out / "trainings" / name, device="cpu")
            test.add(name, load_method("srflownet", "cpu", weights=weights, detect_landmarks=False))
    text = page(test.errors(), steps, batch)
    write_text(out / "loss-ablation.md", text)
    click.echo(text)


def training(row: str, seed: int, steps: int, portraits: Path, head_model: Path, fits: Path) -> TrainConfig:
    """Return the training of one row; rows of a seed differ in their losses alone."""
    losses = load_config(CONFIGS / f"flow-ablation-{LOSSES[row]}.yaml").loss_weights
    config = first_claim.compact_config("a", seed, Path(), steps)
    where = {
        "portraits": str(portraits),
        "head_model": str(head_model),
        "head_fit_cache": str(fits),
        "pool_folder": None,
    }
    return config.model_copy(update={"data_fractions": DATA, "loss_weights": losses, **where})


def page(errors: pd.DataFrame, steps: int, batch: int) -> str:
    """Return docs/results/loss-ablation.md; starts that lack a row count for the spread over starts alone."""
    errors = errors.copy()
    errors[["row", "start"]] = errors["network"].str.extract(r"^(.+?)(?:-(\d+))?$").to_numpy()
    complete = errors.groupby("start")["row"].transform("nunique") == len(LOSSES)
    shown = errors[complete | (errors["row"] == ZERO)]
    mean = shown.groupby(["row", "kind", "pair"])[list(QUANTITIES)].mean()  # over random starts
    columns = [(quantity, kind) for quantity in QUANTITIES for kind in TITLES]
    before = {column: mean.loc[("none", column[1]), column[0]].to_numpy() for column in columns}
    rows, n_better, n_worse, largest = [], 0, 0, 0.0
    for row in (ZERO, *LOSSES):
        cells = [row]
        for quantity, kind in columns:
            value = mean.loc[(row, kind), quantity].to_numpy()
            if row in (ZERO, "none"):
                cells.append(f"{value.mean():.4f}")
                continue
            cells.append(change(before[quantity, kind], value, decimals=1))
            ratio, low, high = relative_change(before[quantity, kind], value)
            largest = max(largest, abs(ratio))
            n_better, n_worse = n_better + (high < 0), n_worse + (low > 0)
        rows.append(cells)
    header = ["loss", *(f"{QUANTITIES[quantity]}, {TITLES[kind]}" for quantity, kind in columns)]
    n_starts = shown["start"].nunique()
    return f"""# What the four facial losses are worth on real skin

No facial loss changes an error by more than {largest:.1%}. Beyond the interval over pairs, which is not
corrected for their number: improvements {n_better}, deteriorations {n_worse}, of
{len(columns) * (len(LOSSES) - 1)} changes.

{markdown.format_table(header, rows, numbers_from=1)}

The first two lines hold errors, EPE in px and gradient error in px per px over the face, of zero flow and
of the network trained without facial losses; the others the change against the latter in per cent, with the
95 % interval over pairs. Each is the mean of {n_starts} random start{"s" * (n_starts > 1)}.
{spread_over_starts(errors)}

The compact network, {steps} steps of {batch} pairs of 128 px, without landmarks; losses weighted as in
`configs/flow-ablation-*.yaml`. Two thirds of the pairs are portraits moved by expressions of scanned
people, a third is the generic set. Measured on {errors["pair"].nunique()} pairs of each kind at 224 px, of
people and motions that training has not seen. The network starts from brightness equations, so a training
as short as this decides little.

Made by `python -m benchmarks.loss_ablation --portraits DIR --head-model FILE --faces DIR --out OUT`.
"""


def spread_over_starts(errors: pd.DataFrame) -> str:
    """Return a sentence on how much the EPE of a row varies from start to start, from rows with several."""
    by_start = errors.dropna(subset="start").groupby(["row", "kind", "start"])["epe"].mean()
    by_row = by_start.groupby(["row", "kind"]).agg(["mean", "std", "count"]).query("count > 1")
    if by_row.empty:
        return "How much a row varies from start to start is unknown."
    rows = ", ".join(row for row in LOSSES if row in by_row.index.get_level_values("row"))
    spread = (by_row["std"] / by_row["mean"]).mean()
    return (
        f"From start to start the EPE varies by {spread:.1%} (standard deviation; rows with several: {rows})."
    )


if __name__ == "__main__":
    main()
