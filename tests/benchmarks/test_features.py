"""The feature benchmark: every feature of the folder, and more head motion where more is asked for."""

import numpy as np

from benchmarks.features import FEATURES, clips
from mer.features._head_motion import subtract_head_motion
from mer_core import registry


def test_every_feature_is_measured():
    assert sorted(FEATURES) == registry.list_names("mer.features")


def test_head_motion_grows_as_asked_and_is_what_is_taken_out():
    def moved(head):
        table, found = clips(2, 0, head)
        assert len(table) == len(found) == 40 and table["subject"].nunique() == 2
        whole = np.mean([np.abs(flow.mean((0, 1))).sum() for flow, _ in found])
        return whole, np.mean(
            [np.abs(subtract_head_motion(flow, marks).mean((0, 1))).sum() for flow, marks in found]
        )

    (little, _), (much, left) = moved(0.0), moved(8.0)
    assert much > 3 * little and left < 0.5 * much
