"""Cross-validation: what is pooled, how it goes on after a stop, and what it refuses."""

import re

import numpy as np
import pandas as pd
import pytest

from mer.evaluation import cross_validation, folds, run_folder
from mer.evaluation.config import CvConfig
from mer_core import registry
from mer_core.errors import BadArray, ChangedSettings, Duplicate, OccupiedOutput, UnreadableFile

FAST = {"ststnet": {"epochs": 3}, "light_net": {"steps": 3}, "off_apexnet": {"epochs": 2},
        "rcn": {"epochs": 2}, "htnet": {"epochs": 2},
        "timm": {"backbone": "test_resnet", "size": 24, "epochs": 1}}  # fmt: skip


def config(classifier="linear_svm", **changes):
    return CvConfig(
        **{"classifier": classifier, "classifier_settings": FAST.get(classifier, {}), "seeds": 2, **changes}
    )


def test_each_clip_is_predicted_once_per_seed_by_the_fold_of_its_subject(small, tmp_path):
    table, X = small
    p = cross_validation.cross_validate(table, X, config(), tmp_path / "run")
    assert list(p.columns) == [
        "clip_id",
        "dataset",
        "subject",
        "fold",
        "seed",
        "label",
        "prediction",
        "p_negative",
        "p_positive",
        "p_surprise",
    ]
    assert p.groupby("seed")["clip_id"].apply(sorted).tolist() == [sorted(table["clip_id"])] * 2
    assert (p["fold"] == p["dataset"] + "/" + p["subject"]).all()
    assert (p.merge(table, on="clip_id")["label_x"] == p.merge(table, on="clip_id")["label_y"]).all()
    assert (p["label"] == p["prediction"]).mean() > 0.9
    assert set(p["subject"]) == {"01", "02"}
    pd.testing.assert_frame_equal(run_folder.read_predictions(tmp_path / "run" / "predictions.csv"), p)


@pytest.mark.parametrize("classifier", registry.list_names("mer.classifiers"))
def test_the_order_of_rows_changes_nothing(small, tmp_path, classifier):
    table, X = small
    order = np.random.default_rng(1).permutation(len(table))
    one = cross_validation.cross_validate(table, X, config(classifier, seeds=1), tmp_path / "one")
    two = cross_validation.cross_validate(
        table.iloc[order], X[order], config(classifier, seeds=1), tmp_path / "two"
    )
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_a_stopped_run_goes_on_and_ends_the_same(small, tmp_path, monkeypatch):
    table, X = small
    whole = cross_validation.cross_validate(table, X, config(), tmp_path / "whole")
    predict, calls = folds.fit_and_predict, []

    def stops_at_the_fourth(*args):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return predict(*args)

    monkeypatch.setattr(folds, "fit_and_predict", stops_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        cross_validation.cross_validate(table, X, config(), tmp_path / "run")
    assert len(list((tmp_path / "run").rglob("*.csv"))) == 3
    resumed = cross_validation.cross_validate(table, X, config(), tmp_path / "run")
    assert len(calls) == 4 + 5  # 2 seeds x 4 subjects, three of which were done
    pd.testing.assert_frame_equal(resumed, whole, check_exact=True)


@pytest.mark.parametrize(
    "change, named",
    [
        (lambda t, X, c: (t, X, config("majority")), "classifier.*linear_svm.*majority"),
        (lambda t, X, c: (t, X, config(classifier_settings={"C": 1.0})), "classifier_settings.C"),
        (lambda t, X, c: (t, X + np.float32(1e-3), c), "features"),
        (lambda t, X, c: (t[:-1], X[:-1], c), "clips"),
        (lambda t, X, c: (t.assign(label=t["label"].iloc[::-1].values), X, c), "labels"),
    ],
)
def test_another_run_is_refused_with_what_changed(small, tmp_path, change, named):
    table, X = small
    cross_validation.cross_validate(table, X, config(), tmp_path)
    with pytest.raises(ChangedSettings, match=named):
        cross_validation.cross_validate(*change(table, X, config()), tmp_path)


def test_a_folder_of_something_else_is_refused_and_left_alone(small, tmp_path):
    (tmp_path / "config.yaml").write_text("mine: 1")
    with pytest.raises(OccupiedOutput, match="--out"):
        cross_validation.cross_validate(*small, config("majority"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"] and (
        tmp_path / "config.yaml"
    ).read_text() == "mine: 1"


def test_a_run_that_was_stopped_before_its_first_fold_goes_on(small, tmp_path, monkeypatch):
    (tmp_path / ".DS_Store").touch()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(run_folder, "save_config", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        cross_validation.cross_validate(*small, config("majority"), tmp_path)
    assert len(cross_validation.cross_validate(*small, config("majority"), tmp_path)) == 24


@pytest.mark.parametrize(
    "file, text", [("input.json", "{"), ("input.json", "[]"), ("config.yaml", "a: b: c"), ("config.yaml", "")]
)
def test_a_damaged_record_is_named(small, tmp_path, file, text):
    cross_validation.cross_validate(*small, config("majority"), tmp_path)
    (tmp_path / file).write_text(text)
    with pytest.raises(UnreadableFile, match=file):
        cross_validation.cross_validate(*small, config("majority"), tmp_path)


def test_folds_of_two_versions_are_not_pooled(small, tmp_path, monkeypatch):
    cross_validation.cross_validate(*small, config("majority"), tmp_path)
    monkeypatch.setattr("mer_core.__version__", "9.9.9")
    with pytest.raises(ChangedSettings, match="version.*9.9.9"):
        cross_validation.cross_validate(*small, config("majority"), tmp_path)


def test_a_subjects_name_cannot_lead_out_of_the_run(small, tmp_path):
    table, X = small
    table = table.assign(subject=table["subject"].replace("01", "../../../../escaped"))
    cross_validation.cross_validate(table, X, config("majority"), tmp_path / "run")
    assert not [
        path
        for path in tmp_path.parent.rglob("*escaped*")
        if not path.is_relative_to(tmp_path / "run" / "predictions")
    ]


@pytest.mark.parametrize(
    "change, error, fact",
    [
        (lambda t, X: (t, X[:-1]), BadArray, "24 clips.*23"),
        (lambda t, X: (t.assign(clip_id="same"), X), Duplicate, "same"),
        (
            lambda t, X: (t, np.where(np.arange(24)[:, None, None, None] == 5, np.nan, X)),
            BadArray,
            "1 of 24 .*a/01/c5",
        ),
        (lambda t, X: (t.assign(label="joy"), X), cross_validation.UnknownLabel, "joy"),
        (  # all negatives are subject a/01's: without it one label is left
            lambda t, X: (t.assign(label=["negative"] * 6 + ["positive"] * 18), X[:24]),
            cross_validation.OneLabel,
            "a/01.*negative, positive, surprise",
        ),
    ],
)
def test_data_that_cannot_be_used_is_refused(small, tmp_path, change, error, fact):
    table, X = change(*small)
    with pytest.raises(error, match=fact):
        cross_validation.cross_validate(
            table, X, config(), tmp_path / "run", ["negative", "positive", "surprise"]
        )
    assert not (tmp_path / "run").exists()


def test_a_dataset_can_be_left_out_instead_of_a_subject(small, tmp_path):
    table, X = small
    p = cross_validation.cross_validate(table, X, config(), tmp_path / "run", split="lodo")
    assert (p["fold"] == p["dataset"]).all() and sorted(set(p["fold"])) == ["a", "b"]
    with pytest.raises(ChangedSettings, match="split.*lodo.*loso"):
        cross_validation.cross_validate(table, X, config(), tmp_path / "run")


def test_a_label_that_cannot_be_learned_is_said(small, tmp_path, capsys):
    table, X = small
    cross_validation.cross_validate(table, X, config(seeds=1), tmp_path / "all")
    assert "surprise" not in capsys.readouterr().err
    rare = table.assign(
        label=table["label"].where(
            (table["label"] != "surprise") | (table["subject"] + table["dataset"] == "01b"), "negative"
        )
    )
    cross_validation.cross_validate(
        rare, X, config(seeds=1), tmp_path / "rare", ["contempt", "negative", "positive", "surprise"]
    )
    said = capsys.readouterr().err
    assert "contempt" in said and re.search("surprise.* b/01", said) and "positive" not in said
