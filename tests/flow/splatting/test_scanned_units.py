"""Action units as sums of scanned expressions."""

from types import SimpleNamespace

import pytest

from flow.splatting.scanned_units import UNIT_EXPRESSIONS, expression_weights


@pytest.fixture
def model():
    names = (
        "jawOpen",
        "mouthSmile_L",
        "mouthSmile_R",
        "mouthLowerDown_L",
        "mouthLowerDown_R",
        "mouthUpperUp_L",
    )
    names += ("mouthUpperUp_R",)
    return SimpleNamespace(expression_names=names, expression_index=names.index)


def test_a_unit_moves_both_sides_unless_one_is_named(model):
    assert expression_weights(model, {"12": 0.5}).tolist() == [0, 0.5, 0.5, 0, 0, 0, 0]
    assert expression_weights(model, {"12L": 0.5}).tolist() == [0, 0.5, 0, 0, 0, 0, 0]


def test_an_expression_without_sides_counts_half_for_one(model):
    jaw = UNIT_EXPRESSIONS["25"]["jawOpen"]
    assert expression_weights(model, {"25": 1.0})[0] == pytest.approx(jaw)
    assert expression_weights(model, {"25R": 1.0, "25L": 0.2})[0] == pytest.approx(0.6 * jaw)


def test_an_expression_that_is_no_unit_goes_by_its_own_name(model):
    assert expression_weights(model, {"jawOpen": 0.3})[0] == pytest.approx(0.3)
    assert expression_weights(model, {"mouthSmileR": 0.3}).tolist() == [0, 0, 0.3, 0, 0, 0, 0]
