"""Cells of action units as spreadsheets write them, and the objective classes they make."""

import pytest

from data_prep.action_units import OBJECTIVE_CLASSES, objective_class, shown


@pytest.mark.parametrize(
    "cell, units",
    [
        ("12", {12}), ("4+7", {4, 7}), ("L1", {1}), ("R6+R12", {6, 12}), ("4+L9+14", {4, 9, 14}), ("?", set()), ("", set()),
        ("(R6 or R12)+R15", {15}), ("R6 or R12 + 4", {4}), ("ref(7B)+43", {7, 43}), ("A/L12", {12}), ("14A", {14}),
        ("R14+17+soft focus", {14, 17}), ("AU1+AU4(k)", {1}), ("R12 + R15", {12, 15}), ("15,17", {15, 17}), ("9/10+4", {4}),
    ],
)  # fmt: skip
def test_units_that_a_cell_claims(cell, units):
    assert shown(cell) == units


@pytest.mark.parametrize(
    "cell, name",
    [
        ("6+12", "I"), ("R12+L6", "I"), ("1+2", "II"), ("4", "III"), ("7+4", "III"), ("4+7+9", "IV"), ("15", "V"),
        ("1+2+4", "VI"), ("20", "VI"), ("4+14", "VII"), ("?", ""), ("", ""),
    ],
)  # fmt: skip
def test_objective_classes(cell, name):
    assert objective_class(cell) == name


def test_no_set_of_units_is_in_two_classes():
    assert len(OBJECTIVE_CLASSES) == 5 + 6 + 8 + 10 + 5 + 2
