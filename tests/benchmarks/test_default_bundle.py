"""Making the bundle that ships: nothing is measured twice, and the limits come from the right people."""

import numpy as np
import pytest

from benchmarks import bundle_card, default_bundle, portrait_clips
from benchmarks.default_bundle import Clips, Portraits
from benchmarks.portrait_clips import Pair
from flow.estimate import Method


@pytest.fixture
def portraits(monkeypatch, tmp_path):
    """Three people whose pairs are made up; returns the portraits and the people measured so far."""
    measured = []

    def pairs_of_person(model, face, person, seed, method, moves):
        measured.append((person, seed, moves))
        return [Pair("rest", np.zeros((8, 8, 2), np.float32), np.zeros((478, 2)))] * (person > 0)

    monkeypatch.setattr(portrait_clips, "pairs_of_person", pairs_of_person)
    monkeypatch.setattr(default_bundle, "load_head_model", lambda path: None)
    monkeypatch.setattr(default_bundle, "load_fitted_portrait", lambda folder, name, cache: None)
    monkeypatch.setattr(default_bundle, "fit_portraits", lambda *given: ["a.jpg", "b.jpg", "c.jpg"])
    method = Method("srflownet", {}, print, True, "a1" * 8)
    monkeypatch.setattr(default_bundle, "load_method", lambda name, **options: method)
    feature = np.zeros((3, 28, 28), np.float32)
    monkeypatch.setattr(default_bundle, "_measure_pair", lambda pair: (0.1, feature))
    return Portraits(tmp_path, tmp_path / "head.npz", tmp_path, tmp_path / "work"), measured


def test_a_person_is_measured_once_for_each_seed_and_motion(portraits):
    source, measured = portraits
    for _ in range(2):
        clips = source.read(range(3), 0, portrait_clips.SMALL)
        assert clips.people.tolist() == [1, 2] and clips.shown.tolist() == ["rest", "rest"]
        assert clips.X.shape == (2, 3, 28, 28)
    assert [person for person, *_ in measured] == [0, 1, 2]
    source.read([1], 0, portrait_clips.LARGE)
    assert measured[3:] == [(1, 0, portrait_clips.LARGE)]


class Sure:
    """Gives the label that the first value of a map is the position of, with .9."""

    def predict_proba(self, X):
        p = np.full((len(X), 4), 0.1 / 3)
        p[np.arange(len(X)), X[:, 0, 0, 0].astype(int)] = 0.9
        return p

    def state(self):
        return {}, {}


def clips(*rows):
    """Clips of (shown, motion, position of the label that is read)."""
    shown, moved, read = zip(*rows)
    X = np.tile(np.array(read, np.float32)[:, None, None, None], (1, 3, 28, 28))
    return Clips(np.arange(len(rows)), np.array(shown), np.array(moved, float), X)


def test_limits_come_from_rest_and_from_small_motion():
    setting = clips(*[("rest", value, 3) for value in np.linspace(0, 0.2, 21)])
    small = clips(
        ("negative", 0.3, 0), ("positive", 1.0, 1), ("surprise", 2.5, 0), ("rest", 0.1, 0), ("other", 2.6, 1)
    )
    large = clips(("positive", 4.0, 1), ("laugh", 5.0, 1), ("yawn", 5.0, 0), ("negative", 9.0, 0))
    fitted, on_small, on_large = default_bundle.make(Sure(), setting, small, large)
    assert fitted.recipe.min_motion == pytest.approx(0.19)
    assert fitted.recipe.validated_ranges[bundle_card.MOTION] == (0.3, 2.5)
    assert on_small["clips"] == 3 and on_small["right of given"] == pytest.approx(2 / 3)
    assert (on_small["rest without label"], on_small["other without label"]) == (1, 1)
    assert on_large["clips"] == 1 and on_large["laugh wrong"] == 0 and on_large["yawn wrong"] == 1


def test_the_card_names_the_flow_weights_and_every_score():
    fitted, on_small, on_large = default_bundle.make(
        Sure(),
        clips(("rest", 0.1, 3)),
        clips(
            *[(label, 1.0, k) for k, label in enumerate(default_bundle.EMOTIONS)],
            ("rest", 0, 3),
            ("other", 1, 3),
        ),
        clips(*[(label, 4.0, k) for k, label in enumerate(default_bundle.EMOTIONS)], ("laugh", 5, 1)),
    )
    real = {
        "people": 34,
        "clips": 238,
        "uf1": 0.7,
        "calibration error": 0.1,
        "smiles": 64,
        "smiles found": 49,
    }
    text = bundle_card.card(
        fitted.recipe, "abcd1234", on_small, on_large, real | {"given": 0.5, "right of given": 0.9}
    )
    assert text.count("abcd1234") == 2 and "49 of" in text and "1 of 1 laughs" in text
    assert "| 238 | 0.700 | 0.100 | 50% | 90% |" in text
