"""Clips inside are drawn within every range, and a condition outside leaves one."""

import numpy as np
import pytest

from benchmarks import label_films, label_rates
from benchmarks.label_films import N_PLAIN, OUTSIDE, PLAIN
from benchmarks.label_rates import INSIDE, NEAR_END, Outcome
from mer import bundle
from mer.inference.no_label import NoLabel
from mer.recipe import Validation

RECIPE = bundle.read_recipe(bundle.default_path())
HIGH = RECIPE.validated_ranges["motion of the face"][1]


@pytest.mark.parametrize("number", range(0, N_PLAIN, 9))
def test_a_plain_film_is_drawn_within_every_range_but_that_of_motion(number):
    shot, _ = label_films.draw_shot(PLAIN, number)
    assert abs(shot.yaw) < 25 and RECIPE.validated_ranges["frame rate"][0] < shot.fps
    assert shot.rise_s + shot.hold_s + shot.fall_s < RECIPE.validated_ranges["duration"][1]


def test_films_near_an_end_of_the_range_are_neither_inside_nor_outside():
    validation = Validation(
        n_films=1,
        detection_rate=0.9,
        detection_limit=0.8,
        abstention_cost=0.5,
        n_inside=1,
        n_labelled=1,
        n_wrong=0,
        weights="",
        flow_weights="",
    )
    recipe = RECIPE.model_copy(update={"validation": validation})
    places = [label_rates.place_in_range(strength, recipe) for strength in (0.79, 0.8, HIGH)]
    assert places == [NEAR_END, INSIDE, NEAR_END] and NEAR_END not in OUTSIDE


def test_every_condition_outside_differs_from_the_plain_clip():
    rng = np.random.default_rng(0)
    assert all(draw(rng) != label_films.Shot(1.5) for draw in OUTSIDE.values())
    lowest, highest = label_films.STRENGTH
    for name in ("motion of 0.15 to 0.35 %", "motion of 3.5 to 6.5 %"):
        assert not lowest < OUTSIDE[name](rng).strength < highest


def test_the_motion_of_a_rendered_clip_is_the_one_asked_for():
    actor = label_films.Actor(1, 112, gaussians=2000, face=label_films.FACE)
    assert label_films.reached_strength(
        actor, {"12": label_films.find_intensity(actor, {"12": 1.0}, 1.5)}
    ) == pytest.approx(1.5, rel=0.02)


def test_the_table_counts_labels_and_reasons():
    found = [
        Outcome("inside", 1.0, "positive", "positive", None, is_found=True),
        Outcome("inside", 1.0, "negative", None, NoLabel("no-emotion", "")),
        Outcome("motion of 3.5 to 6.5 %", 4.0, "surprise", "surprise", None),
    ]
    lines = label_rates.summary(found).splitlines()
    assert "| inside | 2 | 1 | 1 (50%) | 1 | resembles no emotion (1) |" in lines
    assert "| all outside | 1 | 0 | 1 (100%) |  |  |" in lines
