"""The ablation compares what it says it compares."""

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks import srflownet_ablation
from flow.srflownet.train import TrainConfig


def test_rows_differ_in_data_and_losses_alone():
    rows = {
        name: srflownet_ablation.config_of(name, "pool", 40, 64).model_dump()
        for name in srflownet_ablation.ROWS
    }
    first = rows.pop("generic")
    assert (
        first["data_fractions"] == {"generic": 1.0}
        and not first["loss_weights"]
        and first["steps"] == 40
        and first["motion_curriculum_steps"] == 4
    )
    for row in rows.values():
        assert {key for key in row if row[key] != first[key]} <= {"data_fractions", "loss_weights"} and row[
            "data_fractions"
        ] == rows["faces"]["data_fractions"]
    used = [tuple(row["loss_weights"]) for row in rows.values()]
    assert len(set(used)) == len(used) and set(used[-1]) == {name for row in used[:-1] for name in row}


def test_a_row_that_starts_from_weights_is_refused(monkeypatch):
    monkeypatch.setattr(srflownet_ablation, "load_config", lambda path: TrainConfig(init_weights="somewhere"))
    with pytest.raises(srflownet_ablation.BadSetting, match="flow-ablation-faces.yaml"):
        srflownet_ablation.config_of("faces", "pool", 40, 64)


def test_errors_are_those_inside_the_face(monkeypatch):
    frame = np.full((8, 8, 3), 100, np.uint8)
    mask = np.zeros((8, 8), bool)
    mask[:, :4] = True
    truth = np.zeros((8, 8, 2), np.float32)
    truth[:, 4:] = 50  # outside the face
    monkeypatch.setattr(
        srflownet_ablation,
        "_held_out",
        lambda pairs, faces: iter([("splat faces", 0, frame, frame, truth, mask)]),
    )
    shift = lambda onset, apex: [torch.tensor([0.3, 0.4])[None, :, None, None].expand(1, 2, 8, 8)]  # noqa: E731
    errors = srflownet_ablation.measure({"generic": shift}, 1, None).set_index("network")
    assert errors.loc["generic", "epe"] == pytest.approx(0.5) and errors.loc["rest", "epe"] == 0


def test_the_page_gives_the_change_and_how_sure_it_is():
    names = [*srflownet_ablation.BEFORE, *srflownet_ablation.ROWS]
    values = {"rest": 0.5, "start": 0.3, "generic": 0.2}
    rows = [
        (kind, pair, name, values.get(name, 0.1) + 0.01 * pair, 0.01)
        for kind in ("splat faces", "benchmark") for pair in range(3) for name in names
    ]  # fmt: skip
    text = srflownet_ablation.page(
        pd.DataFrame(rows, columns=["kind", "pair", "network", "epe", "slope"]), 40, 64, 1400
    )
    assert "**-48 % on splat faces and -48 % on photographs**" in text and "1400 rendered pairs" in " ".join(
        text.split()
    )
    assert "Of 10 differences" in text
    assert "| (a) generic set | 0.2100 | 0.2100 |" in text
    assert "| (b) generic + splat faces | 0.1100 (-48 %) |" in text and "0.5081 -> 0.2953" in text
    assert "| (b) generic + splat faces vs. (a) | -0.1000 ± 0.0000 | -0.1000 ± 0.0000 |" in text
    assert "| (c) b + mask loss vs. (b) | +0.0000 ± 0.0000 | +0.0000 ± 0.0000 |" in text
