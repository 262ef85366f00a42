"""What is read of recorded people: each once, and again when weights or code change."""

import numpy as np
import pytest

from benchmarks import measured_clips, portrait_clips, recorded_maps
from benchmarks.measured_clips import People, code_digest, joined
from benchmarks.portrait_clips import Pair
from flow.estimate import Method

STILL = np.zeros((8, 8, 2), np.float32), np.zeros((478, 2))


@pytest.fixture
def recorded(monkeypatch, tmp_path):
    """Three portraits whose pairs are made up; returns the people and what was recorded so far."""
    calls = []

    def pairs_of_person(model, face, person, seed, method, moves):
        calls.append((person, seed, moves))
        return [Pair("rest", *STILL)] * (person > 0)

    def portrait_pairs(model, face, person, method):
        calls.append(("portrait", person))
        return [Pair("positive", *STILL), Pair("speech", *STILL)]

    def actor_pairs(model, person, method):
        calls.append(("actor", person))
        return [Pair("yawn", *STILL)]

    monkeypatch.setattr(portrait_clips, "pairs_of_person", pairs_of_person)
    monkeypatch.setattr(recorded_maps, "portrait_pairs", portrait_pairs)
    monkeypatch.setattr(recorded_maps, "actor_pairs", actor_pairs)
    monkeypatch.setattr(recorded_maps, "stranger_pairs", lambda *given: actor_pairs(None, *given))
    monkeypatch.setattr(measured_clips, "load_head_model", lambda path: None)
    monkeypatch.setattr(measured_clips, "load_fitted_portrait", lambda folder, name, cache: None)
    monkeypatch.setattr(measured_clips, "fit_portraits", lambda *given: ["a.jpg", "b.jpg", "c.jpg"])
    feature = np.zeros((3, 28, 28), np.float32)
    monkeypatch.setattr(measured_clips, "_measure_pair", lambda pair: (0.1, feature))
    use_weights(monkeypatch, "a1")
    return People(tmp_path, tmp_path / "head.npz", tmp_path, tmp_path / "work"), calls


def use_weights(monkeypatch, weights):
    method = Method("srflownet", {}, print, True, weights * 8)
    monkeypatch.setattr(measured_clips, "load_method", lambda name, **options: method)


def test_a_person_is_measured_once_for_each_seed_and_motion(recorded):
    people, calls = recorded
    for _ in range(2):
        clips = people.to_measure(range(3), 0, portrait_clips.SMALL)
        assert clips.people.tolist() == [1, 2] and clips.shown.tolist() == ["rest", "rest"]
        assert clips.X.shape == (2, 3, 28, 28)
    assert [person for person, *_ in calls] == [0, 1, 2]
    people.to_measure([1], 0, portrait_clips.LARGE)
    assert calls[3:] == [(1, 0, portrait_clips.LARGE)]


def test_what_is_fitted_on_has_labels_and_every_person_a_number(recorded):
    people, _ = recorded
    clips = people.to_fit_on(portraits=2, actors=2)
    assert clips.shown.tolist() == ["positive", "other"] * 2 + ["other"] * 2
    assert clips.people.tolist() == [0, 0, 1, 1, 2, 3]
    assert people.strangers(range(2)).people.tolist() == [0, 1]
    assert joined(clips, people.strangers(range(1, 3))).people.tolist() == [0, 0, 1, 1, 2, 3, 5, 6]


def test_new_weights_and_new_code_record_anew(recorded, monkeypatch):
    people, calls = recorded
    people.to_fit_on(1, 1)
    use_weights(monkeypatch, "b2")
    People(people.portraits, people.head_model, people.fits, people.work).to_fit_on(1, 1)
    monkeypatch.setattr(measured_clips, "code_digest", lambda modules: "changed")
    people.to_fit_on(1, 1)
    assert calls == [("portrait", 0), ("actor", 0)] * 3


def test_comments_and_docstrings_do_not_change_the_digest_and_numbers_do(monkeypatch):
    texts = iter(['"""Sides."""\nSIDE = 1  # px', "SIDE  =  1", "SIDE = 2"])
    monkeypatch.setattr("inspect.getsource", lambda module: next(texts))
    commented, plain, changed = (code_digest([measured_clips]) for _ in range(3))
    assert commented == plain != changed
