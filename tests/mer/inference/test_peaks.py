"""Where excursions of a curve begin and end, and which are two."""

import numpy as np
import pytest

from mer.inference.peaks import find_excursions


@pytest.mark.parametrize(
    "curve, expected",
    [
        ([0, 1, 3, 8, 10, 9, 4, 1, 0], [(2, 4, 6)]),
        ([0, 10, 3, 8, 0], [(1, 1, 2), (2, 3, 3)]),
        ([0, 10, 5, 8, 0], [(1, 1, 3)]),
        ([0, 8, 5, 10, 5, 9, 0], [(1, 3, 5)]),
        ([10, 4, 1, 0], [(0, 0, 1)]),
        ([0, 1, 1.5, 1, 0], []),
    ],
    ids=["one", "parted by a deep valley", "one with a dip", "three tops", "cut off", "too low"],
)
def test_excursions(curve, expected):
    found = find_excursions(np.array(curve, float), limit=2.0, edge=0.15)
    assert [tuple(one) for one in found] == expected


def test_the_rows_outside_are_included_where_asked_but_none_beyond_the_curve():
    curve = np.array([10.0, 4.0, 1.0, 0.0])
    assert [tuple(one) for one in find_excursions(curve, 2.0, 0.15, outside=True)] == [(0, 0, 2)]


def test_no_part_of_a_plateau_is_lost_behind_a_dip_below_its_edge():
    shut = np.array([0, 0.7, 0.7, 0.5, 0.7, 0.7, 0.0])
    found = find_excursions(shut, limit=0.7, edge=0.9)
    assert [(one.first, one.last) for one in found] == [(1, 2), (4, 5)]
