import cv2
import numpy as np

from flow.warp import invert_by_warping, pixel_grid, warp

INSIDE = (slice(12, -12), slice(12, -12))


def smooth_flow(peak_px: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(64, 80, 2)).astype(np.float32)
    flow = cv2.GaussianBlur(noise, (0, 0), 12)
    return flow * (peak_px / np.linalg.norm(flow, axis=-1).max())


def test_an_inverse_leads_back():
    flow = smooth_flow(2.0)
    for factor in (1.0, 2.0):
        back = invert_by_warping(flow, factor)
        there = warp(flow, back)
        assert np.abs(back + factor * there)[INSIDE].max() < 0.02


def test_a_picture_is_sampled_where_the_displacement_points():
    ramp = pixel_grid((64, 80), np.float32)[..., 0]
    shift = np.full((64, 80, 2), (3.5, 0), np.float32)
    assert np.allclose(warp(ramp, shift)[INSIDE], ramp[INSIDE] + 3.5, atol=0.05)
