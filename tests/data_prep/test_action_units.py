"""Cells of action units as spreadsheets write them, and the objective classes they make."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.action_units import NAMES, OBJECTIVE_CLASSES, objective_class, parse_units


@pytest.mark.parametrize(
    "cell, units",
    [
        ("12", {12}), ("4+7", {4, 7}), ("L1", {1}), ("R6+R12", {6, 12}), ("4+L9+14", {4, 9, 14}),
        ("?", set()), ("", set()), ("(R6 or R12)+R15", {15}), ("R6 or R12 + 4", {4}),
        ("ref(7B)+43", {7, 43}), ("A/L12", {12}), ("14A", {14}), ("R14+17+soft focus", {14, 17}),
        ("AU1+AU4(k)", {1}), ("R12 + R15", {12, 15}), ("15,17", {15, 17}), ("9/10+4", {4}), ("4＋7", {4, 7}),
        ("4、7", {4, 7}), ("4，7", {4, 7}), ("4；7", {4, 7}), ("６", {6}), ("6 12", {6, 12}),
        ("AU15 AU17", {15, 17}), ("AU4AU7", {4, 7}), ("AU 4 and AU 7", {4, 7}), ("4和7", {4, 7}),
        ("AU04", {4}), ("4.0", {4}), ("AU1+AU4 (k)", {1}), ("L12(A)", {12}), ("4 & 7", {4, 7}),
        ("none", set()), ("4•7", {4, 7}), ("4⋅7", {4, 7}), ("4及7", {4, 7}), ("4²", {4}), ("4plus7", {4, 7}),
    ],
)  # fmt: skip
def test_units_that_a_cell_claims(cell, units):
    assert parse_units(cell) == (units, ())


@pytest.mark.parametrize(
    "cell, units, unreadable",
    [("4.7", set(), ["4.7"]), ("4-7", set(), ["4-7"]), ("6+412", {6}, ["412"]),
    ("14A17B+6", {6}, ["14A17B"]),
     ("4/7", set(), ["4/7"]), ("4 ⁄ 7", set(), ["4 ⁄ 7"]),
     ("6+not 12", {6}, ["not 12"]), ("无4", set(), ["无4"]),
     ("12 oder 14", set(), ["12 oder 14"]), ("12 ou 14", set(), ["12 ou 14"]), ("4或7", set(), ["4或7"]),
     ("Ⅳ", set(), ["IV"]), ("4+VII", {4}, ["VII"]), ("4+seven", {4}, ["seven"]), ("vier", set(), ["vier"]),
     ("4 - 7", set(), ["4 - 7"]), ("AU4 – AU7+12", {12}, ["AU4 – AU7"]),
     ("4+十二", {4}, ["十二"]), ("Fourteen", set(), ["Fourteen"]),
     ("lip corner puller", set(), ["lip corner puller"]), ("none", set(), []), ("N/A", set(), []),
     ("?", set(), []), ("无", set(), []), (" - ", set(), []),
     ("R6 or R12", set(), ["R6 or R12"]), ("12/06/2014", set(), ["12/06/2014"]),
     ("2024-04-07 00:00:00", set(), ["2024-04-07 00:00:00"])],
)  # fmt: skip
def test_what_is_no_unit_is_said_and_makes_no_class(cell, units, unreadable):
    assert parse_units(cell) == (units, tuple(unreadable)) and objective_class(cell) == ""


@given(st.sets(st.sampled_from(sorted(NAMES)), min_size=1), st.sampled_from(["+", " + ", ",", "、",
       "＋", " ", "; ", " and "]),
       st.sampled_from(["", "AU", "R", "au0"]))  # fmt: skip
def test_separators_and_prefixes_do_not_matter(units, separator, prefix):
    cell = separator.join(f"{prefix}{unit}" for unit in units)
    assert parse_units(cell) == (units, ())


@given(st.text())
def test_any_cell_is_read_without_a_traceback(cell):
    units, unreadable = parse_units(cell)
    assert units <= set(NAMES) and all(part.strip() for part in unreadable)


@pytest.mark.parametrize(
    "cell, name",
    [
        ("6+12", "I"), ("R12+L6", "I"), ("1+2", "II"), ("4", "III"), ("7+4", "III"), ("4+7+9", "IV"),
        ("15", "V"), ("1+2+4", "VI"), ("20", "VI"), ("4+14", "VII"), ("?", ""), ("", ""),
    ],
)  # fmt: skip
def test_objective_classes(cell, name):
    assert objective_class(cell) == name


def test_no_set_of_units_is_in_two_classes():
    assert len(OBJECTIVE_CLASSES) == 5 + 6 + 8 + 10 + 5 + 2
