"""Times of video frames: they rise, whatever the stamps, and every change is counted."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.frame_report import FrameReport
from data_prep.videos.frame_times import presentation_times


def times(stamps, step=0.1, window=0):
    report = FrameReport()
    found = list(presentation_times(((stamp, i) for i, stamp in enumerate(stamps)), step, window, report))
    assert [item for _, item in found] == list(range(len(stamps)))
    return pytest.approx([time for time, _ in found]), report


def test_stamps_in_order_are_taken_as_they_are():
    found, report = times([3.0, 3.1, 3.5])
    assert found == [0, 0.1, 0.5] and not report.sentences()


def test_stamps_of_decoding_order_are_sorted():
    found, report = times([0, 0.2, 0.3, 0.1, 0.5, 0.6, 0.4], window=8)
    assert found == [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert report.n_times_reordered == 6


def test_time_goes_on_where_recordings_were_joined():
    for window in (0, 8):
        found, report = times([k / 10 for k in range(30)] * 2, window=window)
        assert found == [k / 10 for k in range(60)]
        assert report.n_time_jumps == 1


def test_repeated_stamps_are_spread():
    found, report = times([0, 0, 0.2, 0.2, 0.4, 0.4])
    assert found == [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert report.n_times_repeated == 3


def test_missing_stamps_are_assumed_and_counted():
    found, report = times([0, None, 0.2, math.nan, 0.4])
    assert found == [0, 0.1, 0.2, 0.3, 0.4]
    assert report.n_times_assumed == 2


def test_one_stamp_for_all_is_none():
    found, report = times([5.0] * 200)
    assert found == [k / 10 for k in range(200)]
    assert report.n_times_repeated > 190


@given(
    st.lists(st.one_of(st.none(), st.integers(-1000, 1000).map(lambda n: n / 10)), min_size=1, max_size=60),
    st.sampled_from([0, 4, 8, 32]),
)
def test_times_rise_from_zero_and_no_frame_is_lost(stamps, window):
    report = FrameReport()
    found = list(presentation_times(((stamp, i) for i, stamp in enumerate(stamps)), 0.1, window, report))
    assert [item for _, item in found] == list(range(len(stamps)))
    rising = [time for time, _ in found]
    assert rising[0] == 0 and all(a < b for a, b in zip(rising, rising[1:]))
    if [stamp for stamp in stamps if stamp is not None] != sorted(
        stamp for stamp in stamps if stamp is not None
    ):
        assert report.n_times_reordered or report.n_time_jumps


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.sampled_from([0, 8]))
def test_rising_stamps_are_never_changed(steps, window):
    stamps = [sum(steps[:k]) / 100 for k in range(len(steps) + 1)]
    found, report = times(stamps, window=window)
    assert found == [stamp - stamps[0] for stamp in stamps] and not report.sentences()
