"""Patterns of action units come nearer to what the path reads."""

import numpy as np
import pytest

from benchmarks import unit_patterns
from benchmarks.unit_patterns import as_read
from flow.splatting.template import template
from mer.inference.head_motion import fit_camera, mean_face

LANDMARKS = template().mean[:, :2] * 10 + 100  # px
NAMES = ["12:right", "12:left", "17:both"]
RIGHT, LEFT, CHIN = 61, 291, 152  # corners of the mouth, and the chin


@pytest.fixture
def patterns():
    """A corner of the mouth rises, or the chin."""
    out = np.zeros((3, 468, 3))
    for pattern, point in zip(out, (RIGHT, LEFT, CHIN)):
        near = np.linalg.norm(mean_face() - mean_face()[point], axis=1)
        pattern[:, 1] = -0.1 * np.exp(-((near / 0.15) ** 2))
    return out


def person(names, motions, strength=0.4):
    """What `read_units` gives where these are the motions (n, 468, 3) that are read."""
    shown = strength * motions @ fit_camera(LANDMARKS[:468]).T
    return {"names": np.array(names), "landmarks": np.stack([LANDMARKS] * len(names)), "motion": shown}


def test_patterns_that_are_read_as_they_are_stay(patterns, monkeypatch):
    monkeypatch.setattr(unit_patterns, "subtract_head_motion", lambda basis, motion: motion)
    assert as_read(NAMES, patterns, [person(NAMES, patterns)]) == pytest.approx(patterns, abs=1e-9)


def test_what_is_read_beside_the_pattern_is_added_on_both_sides(patterns, monkeypatch):
    monkeypatch.setattr(unit_patterns, "subtract_head_motion", lambda basis, motion: motion)
    read = patterns[:1].copy()
    read[0, CHIN, 0] = 0.05  # to the left in the face's own view
    new = as_read(NAMES, patterns, [person(NAMES[:1], read, strength) for strength in (0.1, 0.4)])
    change = new - patterns
    assert change[0, CHIN, :2] == pytest.approx([0.05, 0], abs=1e-3)
    assert change[1, CHIN, :2] == pytest.approx([-0.05, 0], abs=1e-3)
    assert change[2] == pytest.approx(0)


def test_noise_changes_nothing(patterns):
    read = patterns[:1].copy()
    read[0, :, 0], read[0, :, 1] = 0.05 * np.cos(np.arange(468)), 0.01
    assert as_read(NAMES, patterns, [person(NAMES[:1], read)]) == pytest.approx(patterns)
