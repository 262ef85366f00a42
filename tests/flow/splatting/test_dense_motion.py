"""From vertices to pixels and back: what is linear stays exact, the near hides the far, and folds are
found."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates, spline_filter

from flow.splatting import dense_motion, dense_motion_numpy
from flow.splatting.dense_motion import MAX_RESIDUAL_PX, area_ratio, extrapolate

SHAPE = (40, 50)
with_and_without_numba = pytest.mark.parametrize("loops", [dense_motion, dense_motion_numpy])


def plane(depth: float, low: float, high: float):
    """Two triangles that cover a square, seen from their front."""
    corners = np.array([[low, low], [high, low], [high, high], [low, high]], np.float32)
    return corners, np.full(4, depth, np.float32), np.array([[0, 2, 1], [0, 3, 2]], np.int32)


@with_and_without_numba
def test_a_linear_function_is_exact_and_the_near_hides_the_far(loops):
    far, z_far, triangles = plane(0.0, -1, 60)
    near, z_near, _ = plane(1.0, 10, 20)
    places, depth = np.concatenate([near, far]), np.concatenate([z_near, z_far])
    values = np.concatenate([np.full((4, 1), 7.0), 2 * far[:, :1] - far[:, 1:] + 3]).astype(np.float32)
    out, covered = loops.rasterize(places, depth, values, np.concatenate([triangles, triangles + 4]), SHAPE)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    expected = np.where((x >= 10) & (x <= 20) & (y >= 10) & (y <= 20), 7, 2 * x - y + 3)
    assert covered.all() and np.allclose(out[..., 0], expected, atol=1e-3)


@with_and_without_numba
def test_backs_are_not_drawn(loops):
    places, depth, triangles = plane(0.0, 5, 30)
    _, covered = loops.rasterize(places, depth, np.ones((4, 1), np.float32), triangles[:, ::-1].copy(), SHAPE)
    assert not covered.any()


def test_known_values_are_kept_and_a_constant_fills_everything():
    known = np.zeros(SHAPE, bool)
    known[15:25, 20:30] = True
    values = np.where(known[..., None], np.float32([2, -3]), 0).astype(np.float32)
    assert np.allclose(extrapolate(values, known), [2, -3], atol=1e-3)
    values = np.random.default_rng(0).normal(0, 1, (*SHAPE, 2)).astype(np.float32)
    assert np.allclose(extrapolate(values, known)[known], values[known], atol=1e-4)


def bump(length: float, reach: float) -> np.ndarray:
    y, x = np.mgrid[:64, :64]
    return (np.exp(-((x - 32) ** 2 + (y - 30) ** 2) / (2 * reach**2))[..., None] * [length, -length]).astype(
        np.float32
    )


@with_and_without_numba
@pytest.mark.parametrize("length, reach", [(0.3, 5), (3, 8), (4, 6)])
def test_the_inverse_leads_back(loops, length, reach):
    flow = bump(length, reach)
    places, residual = loops.invert_flow(flow)
    assert residual.max() < MAX_RESIDUAL_PX and area_ratio(flow).min() > 0
    assert (
        np.linalg.norm(places - np.stack(np.meshgrid(np.arange(64), np.arange(64)), -1), axis=-1).max()
        > length
    )


def test_a_fold_shows():
    assert area_ratio(bump(9, 4)).min() < 0


@with_and_without_numba
def test_a_spline_is_read_as_scipy_reads_it(loops):
    rng = np.random.default_rng(0)
    picture = rng.normal(0, 1, (20, 30, 2)).astype(np.float32)
    coefficients = np.stack([spline_filter(picture[..., c]) for c in range(2)], axis=-1)
    places = rng.uniform(4, 15, (6, 7, 2))
    read = loops.sample_spline(coefficients, places)
    for channel in range(2):
        expected = map_coordinates(
            coefficients[..., channel], (places[..., 1], places[..., 0]), prefilter=False
        )
        assert np.allclose(read[..., channel], expected, atol=1e-5)


def test_numpy_draws_a_crumpled_mesh_as_the_compiled_loop_does():
    rng = np.random.default_rng(0)
    y, x = (grid.ravel() for grid in np.mgrid[:9, :11])
    places = (np.stack([5 * x - 2, 5 * y - 2], 1) + rng.normal(0, 1.5, (99, 2))).astype(np.float32)
    depth, values = rng.normal(0, 1, 99).astype(np.float32), rng.normal(0, 3, (99, 4)).astype(np.float32)
    corner = (np.arange(8)[:, None] * 11 + np.arange(10)).ravel()
    lower = np.stack([corner, corner + 11, corner + 1], 1)
    upper = np.stack([corner + 1, corner + 11, corner + 12], 1)
    triangles = np.concatenate([lower, upper]).astype(np.int32)
    (out, covered), (expected, is_covered) = (
        loops.rasterize(places, depth, values, triangles, SHAPE)
        for loops in (dense_motion_numpy, dense_motion)
    )
    assert covered.any() and np.array_equal(covered, is_covered)
    assert np.allclose(out, expected, atol=1e-5)


def test_numpy_inverts_a_fold_as_the_compiled_loop_does():
    found, expected = (loops.invert_flow(bump(9, 4)) for loops in (dense_motion_numpy, dense_motion))
    assert all(np.allclose(*pair, atol=1e-6) for pair in zip(found, expected))
