"""Markdown tables."""

import pytest

from mer_core.markdown import format_table


def test_a_table_by_hand():
    assert format_table(["a", "b"], [["x|y", 1], [None, 2.5]], numbers_from=1) == (
        "| a | b |\n|---|---:|\n| x\\|y | 1 |\n|  | 2.5 |"
    )


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError):
        format_table(["a", "b"], [["x"]])
