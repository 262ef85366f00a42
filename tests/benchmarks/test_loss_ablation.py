"""The rows of the loss ablation differ in their losses alone, and the page gives changes."""

from pathlib import Path

import pandas as pd

from benchmarks import loss_ablation
from benchmarks.loss_ablation import LOSSES, ZERO
from benchmarks.measured_pairs import TITLES
from flow.srflownet.losses import combine_losses


def test_rows_of_a_seed_differ_in_their_losses_alone():
    rows = {
        row: loss_ablation.training(row, 1, 40, Path("portraits"), Path("model"), Path("fits")).model_dump()
        for row in LOSSES
    }
    none, every = rows["none"], rows["all four"]
    assert not none["loss_weights"] and len(every["loss_weights"]) == 4
    assert all({key for key in row if row[key] != none[key]} <= {"loss_weights"} for row in rows.values())
    assert all(
        len(row["loss_weights"]) == 1 for name, row in rows.items() if name not in ("none", "all four")
    )
    combine_losses(every["loss_weights"])
    assert "animated_portraits" in none["data_fractions"] and none["portraits"] == "portraits"


def errors_of(seeds):
    rows = [
        (f"{row}-{seed}", kind, pair, 0.1 if row == "mask" else 0.2, 0.02)
        for row in LOSSES for seed in range(seeds) for kind in TITLES for pair in range(4)
    ]  # fmt: skip
    rows += [(ZERO, kind, pair, 0.9, 0.03) for kind in TITLES for pair in range(4)]
    return pd.DataFrame(rows, columns=["network", "kind", "pair", "epe", "gradient_error"])


def test_the_page_gives_changes_against_no_loss():
    text = loss_ablation.page(errors_of(seeds=3), 900, 4)
    assert f"| {ZERO} | 0.9000 |" in text and "| none | 0.2000 | 0.2000 | 0.2000 | 0.0200 |" in text
    assert "| mask | -50.0 (-50.0 to -50.0) |" in text and "3 random starts" in text
    assert "50.0%" in text and "improvements 3, deteriorations 0" in text
    assert "varies by 0.0%" in text


def test_a_start_that_lacks_a_row_counts_for_the_spread_alone():
    errors = errors_of(seeds=2)
    of_second = errors["network"].str.endswith("-1")
    errors.loc[of_second, "epe"] *= 1.1
    text = loss_ablation.page(errors[~of_second | (errors["network"] == "none-1")], 900, 4)
    assert "1 random start." in text and "| none | 0.2000 |" in text
    assert "6.7%" in text
    assert "is unknown" in loss_ablation.page(errors_of(seeds=1), 900, 4)
