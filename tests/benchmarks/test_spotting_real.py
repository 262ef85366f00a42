"""The rules by which spotted intervals are compared with those listed for real clips."""

import pandas as pd
import pytest

from benchmarks import spotting_real
from mer.inference.spotting import Interval


def interval(kind, onset, offset):
    return Interval(kind, onset, onset, offset, 0.0, 0.0, 0.0, 5.0)


@pytest.mark.parametrize(
    "onset, offset, ours, counts",
    [
        (10, 50, (12, 40), True),
        (10, 50, (30, 50), True),
        (10, 50, (32, 52), False),
        (10, 24, (14, 28), True),
        (10, 24, (15, 24), True),
        (10, 24, (18, 33), False),
    ],
)
def test_a_match_overlaps_by_half_or_ends_within_four_frames(onset, offset, ours, counts):
    assert spotting_real.is_match(onset, offset, interval("macro", *ours)) is counts


def test_each_counts_once_and_what_lies_outside_of_the_range_does_not():
    rows = pd.DataFrame(
        [("expression", 10, 50), ("expression", 60, 90), ("blink", 65, 69)],
        columns=["kind", "onset", "offset"],
    ).assign(annotated_from=0, annotated_to=100)
    found = [
        interval("macro", 10, 50),
        interval("micro", 20, 30),
        interval("macro", 120, 160),
        interval("blink", 64, 70),
        interval("head", 60, 90),
    ]
    result = spotting_real.evaluate("a.mp4", rows, found)
    assert result.expressions == (1, 2, 2) and result.blinks == (1, 1, 1)
    assert "| all | 2 | 2 | 1 | 0.50 | 0.50 | 1 | 1 |" in spotting_real.table([result])
