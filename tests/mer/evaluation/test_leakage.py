"""The audit: it finds the leak's worth, keeps the honest number, and is never taken for a result."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from mer.cli.main import cli
from mer.evaluation import compare, cross_validation, finished_run, leakage, run, run_folder
from mer.evaluation.config import CvConfig
from mer.evaluation.flow_maps import read_maps
from mer.report.run_report import write_report
from mer_core.errors import BadSetting, ChangedSettings, Incompatible, UnreadableFile

WORDS = "not a result"


@pytest.fixture
def noise(tmp_path):
    """Maps without any signal, 8 subjects x 6 clips: whatever the test subject's epoch gains is leak."""
    rng = np.random.default_rng(0)
    rows = []
    for s in range(8):
        for i in range(6):
            np.save(tmp_path / f"{s}-{i}.npy", rng.normal(0, 1, (3, 12, 12)).astype(np.float32))
            rows.append((f"{s}-{i}.npy", "d", f"s{s}", f"c{i}", ["negative", "positive", "surprise"][i % 3]))
    pd.DataFrame(rows, columns=["file", "dataset", "subject", "clip", "label"]).to_csv(
        tmp_path / "index.csv", index=False
    )
    return tmp_path


def make_run(noise, **changes):
    config = CvConfig(
        **{
            "classifier": "ststnet",
            "classifier_settings": {"epochs": 12, "learning_rate": 1e-2},
            "seeds": 2,
            **changes,
        }
    )
    run.cross_validate_maps(noise, noise / "index.csv", config, noise / "run")
    return noise / "run"


def test_on_noise_the_leak_is_all_there_is(noise):
    path = make_run(noise)
    found = leakage.audit(path)
    assert found.honest == finished_run.open_run(path).metrics["uf1"]
    assert found.leaked > found.honest + 0.1  # of nothing, because there is nothing to learn
    assert (found.clips, found.folds, found.seeds, found.epochs) == (
        48,
        8,
        2,
        list(range(1, 13)),
    ) and 0 < found.folds_that_moved < 1
    rows = pd.read_csv(
        path / finished_run.AUDIT_FOLDER / f"{finished_run.AUDIT_FOLDER}.csv", dtype=run_folder.TEXT_COLUMNS
    )
    both = finished_run.open_run(path).predictions.merge(rows, on=["clip_id", "seed"])
    assert (both["prediction"] == both["label_after_last_epoch"]).all()
    right = rows.assign(
        honest=rows["label"] == rows["label_after_last_epoch"],
        leaked=rows["label"] == rows["leaked_label_not_a_result"],
    )
    by_fold = right.groupby(["seed", "fold"])[["honest", "leaked"]].sum()
    assert (by_fold["leaked"] >= by_fold["honest"]).all()
    stayed = rows["epoch_chosen_on_test_subject"] == 12
    assert (rows["leaked_label_not_a_result"] == rows["label_after_last_epoch"])[stayed].all()


WATCHED = ["ststnet", "off_apexnet", "rcn", "htnet", "timm"]
SHORT = {
    "ststnet": {"learning_rate": 1e-2},
    "rcn": {"n_filters": 4},
    "timm": {"backbone": "test_resnet", "size": 24},
}


@pytest.mark.parametrize("classifier", WATCHED)
def test_watching_equals_training_for_each_length_anew(noise, classifier, monkeypatch):
    table, X = read_maps(noise, noise / "index.csv")
    labels = sorted(set(table["label"]))
    config = CvConfig(classifier=classifier, classifier_settings={"epochs": 5, **SHORT.get(classifier, {})})
    problem = cross_validation.build_problem(*cross_validation.sort_clips(table, X, labels), labels, "loso")
    problem = replace(problem, folds=problem.folds[:3])
    watched = leakage.predict_each_epoch(config, problem, 0)
    monkeypatch.setattr(leakage, "_reports_epochs", lambda *_: False)
    anew = leakage.predict_each_epoch(config, problem, 0)
    clips = np.concatenate([test for _, _, test in problem.folds])
    assert watched[0] == anew[0] == [1, 2, 3, 4, 5]
    assert np.allclose(watched[1][:, clips], anew[1][:, clips], atol=1e-5) and not np.allclose(
        watched[1][0, clips], watched[1][-1, clips], atol=1e-2
    )


def test_it_can_never_be_mistaken_for_a_result(noise):
    path = make_run(noise, seeds=1)
    answer = CliRunner().invoke(cli, ["audit", str(path)], catch_exceptions=False)
    lines = answer.stdout.strip().split("\n")
    assert lines[1].startswith("honest") and all(WORDS in line for line in lines)
    folder = path / finished_run.AUDIT_FOLDER
    assert {file.name for file in folder.iterdir()} == {
        f"{finished_run.AUDIT_FOLDER}.json",
        f"{finished_run.AUDIT_FOLDER}.csv",
    }
    written = json.loads((folder / f"{finished_run.AUDIT_FOLDER}.json").read_text())
    assert WORDS in written["warning"] and not {"uf1", "uar", "accuracy"} & set(written)
    assert all(
        WORDS in line for line in (folder / f"{finished_run.AUDIT_FOLDER}.csv").read_text().splitlines()[1:]
    )
    finished = [file.name for file in path.iterdir() if file.is_file()]
    for name in finished:  # even dressed up as a run
        shutil.copy(path / name, folder / name)
    for refused in (
        lambda: compare.compare([path, folder]),
        lambda: write_report(folder),
        lambda: leakage.audit(folder),
    ):
        with pytest.raises(UnreadableFile, match=folder.name):
            refused()
    moved = folder.rename(path.with_name("innocent"))
    with pytest.raises(UnreadableFile, match=moved.name):
        finished_run.open_run(moved)
    assert finished_run.open_run(path).metrics["uf1"] == written["honest_uf1_of_the_run"]


def test_what_cannot_be_audited_is_said(noise):
    path = make_run(noise, classifier="logistic", classifier_settings={}, seeds=1)
    with pytest.raises(BadSetting, match="logistic.*epochs"):
        leakage.audit(path)
    np.save(noise / "0-0.npy", np.zeros((3, 12, 12), np.float32))
    with pytest.raises(ChangedSettings, match="features"):
        leakage.audit(path)


def test_a_run_whose_epochs_have_no_say_is_refused(noise):
    with pytest.raises(BadSetting, match="light_net"):
        still = {"learning_rate": 1e-30, "steps": 3}
        leakage.audit(make_run(noise, classifier="light_net", classifier_settings=still))


def test_a_run_that_cannot_be_repeated_is_refused(noise):
    path = make_run(noise, seeds=1)
    table = run_folder.read_predictions(path / "predictions.csv")
    table["prediction"] = table["prediction"].iloc[::-1].to_numpy()
    table.to_csv(path / "predictions.csv", index=False)
    with pytest.raises(Incompatible):
        leakage.audit(path)


def test_the_data_dictionary_names_its_columns(noise):
    path = make_run(
        noise, seeds=1, classifier_settings={"epochs": 2}, calibration="temperature", inner_folds=2
    )
    leakage.audit(path)
    text = (Path(__file__).parents[3] / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    for title, written in {
        "Choices of a run": json.loads((path / "choices.json").read_text())["chosen"][0],
        "Audit": pd.read_csv(path / finished_run.AUDIT_FOLDER / f"{finished_run.AUDIT_FOLDER}.csv").columns,
    }.items():
        section = text.split(f"## {title}\n")[1].split("\n## ")[0]
        assert re.findall(r"^\| `(\w+)` \|", section, re.M) == list(written)
