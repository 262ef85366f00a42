"""Scores against confusion counts worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from mer.evaluation import calibration, metrics

LABELS = ["negative", "positive", "surprise"]


def predictions(rows):
    """rows: (subject, label, prediction), one seed, one dataset."""
    table = pd.DataFrame(rows, columns=["subject", "label", "prediction"])
    sure = {f"p_{label}": np.where(table["prediction"] == label, 0.8, 0.1) for label in LABELS}
    return table.assign(
        **sure,
        dataset="d",
        seed=0,
        clip_id=[f"d/{s}/{i}" for i, s in enumerate(table["subject"])],
        fold="d/" + table["subject"],
    )


def test_rows_are_truth_and_columns_are_prediction():
    counts = metrics.confusion_matrix(
        ["negative", "negative", "surprise"], ["negative", "positive", "positive"], LABELS
    )
    assert counts.tolist() == [[1, 1, 0], [0, 0, 0], [0, 1, 0]]


def test_scores_by_hand():
    # truth:  a 6 (4 called a, 2 called b), b 3 (1, 2), c 1 (called a); called: a 6, b 4, c 0
    counts = np.array([[4, 2, 0], [1, 2, 0], [1, 0, 0]])
    got = metrics.compute_scores(counts)
    assert got["uf1"] == pytest.approx((8 / 12 + 4 / 7 + 0 / 1) / 3)
    assert got["uar"] == pytest.approx((4 / 6 + 2 / 3 + 0) / 3)
    assert got["macro_precision"] == pytest.approx((4 / 6 + 2 / 4 + 0) / 3)
    assert got["accuracy"] == pytest.approx(6 / 10)


def test_recall_and_precision_are_not_swapped():
    """The trap of the published STSTNet score: its UAR divides by the column sums."""
    counts = np.array([[240, 5, 5], [40, 60, 9], [20, 3, 60]])
    got = metrics.compute_scores(counts)
    assert got["uar"] == pytest.approx((240 / 250 + 60 / 109 + 60 / 83) / 3)
    assert got["macro_precision"] == pytest.approx((240 / 300 + 60 / 68 + 60 / 74) / 3)
    assert got["macro_precision"] - got["uar"] > 0.08


def test_all_negative_on_the_composite():
    counts = np.array([[250, 0, 0], [109, 0, 0], [83, 0, 0]])
    got = metrics.compute_scores(counts)
    assert got["uf1"] == pytest.approx(0.2408, abs=5e-5)
    assert got["uar"] == pytest.approx(1 / 3)
    assert got["accuracy"] == pytest.approx(250 / 442)


def test_a_class_that_is_never_called_stays_in_the_mean():
    assert metrics.compute_scores(np.array([[5, 0, 0], [0, 5, 0], [0, 0, 0]]))["uf1"] == pytest.approx(2 / 3)


def test_scores_are_pooled_not_averaged_over_subjects():
    rows = [("s1", "negative", "negative")] * 8 + [
        ("s2", "positive", "negative"),
        ("s2", "positive", "positive"),
    ]
    rows += [("s3", "surprise", "surprise"), ("s3", "negative", "surprise")]
    got = metrics.summarize(predictions(rows), LABELS)
    assert got["confusion"]["per_seed"] == [[[8, 0, 1], [1, 1, 0], [0, 0, 1]]]
    assert got["uf1"] == pytest.approx((16 / 18 + 2 / 3 + 2 / 3) / 3)
    assert got["per_subject"][1] == {"dataset": "d", "subject": "s2", "clips": 2, "right_per_seed": 1.0}


def test_seeds_give_a_mean_and_a_spread():
    one = predictions(
        [("s1", "negative", "negative"), ("s2", "positive", "positive"), ("s3", "surprise", "surprise")]
    )
    two = one.assign(seed=1, prediction=["negative", "positive", "positive"])
    got = metrics.summarize(pd.concat([one, two]), LABELS)
    second = (1 + 2 / 3 + 0) / 3
    assert [s["uf1"] for s in got["per_seed"]] == pytest.approx([1.0, second])
    assert got["uf1"] == pytest.approx((1 + second) / 2)
    assert got["sd"]["uf1"] == pytest.approx((1 - second) / np.sqrt(2))
    assert got["clips"] == 3 and np.sum(got["confusion"]["summed_over_seeds"]) == 6
    assert metrics.summarize(one, LABELS)["sd"] is None


def test_majority_is_taken_from_the_other_subjects():
    # s1 holds most of the negatives: without it, positive is the most frequent.
    table = predictions(
        [("s1", "negative", "")] * 5
        + [("s2", "positive", "")] * 2
        + [("s3", "positive", ""), ("s3", "negative", "")]
    )
    assert metrics.majority_of_other_folds(table, LABELS).tolist() == ["positive"] * 5 + ["negative"] * 4
    got = metrics.baseline_scores(table, LABELS)
    assert got["always_negative"]["accuracy"] == pytest.approx(6 / 9)
    assert got["majority_of_training_subjects"]["accuracy"] == pytest.approx(1 / 9)


def test_majority_follows_the_split():
    """With a dataset left out, the majority is that of the other datasets, and not of all other subjects."""
    mine = predictions([("s1", "positive", "")] * 5 + [("s2", "positive", "")] * 3)
    table = pd.concat(
        [mine, predictions([("s1", "negative", "")] * 4).assign(dataset="e", fold="e/s1")], ignore_index=True
    )
    assert (
        metrics.majority_of_other_folds(table, LABELS).tolist()
        == ["negative"] * 5 + ["positive"] * 3 + ["positive"] * 4
    )
    by_dataset = table.assign(fold=table["dataset"])
    assert metrics.majority_of_other_folds(by_dataset, LABELS).tolist() == ["negative"] * 8 + ["positive"] * 4


def test_dataset_rows_are_the_pooled_predictions_restricted():
    rows = predictions([("s1", "negative", "negative"), ("s2", "positive", "negative")])
    other = predictions([("s1", "surprise", "surprise")]).assign(dataset="e")
    got = metrics.summarize(pd.concat([rows, other]), LABELS)["per_dataset"]
    assert got["e"]["uf1"] == pytest.approx(1 / 3) and got["e"]["clips"] == 1
    assert got["d"]["uf1"] == pytest.approx((2 / 3) / 3) and got["d"]["subjects"] == 2
    assert (
        got["d"]["interval95"] == metrics.score_intervals(metrics.confusion_by_subject(rows, LABELS))
        and got["e"]["interval95"] is None
    )


def test_a_person_in_two_datasets_is_drawn_as_one():
    """smic_vis shows the people of smic: a second camera adds no second sample of people."""
    rows = predictions(
        [("s1", "negative", "negative"), ("s2", "positive", "negative"), ("s3", "surprise", "surprise")]
    ).assign(dataset="smic")
    both = pd.concat([rows, rows.assign(dataset="smic_vis")])
    assert (
        metrics.confusion_by_subject(both, LABELS).tolist()
        == (2 * metrics.confusion_by_subject(rows, LABELS)).tolist()
    )
    one, two = metrics.summarize(rows, LABELS), metrics.summarize(both, LABELS)
    assert (two["subjects"], two["interval95"]) == (3, one["interval95"])
    others = pd.concat([rows, rows.assign(dataset="samm")])  # another s1
    assert metrics.summarize(others, LABELS)["subjects"] == 6


def test_calibration_error_by_hand():
    # sure to .95 twice, right once: a gap of .45; sure to .55 twice, right once: .05, on the other side of
    # nothing
    p = np.array([[0.95, 0.05, 0], [0.95, 0.05, 0], [0.45, 0.55, 0], [0.45, 0.55, 0]])
    assert calibration.calibration_error(p, np.array([True, False, True, False])) == pytest.approx(
        (0.9 + 0.1) / 4
    )
    # gaps on two sides do not cancel between bins, and do within one
    assert calibration.calibration_error(p, np.array([True, True, False, False])) == pytest.approx(
        (0.1 + 1.1) / 4
    )
    assert calibration.calibration_error(np.eye(3), np.ones(3, bool)) == 0  # sure to 1 falls in the last bin


def test_calibration_is_that_of_single_seeds():
    one = predictions([("s1", "negative", "negative"), ("s2", "positive", "positive")])
    two = predictions([("s1", "negative", "surprise"), ("s2", "positive", "negative")]).assign(seed=1)
    got = metrics.summarize(pd.concat([one, two]), LABELS)["calibration_error"]
    assert got == {"ece": pytest.approx((0.2 + 0.8) / 2), "mean_confidence": pytest.approx(0.8), "bins": 10}


def test_bootstrap_resamples_subjects():
    sure = np.tile(np.eye(3, dtype=int), (1, 10, 1, 1))  # every subject right on one clip of each class
    assert metrics.score_intervals(sure)["uf1"] == [1.0, 1.0]
    mixed = sure.copy()
    mixed[:, :5] = [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    low, high = metrics.score_intervals(mixed)["accuracy"]
    # accuracy is 1/3 + 2/3 * fraction of good subjects; that fraction has SD sqrt(.25 / 10)
    assert (high - low) == pytest.approx(2 * 1.96 * 2 / 3 * np.sqrt(0.25 / 10), rel=0.15)
    assert (low + high) / 2 == pytest.approx(2 / 3, abs=0.05)


def test_a_resample_without_a_class_says_nothing_about_it():
    perfect = np.zeros((1, 5, 3, 3), dtype=int)
    perfect[0, :, 0, 0] = perfect[0, :3, 1, 1] = perfect[0, :2, 2, 2] = (
        1  # ten clips, all right; two subjects show the third class
    )
    assert metrics.score_intervals(perfect) == {name: [1.0, 1.0] for name in metrics.SCORES}
    # A fourth class, which nobody shows: 0 in the score, and in its interval.
    fewer = np.pad(perfect, ((0, 0), (0, 0), (0, 1), (0, 1)))
    assert metrics.compute_scores(fewer.sum(1))["uf1"] == 3 / 4 and metrics.score_intervals(fewer)["uf1"] == [
        3 / 4,
        3 / 4,
    ]
    assert metrics.score_intervals(fewer)["accuracy"] == [1, 1]
    alone = fewer.copy()
    alone[0, 4, 3] = [1, 0, 0, 0]  # one subject shows it, so that nobody can teach it
    assert metrics.score_intervals(alone)["uar"] == [3 / 4, 3 / 4]
    nonsense = np.zeros((1, 4, 4, 4), dtype=int)
    nonsense[0, range(4), range(4), [1, 2, 3, 0]] = 1  # a class for each subject
    assert metrics.score_intervals(nonsense)["uf1"] == [0, 0]
    never = perfect.copy()
    never[0, :2, 2] = [1, 0, 0]  # called the first
    assert metrics.score_intervals(never)["uar"] == [pytest.approx(2 / 3), 1.0] and metrics.compute_scores(
        never.sum(1)
    )["uar"] == pytest.approx(2 / 3)


def test_the_interval_holds_the_true_score_about_as_often_as_it_says():
    """In samples of 15 subjects and five classes, two of them rare and hard: subjects differ in what they
    show, and in how well they are read.
    """
    rng, right = np.random.default_rng(0), np.array([0.8, 0.8, 0.8, 0.3, 0.3])

    def sample(subjects):
        counts = np.zeros((subjects, 5, 5), dtype=int)
        for mine in counts:
            shows, read = (
                rng.dirichlet([1.2, 0.9, 0.6, 0.18, 0.12]),
                np.clip(right + rng.normal(0, 0.15), 0, 1),
            )
            truth = rng.choice(5, 1 + rng.poisson(4), p=shows)
            wrong = (truth + rng.integers(1, 5, len(truth))) % 5
            np.add.at(mine, (truth, np.where(rng.random(len(truth)) < read[truth], truth, wrong)), 1)
        return counts

    true = metrics.compute_scores(sample(5000).sum(0))["uf1"]
    intervals = [metrics.score_intervals(sample(15)[None])["uf1"] for _ in range(100)]
    assert np.mean([low <= true <= high for low, high in intervals]) > 0.88
