"""The two rules: the motion from which expressions are found, and the least probability of a label."""

import numpy as np
import pytest

from benchmarks import label_validation as validation
from benchmarks import validation_films
from benchmarks.film_readings import Reading
from benchmarks.label_validation import Answer, page
from mer import bundle
from mer.inference.no_label import NoLabel
from mer.inference.onset_apex import Moment
from mer.inference.reliability import Conditions

RECIPE = bundle.read_recipe(bundle.default_path())


def test_the_detection_limit_is_the_motion_where_nine_in_ten_are_found():
    rng = np.random.default_rng(0)
    strength = np.exp(rng.uniform(np.log(0.1), np.log(4), 4000))
    rate = 1 / (1 + (0.3 / strength) ** 4)  # a half at .3, nine in ten at .3 * 9 ** (1 / 4)
    found = rng.uniform(size=4000) < rate
    assert validation.detection_limit(strength, found) == pytest.approx(0.3 * 9**0.25, rel=0.06)
    low, high = validation.limit_interval(strength[:200], found[:200])
    assert low < 0.3 * 9**0.25 < high < 2 * low


def test_the_least_probability_has_the_lowest_cost():
    wrong, right = Answer(0.3, False, True, False), Answer(0.45, True, True, True)
    given = [wrong] * 4 + [right] * 20 + [Answer(0.6, False, False, False)] * 2
    assert [validation.cost(given, threshold) for threshold in (0.25, 0.31, 0.5)] == [6, 4, 14]
    assert validation.least_probability(given) == 0.45
    assert validation.errors_and_labels(given, 0.45) == (2, 22)


def test_a_likeliest_label_of_no_emotion_is_never_given():
    assert validation.errors_and_labels([Answer(0.0, False, False, False)], 0.0) == (0, 0)


def test_the_films_take_turns_and_a_quarter_shows_no_emotion():
    shown = validation_films.shown_in_films()
    assert {shown[i] for i in range(3)} == set(validation.LABELS)
    assert 0.2 < np.mean([one in validation_films.OTHERS for one in shown]) < 0.3


class Certain:
    """A classifier that is certain of the label that the first pixel names."""

    def predict_proba(self, X):
        return np.eye(len(RECIPE.labels))[np.rint(X[:, 0, 0, 0]).astype(int)] * 0.6 + 0.1


def reading(number, strength):
    conditions = Conditions(
        motion=0.9 * strength,
        head_motion=0.5,
        fps=30.0,
        eyes_px=70.0,
        duration_s=0.4,
        turn=3.0,
        bits_per_pixel=0.1,
        plausibility=1.0,
    )
    reason = None if strength > 0.5 else NoLabel("no-expression", "")
    flow = np.full((4, 4, 2), number % 3, np.float32)
    shown = RECIPE.labels[number % 3]
    return Reading(
        shown, strength, reason is None, Moment(0, 0, None, reason), conditions, flow, np.zeros((478, 2))
    )


def test_a_bundle_keeps_what_its_films_support(monkeypatch):
    monkeypatch.setattr(bundle.Bundle, "extract", lambda _, flow, landmarks: flow.transpose(2, 0, 1))
    found = [reading(number, strength) for number, strength in enumerate(np.geomspace(0.2, 2, 60))]
    fitted = validation.validated(found, bundle.Bundle(RECIPE, [Certain()]), "11", "22")
    low, high = fitted.recipe.validated_ranges["motion of the face"]
    assert (
        0.42 < low < 0.55
        and fitted.recipe.validated_ranges["compression"][0] == 0.1
        and high == RECIPE.validated_ranges["motion of the face"][1]
    )
    assert fitted.recipe.validation.n_labelled == sum(0.9 * one.strength >= low for one in found)
    assert fitted.recipe.validation.n_wrong == 0 and fitted.recipe.min_confidence > 0.5
    assert f"**{low:g} %**" in page(found, fitted)
