"""The matching loss is least where features match along the flow, and the page says what was learned."""

import math

import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from benchmarks import skflow_learns
from benchmarks.measured_pairs import TITLES
from mer_core.io import read_json


def test_matching_is_right_along_the_flow_alone():
    cells = torch.eye(16).reshape(1, 16, 4, 4)  # every cell of the onset looks like no other
    frames = {0.0: cells, 8.0: F.pad(cells, (1, 0))[..., :4]}  # the apex: at rest, or one cell to the right

    def loss(shift, shown):
        flow = torch.zeros(1, 2, 32, 32)
        flow[:, 0] = shift
        features = iter([200 * cells, frames[shown]])
        return skflow_learns.matching_loss(lambda frame: next(features), cells, cells, flow)

    assert loss(0.0, 0.0) == pytest.approx(0, abs=1e-6) and loss(8.0, 8.0) == pytest.approx(0, abs=1e-6)
    assert loss(8.0, 0.0) > 10 and loss(0.0, 8.0) > 10
    half = 50 * 3 * 0.5 / 3.5  # half a cell away, and of the last column half has left the frame
    assert loss(4.0, 0.0) == pytest.approx(half, rel=1e-4)


def test_a_pretrained_encoder_is_where_training_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(skflow_learns, "SHARES", {"generic": 1.0})
    monkeypatch.setattr(skflow_learns, "SIZE", 32)
    path = tmp_path / "weights.safetensors"
    skflow_learns.pretrain_encoder(tmp_path, 1, path)
    config = skflow_learns.training(tmp_path, path, 20)
    assert config.network == "full" and config.init_weights == str(path)
    assert len(read_json(path.with_name("losses.json"))["losses"]) == 1


def test_the_page_sets_errors_beside_zero_flow():
    log = pd.DataFrame(
        [
            (step, name, value / step)
            for step in (1, 2)
            for name, value in (("loss", 4), ("epe", 2), ("still_epe", 4))
        ],
        columns=["step", "quantity", "value"],
    )
    errors = pd.DataFrame(
        [(kind, 0, name, epe) for kind in TITLES for name, epe in (("zero", 0.5), ("skflow", 0.25))],
        columns=["kind", "pair", "network", "epe"],
    )
    text = skflow_learns.page([4.0, 2.0], log, errors)
    assert "**The encoder does; the whole network is better than predicting nothing.** In 2 steps" in text
    assert "| rendered people | 0.250 | 0.500 |" in text
    assert "| 2 | 2.000 | 1.000 | 2.000 | 0.50 |" in text
    assert f"{math.log(144):.2f}" in text
