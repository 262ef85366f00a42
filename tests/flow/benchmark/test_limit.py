"""The limit is what a linear estimator reaches that knows the family: checked against one."""

import numpy as np
import pytest

from flow.benchmark.limit import expected_error

SIZE, NOISE = 24, 2.0


@pytest.fixture(scope="module")
def setting():
    """A texture, its pixels as points, and a family of two patterns of motion."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIZE, :SIZE].astype(float)
    frame = 120 + 10 * np.sin(x[..., None] * [0.5, 0.7, 0.9]) + 10 * np.cos(y[..., None] * [0.8, 0.4, 0.6])
    patterns = np.stack([np.stack([np.cos(x / 9), 0 * y], -1), np.stack([0 * x, np.sin(y / 7 + 1)], -1)])
    return rng, frame, np.ones((SIZE, SIZE), bool), np.column_stack([x.ravel(), y.ravel()]), patterns


def test_the_limit_is_the_error_of_the_best_linear_estimator(setting):
    rng, frame, mask, points, patterns = setting
    strengths = rng.normal(0, 0.05, (4000, 2))
    samples = np.einsum("nk,kyxi->nyxi", strengths, patterns).reshape(4000, -1, 2)
    limit = expected_error(frame, NOISE, mask, points, samples[:1500])

    slope = np.stack(np.gradient(frame, axis=(1, 0)), axis=-1)
    # Change of the picture with each strength.
    seen = np.einsum("kyxi,yxci->kyxc", patterns, slope).reshape(2, -1)
    errors = []
    for truth in strengths[1500:1600]:
        changed = truth @ seen + rng.normal(0, np.sqrt(2) * NOISE, seen.shape[1])
        found = np.linalg.solve(
            seen @ seen.T / (2 * NOISE**2) + np.eye(2) / 0.05**2, seen @ changed / (2 * NOISE**2)
        )
        left = np.einsum("k,kyxi->yxi", found - truth, patterns)
        errors.append(np.linalg.norm(left, axis=-1).mean())
    assert limit == pytest.approx(np.mean(errors), rel=0.15)


def test_noise_and_a_wider_family_raise_the_limit(setting):
    rng, frame, mask, points, patterns = setting
    samples = np.einsum("nk,kyxi->nyxi", rng.normal(0, 0.05, (300, 2)), patterns).reshape(300, -1, 2)
    limit = expected_error(frame, NOISE, mask, points, samples)
    wider = samples + rng.normal(0, 0.05, samples.shape)
    assert expected_error(frame, 2 * NOISE, mask, points, samples) > 1.3 * limit
    assert expected_error(frame, NOISE, mask, points, wider) > 1.3 * limit
    assert expected_error(frame, 1e6, mask, points, samples) == pytest.approx(
        np.linalg.norm(samples - samples.mean(0), axis=-1).mean(), rel=0.1
    )
