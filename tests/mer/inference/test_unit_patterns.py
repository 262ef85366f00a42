"""Patterns of action units: every unit moves what its name says, on its side."""

import numpy as np

from data_prep.action_units import NAMES
from flow.splatting.template import template
from mer.inference.unit_patterns import load


def test_each_unit_has_a_name_and_moves_its_own_side():
    names, patterns = load()
    points = template().mean[:468]
    assert patterns.shape == (len(names), 468, 3) and np.isfinite(patterns).all()
    assert all(int(unit) in NAMES for unit, _ in names)
    for (unit, side), pattern in zip(names, patterns):
        strength = np.linalg.norm(pattern, axis=1)
        assert 0.02 < strength.max() < 0.6, unit
        middle = (strength * points[:, 0]).sum() / strength.sum()
        assert abs(middle) < 0.3 if side == "both" else (middle < 0) == (side == "right"), (unit, side)


def test_a_smile_lifts_the_corner_and_a_frown_lowers_it():
    names, patterns = load()
    corner = {"right": 61, "left": 291}
    for side, point in corner.items():
        smile, frown = (patterns[names.index((unit, side)), point] for unit in ("12", "15"))
        outward = -1 if side == "right" else 1
        assert smile[1] < 0 < frown[1] and outward * smile[0] > 0


def test_lids_and_lips_part():
    names, patterns = load()
    closing = patterns[names.index(("43", "right"))]
    assert closing[159, 1] > 3 * abs(closing[145, 1])
    dropping = patterns[names.index(("26", "both"))]
    assert dropping[14, 1] > 3 * abs(dropping[13, 1])


def test_what_is_read_resembles_what_is_scanned():
    names, scanned = load()
    names_read, read = load(as_read=True)
    assert names_read == names and read.shape == scanned.shape
    length = np.linalg.norm(scanned, axis=(1, 2)) * np.linalg.norm(read, axis=(1, 2))
    assert ((scanned * read).sum((1, 2)) > 0.8 * length).all()
    assert (np.abs(read - scanned).max((1, 2)) > 0.002).all()
