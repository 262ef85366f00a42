"""Blinks and what is done about them, on made-up lids."""

import numpy as np
import pytest

from mer.inference import eyes
from tests.mer.inference.tracks import bump, plateau, resting_track

OPEN = np.full(2, 14.0)


def kinds(track):
    return [closure.kind for closure in eyes.find_closures(track.time, track.lids, OPEN)]


def test_eyes_that_a_smile_narrows_for_half_a_second_have_not_blinked():
    track = resting_track(4.0)
    track.lids[:] -= 5 * plateau(track, 1.0, 1.6, ramp=0.1)[:, None]
    assert kinds(track) == []
    track.lids[:] -= 11 * bump(track, 2.5, 2.75)[:, None]
    assert kinds(track) == ["blink"]


@pytest.mark.parametrize("onset", [-0.15, 3.85], ids=["first frame", "last frame"])
def test_what_the_mesh_does_in_a_blink_that_the_film_cuts_off_is_bridged(onset):
    track = resting_track(4.0)
    level = bump(track, onset, onset + 0.3)
    track.lids[:] -= 12 * level[:, None]
    wince = 5 * level
    found = eyes.find_cut_blinks(track.time, track.lids, OPEN)
    assert len(found) == 1 and found[0].depth > 50
    assert abs(eyes.bridge_blinks(wince, found, 1 / 50)).max() < 0.5
    assert eyes.find_cut_blinks(track.time, np.full_like(track.lids, 2.0), OPEN) == []
