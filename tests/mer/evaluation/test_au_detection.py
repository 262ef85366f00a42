"""Action units are detected one at a time, and their F1 is averaged over units."""

import json
import re
import shutil

import pandas as pd
import pytest
from click.testing import CliRunner

from data_prep import clip_table as clips
from flow import prepared_flow
from mer.cli.main import cli
from mer.evaluation import au_detection, run_folder
from mer.evaluation.au_detection import cross_validate_units
from mer.evaluation.config import CvConfig
from mer.report.run_report import write_report
from mer_core.errors import BadSetting, OccupiedOutput, TooFewClips

PROTOCOL = "title: t\nsource: s\nlabels: [absent, present]\naction_units:\n  casme2: [9, 12]\nsplit: loso\n"


def annotate_units(prepared):
    """Give each clip of `prepared` the action units of its emotion, whose motion is its own."""
    units = {"happiness": "R12+6", "disgust": "L9", "others": "?"}
    table = clips.read(prepared / "clips.parquet")
    clips.write(
        table.assign(action_units=table["emotion"].map(units).astype("string")), prepared / "clips.parquet"
    )


def copy_as_samm(prepared):
    """Copy a prepared CASME II beside it as SAMM."""
    other = prepared.with_name("samm")
    shutil.copytree(prepared, other)
    table = clips.read(other / "clips.parquet")
    clip_ids = "samm" + table["clip_id"].str.removeprefix("casme2")
    clips.write(table.assign(dataset="samm", clip_id=clip_ids), other / "clips.parquet")
    (other / "outcome.csv").write_text((other / "outcome.csv").read_text().replace("casme2/", "samm/"))


def test_each_unit_is_a_run_and_the_score_is_the_mean_of_their_f1(prepared, tmp_path, monkeypatch):
    read, flows = prepared_flow.read, []
    monkeypatch.setattr(prepared_flow, "read", lambda *which: flows.append(which) or read(*which))
    annotate_units(prepared)
    (tmp_path / "mine.yaml").write_text(PROTOCOL)
    config = CvConfig(
        protocol=str(tmp_path / "mine.yaml"), classifier="logistic", feature_settings={"size": 8}, seeds=1
    )
    scores = cross_validate_units([prepared], config, tmp_path / "run")
    assert len(flows) == 10  # each clip once, whichever unit is asked for
    assert list(scores["units"]) == ["au9", "au12"]
    assert [(unit["clips"], unit["present"]) for unit in scores["units"].values()] == [(10, 3), (10, 7)]
    each = [
        json.loads((tmp_path / "run" / unit / "metrics.json").read_text())["per_class"]["present"]["f1"]
        for unit in scores["units"]
    ]
    assert scores["mean_binary_f1"] == pytest.approx(sum(each) / 2) and scores["mean_binary_f1"] > 0.9
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == scores
    (tmp_path / "run" / "report.html").touch()
    assert cross_validate_units([prepared], config, tmp_path / "run") == scores
    (tmp_path / "run" / "thesis.tex").touch()
    with pytest.raises(OccupiedOutput):
        cross_validate_units([prepared], config, tmp_path / "run")


def test_a_unit_that_no_given_dataset_annotates_has_a_reason_and_the_others_a_score(prepared, tmp_path):
    annotate_units(prepared)
    (tmp_path / "mine.yaml").write_text(PROTOCOL.replace("[9, 12]", "[12]\n  samm: [7]"))
    config = CvConfig(
        protocol=str(tmp_path / "mine.yaml"), classifier="logistic", feature_settings={"size": 8}, seeds=1
    )
    scores = cross_validate_units([prepared], config, tmp_path / "run")
    assert "why" in scores["units"]["au7"] and "why" not in scores["units"]["au12"]
    assert scores["mean_binary_f1"] == scores["units"]["au12"]["f1"] / 2 > 0
    (tmp_path / "mine.yaml").rename(tmp_path / "moved.yaml")
    assert write_report(tmp_path / "run").is_file()

    (tmp_path / "mine.yaml").write_text(PROTOCOL.replace("casme2", "samm"))
    with pytest.raises(TooFewClips):
        cross_validate_units([prepared], config, tmp_path / "none")


def test_mer_cv_runs_cd6me(prepared, tmp_path):
    """Two of its six datasets, leave one dataset out: units 6, 9 and 12 are there, the others cannot be
    learned and count as 0.
    """
    annotate_units(prepared)
    copy_as_samm(prepared)
    options = ["--protocol", "cd6me", "--classifier", "logistic", "--seeds", "1"]
    words = ["cv", str(prepared.parent), *options, "--out", str(tmp_path / "run")]
    answer = CliRunner().invoke(cli, words, catch_exceptions=False)
    scores = json.loads((tmp_path / "run" / "metrics.json").read_text())
    each = {name: unit["f1"] for name, unit in scores["units"].items()}
    assert len(each) == 12 and {name for name, f1 in each.items() if f1 > 0} == {"au6", "au9", "au12"}
    assert scores["mean_binary_f1"] == pytest.approx(sum(each.values()) / 12)
    assert scores["interval95"][0] <= scores["mean_binary_f1"] <= scores["interval95"][1]
    assert scores["units"]["au9"]["always_present_f1"] == pytest.approx(2 * 6 / (20 + 6))
    assert "one label" in scores["units"]["au1"]["why"]
    assert set(run_folder.read_predictions(tmp_path / "run" / "au9" / "predictions.csv")["fold"]) == {
        "casme2",
        "samm",
    }
    assert answer.output.count("(synthetic data)") == 13
    assert f"{scores['mean_binary_f1']:.3f}" in answer.output
    page = re.sub(r"<[^>]*>", " ", (tmp_path / "run" / "report.html").read_text(encoding="utf-8"))
    assert (
        f"{scores['mean_binary_f1']:.3f}" in page
        and "leave one dataset out" in page
        and "Synthetic data." in page
    )
    assert (tmp_path / "run" / "au12" / "report.html").is_file()


def test_a_person_in_two_datasets_is_drawn_as_one(tmp_path):
    labels = ["absent", "present"]
    clips = [(s, labels[i % 2], labels[(i + (s > i)) % 2]) for s in range(5) for i in range(4)]
    table = pd.DataFrame(clips, columns=["subject", "label", "prediction"]).assign(
        dataset="smic", seed=0, clip_id="", fold=""
    )
    for name, rows in {"one": table, "both": pd.concat([table, table.assign(dataset="smic_vis")])}.items():
        (tmp_path / name).mkdir()
        rows.to_csv(tmp_path / name / "predictions.csv", index=False)
    low, high = au_detection._interval([tmp_path / "one"], 1)
    assert au_detection._interval([tmp_path / "both"], 1) == [low, high] and low < high
    assert au_detection._interval([tmp_path / "one"], 2) == [
        low / 2,
        high / 2,
    ]  # another unit that could not be learned counts as 0


def test_a_protocol_without_units_is_refused(prepared, tmp_path):
    with pytest.raises(BadSetting, match="mer cv"):
        cross_validate_units([prepared], CvConfig(protocol="casme2-3"), tmp_path)
