"""What each of the four facial losses is worth on faces with real skin and scanned motion.

    python -m benchmarks.loss_ablation --portraits DIR --head-model FILE --faces DIR --out OUT

The compact network from three random starts, with no facial loss, with each of them and with all, weighted as in
`configs/flow-ablation-*.yaml`. `benchmarks/srflownet_ablation.py` asks the same of faces that the engine painted.
What OUT holds is not made again. Writes OUT/loss-ablation.md.
"""

from pathlib import Path

import click
import pandas as pd
import torch

from benchmarks import first_claim
from benchmarks.measured_pairs import TITLES, MeasuredPairs, change, sources
from benchmarks.srflownet_ablation import CONFIGS
from flow.estimate import load_method
from flow.srflownet.train import train
from flow.srflownet.train_config import TrainConfig, load_config
from mer_core import markdown
from mer_core.io import write_text

DATA = {"generic": 0.35, "animated_portraits": 0.65}
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
@click.option("--steps", default=900, show_default=True, help="Of each of the 18 trainings.")
@click.option("--batch", default=4, show_default=True, help="Pairs per step.")
@click.option("--pairs", default=24, show_default=True, help="Of each kind, to measure on.")
def main(
    portraits: Path, head_model: Path, faces: Path | None, out: Path, steps: int, batch: int, pairs: int
) -> None:
    torch.set_num_threads(1)
    test = MeasuredPairs(out, sources(portraits, head_model, faces), first_claim.TEST, pairs)
    for seed in first_claim.SEEDS:
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
    """Return docs/results/loss-ablation.md."""
    errors = errors.assign(row=errors["network"].str.rpartition("-")[0])
    mean = errors.groupby(["row", "kind", "pair"])[["epe", "gradient_error"]].mean()  # over seeds
    rows = []
    for row in LOSSES:
        cells = [row]
        for quantity in ("epe", "gradient_error"):
            for kind in TITLES:
                value, before = (mean.loc[(name, kind), quantity].to_numpy() for name in (row, "none"))
                cells.append(f"{value.mean():.4f}" if row == "none" else change(before, value))
        rows.append(cells)
    names = {"epe": "EPE", "gradient_error": "gradient error"}
    header = ["loss", *(f"{name}, {title}" for name in names.values() for title in TITLES.values())]
    per_seed = errors.groupby(["network", "row"])["epe"].mean().groupby("row").std(ddof=1)
    return f"""# What the four facial losses are worth on real skin

{markdown.format_table(header, rows, numbers_from=1)}

The first line holds errors without facial losses, EPE in px and gradient error in px per px over the face; the
others the change in per cent, with the 95 % interval over pairs. Each is the mean of {errors["network"].nunique() // len(LOSSES)}
random starts; the mean EPE of a row varies from start to start by {per_seed.mean():.4f} px (standard deviation).

The compact network, {steps} steps of {batch} pairs of 128 px, without landmarks; two thirds of the pairs are portraits
moved by expressions of scanned people, a third is the generic set. {errors["pair"].nunique()} pairs of each kind at 224 px, of people and
motions that training has not seen.

Made by `python -m benchmarks.loss_ablation --portraits DIR --head-model FILE --faces DIR --out OUT`.
"""


if __name__ == "__main__":
    main()
