"""Comparing runs: by hand, against itself, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from mer.cli.main import cli
from mer.evaluation import compare, cross_validation, metrics, published
from mer.evaluation.config import CvConfig
from mer_core.errors import BadInput
from mer_core.io import write_json


@pytest.fixture
def runs(small, tmp_path):
    """Three finished runs: logistic, majority, and logistic without one clip."""
    table, X = small

    def make(name, classifier, keep):
        out = tmp_path / name
        p = cross_validation.cross_validate(
            table[keep], X[keep], CvConfig(classifier=classifier, seeds=2), out
        )
        write_json(out / "metrics.json", metrics.summary(p, ["negative", "positive", "surprise"]))
        write_json(out / "run.json", {"synthetic": False, "protocol": {"split": "loso"}})
        table[keep].to_csv(out / "clips.csv", index=False)
        pd.DataFrame(columns=["clip_id", "reason"]).to_csv(out / "left_out.csv", index=False)
        return out

    everything = np.ones(len(table), bool)
    return (
        make("logistic", "logistic", everything),
        make("majority", "majority", everything),
        make("fewer", "logistic", np.arange(len(table)) > 0),
    )


def test_a_better_run_differs_surely(runs, tmp_path):
    majority, logistic = compare.compare([runs[1], runs[0]])
    assert majority.difference is None
    assert logistic.difference == pytest.approx(logistic.uf1 - majority.uf1)
    assert 0 < logistic.difference_interval[0] <= logistic.difference <= logistic.difference_interval[1]
    assert logistic.only_this_right > 12 and logistic.only_first_right == 0 and logistic.mcnemar_p < 0.01
    assert compare.compare([runs[0], runs[1]])[1].difference == pytest.approx(-logistic.difference)
    text = compare.to_text([majority, logistic])
    assert f"{logistic.uf1:.4f}" in text and f"{logistic.difference:+.4f}" in text
    assert "luck" not in text and "luck" in compare.to_text([majority, logistic, logistic])
    compare.write([majority, logistic], tmp_path / "out")
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"compare.csv", "compare.png"}


def test_a_run_on_synthetic_data_is_said_to_be_one(runs):
    write_json(runs[0] / "run.json", {"synthetic": True, "protocol": {"split": "loso"}})
    _, _, made_up, real, *_ = compare.to_text(compare.compare(runs[:2])).splitlines()
    assert made_up.startswith(f"| {runs[0]} (synthetic data) |") and "(synthetic" not in real


def test_a_run_does_not_differ_from_itself(runs):
    itself = compare.compare([runs[0], runs[0]])[1]
    assert (itself.difference, itself.difference_interval, itself.mcnemar_p) == (0, [0, 0], 1)


def test_intervals_are_those_of_the_report(runs):
    first = compare.compare(runs[:2])[0]
    by_subject = metrics.subject_confusions(
        cross_validation.read_predictions(runs[0] / "predictions.csv"), ["negative", "positive", "surprise"]
    )
    assert first.interval == pytest.approx(metrics.bootstrap(by_subject)["uf1"])


@pytest.mark.parametrize(
    "lost, won, p", [(0, 0, 1), (1, 5, 14 / 64), (0, 10, 2 / 1024)]
)  # 2 (1 + 6) / 2^6; 2 / 2^10
def test_mcnemar_by_hand(lost, won, p):
    assert compare.mcnemar(lost, won) == pytest.approx(p)


def test_published_scores_stand_beside_with_what_they_hide(runs):
    text = published.beside(runs[:1])
    lines = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("|")}
    assert "24 clips, not the 442 of the composite: not comparable" in lines[f"**{runs[0]}**"]
    assert ".7353/.7605" in lines["STSTNet"] and "UAR is precision" in lines["STSTNet"]
    leaked = [name for name, line in lines.items() if "best test epoch" in line]
    assert leaked == ["EMR (winner 2019)", "HTNet", "CausalNet"]
    answer = CliRunner().invoke(cli, ["compare", str(runs[0]), "--published"], catch_exceptions=False)
    assert answer.output.strip() == text.strip()
    assert (
        CliRunner().invoke(cli, ["compare", str(runs[0])]).exit_code != 0
    )  # one run alone compares with nothing else


def test_published_scores_are_plausible():
    table = published.read().set_index("method")
    scores = table.drop(columns="caveat")
    assert scores.stack().dropna().between(0.19, 1).all() and len(scores.columns) == 8
    counts = np.diag([250, 0, 0]) + np.array([[0, 0, 0], [109, 0, 0], [83, 0, 0]])
    assert scores.loc["all negative", "full_uf1"] == pytest.approx(metrics.scores(counts)["uf1"], abs=5e-5)


def test_runs_of_other_clips_are_refused(runs):
    with pytest.raises(BadInput, match="1 clip.* First: a/01/c0"):
        compare.compare([runs[0], runs[2]])
    with pytest.raises(BadInput, match="at least two runs"):
        compare.compare(runs[:1])


def test_runs_that_left_other_things_out_are_refused(runs):
    write_json(runs[1] / "run.json", {"synthetic": False, "protocol": {"split": "lodo"}})
    with pytest.raises(BadInput, match="split by loso, .* by lodo"):
        compare.compare(runs[:2])
