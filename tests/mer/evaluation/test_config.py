"""Settings: typed, complete, and refused by name."""

from pathlib import Path

import pytest

from mer.cli.evaluate import DEFAULTS
from mer.evaluation.config import CvConfig, load_config, save_config
from mer.evaluation.estimators import resolve_classifier
from mer_core.errors import BadSetting, UnreadableFile

CONFIGS = Path(__file__).parents[3] / "configs"


def test_what_is_typed_wins_over_the_file(tmp_path):
    (tmp_path / "c.yaml").write_text("classifier: logistic\nseeds: 5\n")
    config = load_config(tmp_path / "c.yaml", {"seeds": 2})
    assert (config.classifier, config.seeds, config.protocol) == ("logistic", 2, "composite-3")


def test_every_unknown_key_is_named_with_the_nearest(tmp_path):
    (tmp_path / "c.yaml").write_text("clasifier: logistic\nseedz: 5\n")
    with pytest.raises(BadSetting, match="(?s)c.yaml.*clasifier.*classifier.*seedz.*seeds"):
        load_config(tmp_path / "c.yaml")


@pytest.mark.parametrize(
    "text, error",
    [
        ("- a\n", BadSetting),
        ("classifier: [", UnreadableFile),
        ("seeds: 0\n", BadSetting),
        ("seeds: many\n", BadSetting),
        ("device: tpu\n", BadSetting),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path, text, error):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(error, match="c.yaml"):
        load_config(tmp_path / "c.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "early_stopping: true\n",
        "classifier_settings: {patience: 10}\n",
        "classifier_settings: {BestEpoch: 1, epochs: 3}\n",
    ],
)
def test_choosing_on_the_test_subject_is_refused_with_the_reason(tmp_path, text):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(BadSetting, match="mer audit"):
        load_config(tmp_path / "c.yaml")


def test_saved_settings_load_as_they_were(tmp_path):
    config = CvConfig(
        classifier_settings={"epochs": 3, "learning_rate": 1e-5, "balanced": False}, feature_settings=None
    )
    save_config(config, tmp_path / "c.yaml")
    assert load_config(tmp_path / "c.yaml") == config


def test_the_configurations_of_the_project_load():
    files = [file for file in CONFIGS.glob("*.yaml") if "mer cv" in file.read_text(encoding="utf-8")]
    assert len(files) >= 2
    for file in files:
        resolve_classifier(load_config(file), 3)  # the classifier's own settings are right too


def test_the_defaults_that_the_help_shows_are_those_of_the_settings():
    fields = CvConfig.model_fields
    assert {name: str(fields[name].default) for name in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize("name", ["protocol", "method", "feature"])
def test_prepared_folders_need_every_name(name):
    with pytest.raises(BadSetting, match=name):
        _ = CvConfig(**{name: None}).input_names
