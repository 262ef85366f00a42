"""A bundle comes back from disk as it was, and a damaged or foreign folder is refused in one sentence."""

import json

import numpy as np
import pytest

import mer_core
from mer import bundle
from mer.evaluation import estimators
from mer.evaluation.config import CvConfig
from mer.recipe import Recipe, model_card
from mer_core import registry
from mer_core.errors import ChangedSettings, OccupiedOutput, UnreadableFile

LABELS = ["negative", "positive", "surprise"]


def fitted(classifier: str, seeds: int = 2) -> bundle.Bundle:
    """A bundle whose classifier was fitted on random maps."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 3, 28, 28)).astype(np.float32), np.arange(12) % 3
    spec = estimators.resolve_classifier(CvConfig(classifier=classifier), 3)
    classifiers = [spec.new(seed).fit(X, y) for seed in range(seeds)]
    recipe = Recipe(
        mer=mer_core.__version__,
        face_size=224,
        method="dis",
        method_options={"preset": "face"},
        match_exposure=True,
        feature="flow_image",
        feature_settings={"size": 28},
        classifier=classifier,
        classifier_settings=[one.state()[1] for one in classifiers],
        labels=LABELS,
        protocol="synthetic-3",
        clips_per_label=dict.fromkeys(LABELS, 4),
        n_subjects=4,
        datasets=["casme2"],
        synthetic=True,
    )
    return bundle.Bundle(recipe, classifiers)


@pytest.mark.parametrize("classifier", registry.list_names("mer.classifiers"))
def test_round_trip_predicts_the_same_to_the_bit(classifier, tmp_path):
    before = fitted(classifier)
    bundle.save(before, tmp_path / "b")
    after = bundle.load(tmp_path / "b")
    X = np.random.default_rng(1).normal(size=(5, 3, 28, 28)).astype(np.float32)
    assert after.recipe == before.recipe
    assert np.array_equal(after.predict_proba(X), before.predict_proba(X))


def test_probabilities_are_the_mean_over_seeds():
    both = fitted("ststnet")
    X = np.random.default_rng(1).normal(size=(5, 3, 28, 28)).astype(np.float32)
    one, two = (bundle.Bundle(both.recipe, [c]).predict_proba(X) for c in both.classifiers)
    assert not np.allclose(one, two)
    assert np.allclose(both.predict_proba(X), (one + two) / 2)


def test_folder_holds_tensors_and_text_only(tmp_path):
    bundle.save(fitted("logistic"), tmp_path / "b")
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == [
        "README.md",
        "bundle.json",
        "weights.safetensors",
    ]
    card = (tmp_path / "b" / "README.md").read_text()
    assert "synthetic" in card and "lie detector" in card


def test_save_refuses_a_folder_of_something_else(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(OccupiedOutput):
        bundle.save(fitted("majority"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_save_refuses_a_bundle_of_another_recipe_and_replaces_its_own(tmp_path):
    bundle.save(fitted("majority"), tmp_path / "b")
    bundle.save(fitted("majority"), tmp_path / "b")
    warmer = bundle.Bundle(
        fitted("majority").recipe.model_copy(update={"temperature": 2.0}), fitted("majority").classifiers
    )
    bundle.save(warmer, tmp_path / "b")  # the temperature does not identify a bundle
    with pytest.raises(ChangedSettings, match="classifier.*majority.*logistic"):
        bundle.save(fitted("logistic"), tmp_path / "b")
    with pytest.raises(ChangedSettings, match="seeds.*2.*1"):
        bundle.save(fitted("majority", seeds=1), tmp_path / "b")
    assert bundle.load(tmp_path / "b").recipe == warmer.recipe


def test_save_goes_on_where_it_was_stopped_after_the_weights(tmp_path):
    bundle.save(fitted("majority"), tmp_path)
    for name in ("bundle.json", "README.md"):
        (tmp_path / name).unlink()
    bundle.save(fitted("majority"), tmp_path)
    assert bundle.load(tmp_path).recipe == fitted("majority").recipe


def test_a_replacement_that_was_stopped_leaves_no_old_recipe_beside_new_weights(tmp_path, monkeypatch):
    bundle.save(fitted("majority"), tmp_path)

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(bundle, "write_json", stop)
    with pytest.raises(KeyboardInterrupt):
        bundle.save(fitted("majority"), tmp_path)
    with pytest.raises(UnreadableFile, match="bundle.json"):
        bundle.load(tmp_path)
    monkeypatch.undo()
    bundle.save(fitted("majority"), tmp_path)
    assert bundle.load(tmp_path).recipe == fitted("majority").recipe


@pytest.mark.parametrize(
    "text, fact",
    [("{", "bundle.json"), ("[]", "bundle.json"), ("", "bundle.json"), ('{"method": "dis"}', "'mer'")],
)
def test_save_refuses_a_damaged_bundle_in_one_message(text, fact, tmp_path):
    (tmp_path / "bundle.json").write_text(text)
    with pytest.raises(OccupiedOutput, match=fact):
        bundle.save(fitted("majority"), tmp_path)
    assert (tmp_path / "bundle.json").read_text() == text and len(list(tmp_path.iterdir())) == 1


def test_the_card_counts_seeds_and_names_only_settings_that_are_given():
    recipe = fitted("majority", seeds=1).recipe.model_copy(update={"feature_settings": {}})
    card = model_card(recipe)
    assert "1 seed" in card and "`flow_image`." in card and "`dis` {'preset': 'face'}" in card
    assert "2 seed" in model_card(fitted("majority").recipe)


@pytest.mark.parametrize(
    "damage, fact",
    [
        (lambda b: (b / "bundle.json").unlink(), "bundle.json"),
        (lambda b: (b / "bundle.json").write_text("{"), "bundle.json"),
        (
            lambda b: (b / "bundle.json").write_text(
                json.dumps({**json.loads((b / "bundle.json").read_text()), "labells": []})
            ),
            "labells.*labels",
        ),
        (lambda b: (b / "weights.safetensors").write_bytes(b"not tensors"), "/b "),
        (lambda b: (b / "weights.safetensors").unlink(), "/b "),
    ],
)
def test_damaged_bundle_is_refused(damage, fact, tmp_path):
    bundle.save(fitted("ststnet"), tmp_path / "b")
    damage(tmp_path / "b")
    with pytest.raises(UnreadableFile, match=fact):
        bundle.load(tmp_path / "b")
