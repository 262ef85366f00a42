"""Naming action units: patterns come back as they were mixed, with side, strength and motion."""

import numpy as np
import pytest

from flow.splatting.template import template
from mer.inference import unit_patterns
from mer.inference.action_units import find_units
from mer.inference.head_motion import fit_camera, head_motion_basis, subtract_head_motion

LANDMARKS = template().mean[:, :2] * 10 + 100  # px
POINTS = LANDMARKS[:468]


def motion(actions):
    """The motion of {(unit, side): strength} in the picture, without the head's."""
    names, patterns = unit_patterns.load(as_read=True)
    moved = sum(strength * patterns[names.index(name)] for name, strength in actions.items())
    return subtract_head_motion(head_motion_basis(POINTS), moved @ fit_camera(POINTS).T)


@pytest.mark.parametrize("name", unit_patterns.load()[0], ids=":".join)
def test_each_unit_is_named_with_its_side_strength_and_motion(name):
    [found, *_] = find_units(LANDMARKS, motion({name: 0.3}))
    names, patterns = unit_patterns.load(as_read=True)
    farthest = np.linalg.norm(patterns[names.index(name)], axis=1).max()
    assert (found.unit, found.side) == name and found.evidence == pytest.approx(1, abs=1e-3)
    assert found.strength == pytest.approx(0.3, abs=1e-3)
    assert found.motion == pytest.approx(30 * farthest, rel=0.01)
    assert found.asymmetry == pytest.approx({"right": 1, "left": -1, "both": 0}[name[1]], abs=0.01)


@pytest.mark.parametrize(
    "smile, other, strength",
    [(0.4, ("4", "left"), 0.3), (0.2, ("2", "left"), 0.6)],
    ids=["brow lowered", "brow raised"],
)
def test_sides_that_differ_little_are_one_unit_with_an_asymmetry(smile, other, strength):
    found = find_units(
        LANDMARKS, motion({("12", "right"): smile, ("12", "left"): smile / 2, other: strength})
    )
    units = {unit.unit: unit for unit in found}
    assert units["12"].side == "both" and units["12"].asymmetry == pytest.approx(1 / 3, abs=0.03)
    assert units[other[0]].side == "left" and units[other[0]].asymmetry == pytest.approx(-1, abs=0.01)


def test_no_motion_names_nothing():
    assert find_units(LANDMARKS, np.zeros((468, 2))) == []
