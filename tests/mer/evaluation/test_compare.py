"""Comparing runs: by hand, against itself, and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from mer.cli.main import cli
from mer.evaluation import compare, cross_validation, metrics, paired_test, published, run_folder
from mer.evaluation.config import CvConfig
from mer_core.errors import Incompatible
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
        write_json(out / "metrics.json", metrics.summarize(p, ["negative", "positive", "surprise"]))
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


def test_a_better_run_differs_significantly(runs, tmp_path):
    found = compare.compare([runs[1], runs[0]])
    majority, logistic = found
    assert majority.difference is None
    assert logistic.difference == pytest.approx(logistic.uf1 - majority.uf1)
    assert 0 < logistic.difference_interval[0] <= logistic.difference <= logistic.difference_interval[1]
    assert logistic.only_this_right > 12 and logistic.only_first_right == 0
    assert logistic.p == 2 / 16  # four subjects: both ends of 2^4 patterns, which cannot be below .05
    assert compare.compare([runs[0], runs[1]])[1].difference == pytest.approx(-logistic.difference)
    text = str(found)
    assert f"{logistic.uf1:.4f}" in text and f"{logistic.difference:+.4f}" in text
    assert f"{logistic.uf1:.4f}" in found._repr_html_() and list(found.table["run"]) == [
        str(run) for run in runs[1::-1]
    ]


def test_a_comparison_is_written_as_table_and_figure(runs, tmp_path):
    compare.write_comparison(compare.compare(runs[:2]), tmp_path / "out")
    names = {"compare.csv", "compare.tex", "compare.png", "compare.svg", "compare.pdf"}
    assert {file.name for file in (tmp_path / "out").iterdir()} == names
    before = {name: (tmp_path / "out" / name).read_bytes() for name in names}
    compare.write_comparison(compare.compare(runs[:2]), tmp_path / "out")
    assert before == {name: (tmp_path / "out" / name).read_bytes() for name in names}


def test_a_run_on_synthetic_data_is_said_to_be_one(runs):
    write_json(runs[0] / "run.json", {"synthetic": True, "protocol": {"split": "loso"}})
    _, _, made_up, real, *_ = compare.format_comparison(compare.compare(runs[:2])).splitlines()
    assert made_up.startswith(f"| {runs[0]} (synthetic data) |") and "(synthetic" not in real


def test_a_run_does_not_differ_from_itself(runs):
    itself = compare.compare([runs[0], runs[0]])[1]
    assert (itself.difference, itself.difference_interval, itself.p, itself.p_holm) == (0, [0, 0], 1, 1)
    assert itself.detectable is None


def confusions(rng, subjects, accuracy, clips=6, seeds=1):
    """Confusion counts of made-up runs whose answers are right with the accuracy of each subject."""
    counts = np.zeros((seeds, subjects, 3, 3), int)
    for k in range(seeds):
        for s in range(subjects):
            for clip in range(clips):
                right = rng.random() < accuracy[s]
                counts[k, s, clip % 3, clip % 3 if right else (clip + 1) % 3] += 1
    return counts


def test_the_permutation_test_holds_its_level_and_finds_a_difference():
    """Between equally good runs p is below .05 in about one of twenty; seeds may be of different number."""
    rng, low = np.random.default_rng(0), 0
    for _ in range(200):
        accuracy = rng.beta(6, 3, 20)  # hard subjects are hard for both
        pair = [confusions(rng, 20, accuracy, seeds=seeds) for seeds in (1, 2)]
        low += paired_test.permutation_p(*pair, n_permutations=199) <= 0.05
    assert 2 <= low <= 20
    accuracy = rng.beta(6, 6, 20)
    worse, better = confusions(rng, 20, accuracy), confusions(rng, 20, np.minimum(1, accuracy + 0.3))
    assert paired_test.permutation_p(worse, better) < 0.01


def test_few_subjects_are_permuted_exactly():
    one, two = confusions(np.random.default_rng(0), 1, [1.0]), confusions(np.random.default_rng(0), 1, [0.0])
    assert paired_test.permutation_p(one, two) == 1  # one subject proves nothing


def test_holm_by_hand():
    assert paired_test.correct_holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert (
        paired_test.correct_holm([0.9, 0.02]) == pytest.approx([0.9, 0.04])
        and paired_test.correct_holm([]) == []
    )


def test_intervals_are_those_of_the_report(runs):
    first = compare.compare(runs[:2])[0]
    by_subject = metrics.confusion_by_subject(
        run_folder.read_predictions(runs[0] / "predictions.csv"), ["negative", "positive", "surprise"]
    )
    assert first.interval == pytest.approx(metrics.score_intervals(by_subject)["uf1"])


def test_published_scores_stand_beside_with_what_they_hide(runs):
    text = published.format_table(runs[:1])
    lines = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("|")}
    assert "24 clips, not the 442 of the composite: not comparable" in lines[f"**{runs[0]}**"]
    assert ".7353/.7605" in lines["STSTNet"] and "UAR is precision" in lines["STSTNet"]
    leaked = [name for name, line in lines.items() if "best test epoch" in line]
    assert leaked == ["EMR (winner 2019)", "HTNet", "CausalNet"]
    answer = CliRunner().invoke(cli, ["compare", str(runs[0]), "--published"], catch_exceptions=False)
    assert answer.output.strip() == text.strip()
    # One run alone compares with nothing else.
    assert CliRunner().invoke(cli, ["compare", str(runs[0])]).exit_code != 0


def test_json_of_runs_and_published_scores_is_one_document(runs):
    command = ["compare", *map(str, runs[:2]), "--published", "--json"]
    answer = CliRunner().invoke(cli, command, catch_exceptions=False)
    found = json.loads(answer.stdout, parse_constant=pytest.fail)  # no NaN, which is not JSON
    assert [row["run"] for row in found["runs"]] == [str(run) for run in runs[:2]]
    assert None in {row["full_uf1"] for row in found["published"]} | {row["p"] for row in found["runs"]}


def test_published_scores_are_plausible():
    table = published.read_published().set_index("method")
    scores = table.drop(columns="caveat")
    assert scores.stack().dropna().between(0.19, 1).all() and len(scores.columns) == 8
    counts = np.diag([250, 0, 0]) + np.array([[0, 0, 0], [109, 0, 0], [83, 0, 0]])
    assert scores.loc["all negative", "full_uf1"] == pytest.approx(
        metrics.compute_scores(counts)["uf1"], abs=5e-5
    )


def test_runs_of_other_clips_are_refused(runs):
    with pytest.raises(Incompatible, match="1 clip.*a/01/c0"):
        compare.compare([runs[0], runs[2]])
    with pytest.raises(Incompatible, match="1"):
        compare.compare(runs[:1])


def test_runs_that_left_other_things_out_are_refused(runs):
    write_json(runs[1] / "run.json", {"synthetic": False, "protocol": {"split": "lodo"}})
    with pytest.raises(Incompatible, match="loso.*lodo"):
        compare.compare(runs[:2])
