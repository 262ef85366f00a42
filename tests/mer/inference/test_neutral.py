"""The neutral face of a cut clip stays where it is, unless the head moves."""

import numpy as np
import pytest

from mer.inference import neutral
from mer.inference.site_motion import strength

STEP = 1 / 30
TIME = np.arange(36) * STEP  # 1.2 s, nowhere at rest


@pytest.fixture(scope="module")
def slow_expression() -> np.ndarray:
    """All sites go 3 % down and come back, with noise."""
    level = (1 - np.cos(2 * np.pi * TIME / TIME[-1])) / 2
    sites = np.random.default_rng(0).normal(0, 0.08, (36, 17, 2))
    sites[..., 1] += 3 * level[:, None]
    return neutral.smooth_sites(TIME, sites, STEP)


def test_a_slow_expression_does_not_pull_the_neutral_face_along(slow_expression):
    still = neutral.stillness(slow_expression, STEP)
    face, at_rest = neutral.follow_neutral(TIME, slow_expression, np.zeros((36, 6)), 0, still)
    assert strength(face).max() < 0.5 and at_rest[18] < 0.01


def test_the_neutral_face_may_drift_while_the_head_moves(slow_expression):
    head = np.zeros((36, 6))
    head[:, 3] = np.linspace(0, 30, 36)  # to the right by 30 % of the inter-ocular distance
    drift = np.linspace(0, 1, 36)[:, None, None] * [0.0, 1.0] * np.ones((36, 17, 1))
    face, _ = neutral.follow_neutral(TIME, drift, head, 0, 0.1)
    fixed, _ = neutral.follow_neutral(TIME, drift, np.zeros((36, 6)), 0, 0.1)
    assert strength(drift - face)[-1] < 0.75 * strength(drift - fixed)[-1]
