"""Action units are detected one at a time, and their F1 is averaged over units."""

import json

import pytest

from data_prep import clips
from mer.config import CvConfig
from mer.detection import cross_validate_units
from mer.errors import BadInput

PROTOCOL = "title: t\nsource: s\nlabels: [absent, present]\naction_units:\n  casme2: [9, 12]\nsplit: loso\n"


def test_each_unit_is_a_run_and_the_score_is_the_mean_of_their_f1(prepared, tmp_path):
    table = clips.read(prepared / "clips.parquet")
    units = {"happiness": "R12+6", "disgust": "L9", "others": "?"}  # each moves in a way of its own, see `prepared`
    clips.write(table.assign(action_units=table["emotion"].map(units).astype("string")), prepared / "clips.parquet")
    (tmp_path / "mine.yaml").write_text(PROTOCOL)
    config = CvConfig(protocol=str(tmp_path / "mine.yaml"), classifier="logistic", feature_settings={"size": 8}, seeds=1)
    scores = cross_validate_units([prepared], config, tmp_path / "run")
    assert list(scores["units"]) == ["au9", "au12"]
    assert [(unit["clips"], unit["present"]) for unit in scores["units"].values()] == [(10, 3), (10, 7)]
    each = [json.loads((tmp_path / "run" / unit / "metrics.json").read_text())["per_class"]["present"]["f1"] for unit in scores["units"]]
    assert scores["mean_binary_f1"] == pytest.approx(sum(each) / 2) and scores["mean_binary_f1"] > 0.9
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == scores


def test_a_protocol_without_units_is_refused(prepared, tmp_path):
    with pytest.raises(BadInput, match="no action units to detect"):
        cross_validate_units([prepared], CvConfig(protocol="casme2-3"), tmp_path)
