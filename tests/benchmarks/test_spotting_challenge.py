"""Challenge rules on submissions whose score is known, and the films they are measured on."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import spotting_challenge as challenge
from benchmarks.busy_films import KINDS, SLOT_S, BusyPlan
from mer.report.megc import COLUMNS


def submission(*rows):
    return pd.DataFrame(rows, columns=COLUMNS)


KNOWN = submission(
    ("a", 10, 20, "micro", "positive"),
    ("a", 40, 50, "micro", "negative"),
    ("a", 100, 200, "macro", "surprise"),
    ("a", 300, 400, "speech", ""),
    ("a", 500, 600, "speech", ""),
    ("b", 10, 20, "micro", "surprise"),
    ("b", 60, 65, "blink", ""),
)


def test_a_perfect_submission_has_strs_1():
    rows = submission(
        ("a", 10, 20, "me", "positive"),
        ("a", 40, 50, "me", "negative"),
        ("b", 10, 20, "me", "surprise"),
    )
    result = challenge.score(KNOWN, rows)
    assert result["micro"] == [3, 3, 3] and result["macro"] == [0, 1, 0]
    assert challenge.strs(result) == pytest.approx((1, 1, 1))


def test_videos_types_overlap_and_emotions_count():
    rows = submission(
        ("b", 40, 50, "me", "negative"),  # of another video
        ("a", 100, 200, "me", "surprise"),  # of another type
        ("a", 10, 31, "me", "positive"),  # IoU below .5
        ("a", 41, 50, "me", "positive"),  # found, wrong emotion
        ("b", 10, 20, "me", ""),  # found, no emotion
        ("a", 310, 330, "mae", ""),  # in speech
    )
    result = challenge.score(KNOWN, rows)
    assert result["micro"] == [2, 3, 5] and result["macro"] == [0, 1, 1]
    assert sorted(result["emotions"]) == [("negative", "positive"), ("surprise", "")]
    assert result["false"]["speech"] == 1 and result["false"]["elsewhere"] == 3
    assert challenge.strs(result) == pytest.approx((0.5, 0, 0))


def test_nothing_submitted_scores_zero():
    assert challenge.strs(challenge.score(KNOWN, submission())) == (0, 0, 0)


def test_a_busy_film_holds_one_event_in_each_slot():
    plan = BusyPlan(0)
    assert sorted(event.kind for event in plan.events) == sorted(KINDS)
    for slot, event in enumerate(plan.events):
        assert slot * SLOT_S < event.onset < event.apex < event.offset < (slot + 1) * SLOT_S
    times = np.array([syllable.time for syllable in plan.syllables])
    speech = [event for event in plan.events if event.kind == "speech"]
    assert all(any(event.onset < time < event.offset for event in speech) for time in times)
