"""Cases of the naming benchmark, and what its summary counts."""

import numpy as np
import pytest

from benchmarks import unit_naming
from benchmarks.unit_naming import Case
from data_prep.landmarks import interocular
from flow.splatting.actor import Actor
from flow.splatting.head import FaceState
from flow.splatting.scanned_units import UNIT_EXPRESSIONS
from mer.inference.action_units import Unit
from mer.inference.unit_patterns import BOTH_SIDES


def unit(name, side="both", motion=4.0, asymmetry=0.0):
    return Unit(name, side, strength=0.5, evidence=0.9, motion=motion, asymmetry=asymmetry)


def test_each_unit_is_shown_on_both_sides_on_one_and_unevenly():
    shown = unit_naming.draw_actions(np.random.default_rng(0))
    cases = [Case(actions, 3.0, []) for actions in shown]
    single = [case for case in cases if len(case.units) == 1]
    sided = set(UNIT_EXPRESSIONS) - set(BOTH_SIDES)
    assert {next(iter(case.units)) for case in single if case.asymmetry == 0} == set(UNIT_EXPRESSIONS)
    assert {next(iter(case.units)) for case in single if abs(case.asymmetry) == 1} == sided
    assert {next(iter(case.units)) for case in single if 0 < abs(case.asymmetry) < 1} == sided
    assert len(cases) - len(single) == unit_naming.COMBINATIONS


@pytest.mark.parametrize(
    "actions, asymmetry",
    [({"12": 1.0}, 0), ({"12R": 1.0}, 1), ({"12L": 0.5}, -1), ({"12L": 1.0, "12R": 0.5}, -1 / 3)],
)
def test_asymmetry_is_right_less_left_over_their_sum(actions, asymmetry):
    assert Case(actions, 3.0, []).asymmetry == pytest.approx(asymmetry)


def test_the_summary_counts_what_is_named():
    found = [
        Case({"12": 1.0}, 4.0, [unit("12")]),
        Case({"25": 1.0}, 4.0, [unit("26"), unit("25")]),
        Case({"4R": 1.0}, 4.0, [unit("4", "right", asymmetry=1.0)]),
        Case({"4R": 1.0, "4L": 0.5}, 4.0, [unit("4", motion=2.0, asymmetry=0.5)]),
        Case({"1": 1.0, "12": 0.6}, 4.0, [unit("12"), unit("2")]),
    ]
    text = unit_naming.summary(found)
    assert "3 of 4 named first (75.0%). Missed: AU 25 (1)." in text
    assert "100.0% of 1" in text
    assert "median 0.17" in text
    assert "median 1.00, quartiles 0.75 and 1.00" in text
    assert "| 12 | 1.00 | 1 | 1 | 1 |" in text and "| 1 | 0.00 | 1 | 0 | 0 |" in text


def test_a_rendered_head_moves_as_far_as_it_says(monkeypatch):
    actor = Actor(1, 64, gaussians=2000)
    shown = []
    monkeypatch.setattr(actor, "frame", lambda actions=None, **_: shown.append(actions or {}))
    reach, _ = unit_naming.record_actor(actor, 0, {"12R": 1.0}, np.random.default_rng(0))
    onset, apex = (actor.landmarks(FaceState(actions)) for actions in shown)
    moved = np.linalg.norm(apex - onset, axis=1).max()
    assert shown[0] == {} and unit_naming.REACH[0] <= reach <= unit_naming.REACH[1]
    assert moved == pytest.approx(reach * interocular(onset), rel=0.1)
