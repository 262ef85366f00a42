"""u, v and strain as a small picture: order, sign, unit, and what it must not do."""

import numpy as np
import pytest

from mer.features.flow_image import BOX, extract


@pytest.fixture
def landmarks():
    points = np.full((478, 2), 50, np.float32)
    for point, x in {33: 30, 133: 40, 362: 80, 263: 90}.items():  # eye centres 50 px apart
        points[point] = (x, 40)
    return points


def test_channels_are_u_v_strain_in_per_cent_of_the_eye_distance(landmarks):
    y, x = np.mgrid[:112, :112].astype(np.float32)
    flow = np.stack([0.5 + 0.01 * x, np.full_like(x, -0.25)], axis=-1)
    image = extract(flow, landmarks)
    assert image.shape == (3, 28, 28) and image.dtype == np.float32
    # one cell covers 4 x 4 pixels: its mean is the motion in its middle
    assert image[0, 5, 9] == pytest.approx((0.5 + 0.01 * (4 * 9 + 1.5)) / 50 * 100, rel=1e-4)
    assert np.allclose(image[1], -0.25 / 50 * 100, rtol=1e-4)
    assert np.allclose(image[2], 0.01 * 100, rtol=1e-3)


def test_amplitude_is_kept(landmarks):
    flow = np.random.default_rng(0).normal(0, 1, (56, 56, 2)).astype(np.float32)
    assert np.allclose(extract(3 * flow, landmarks), 3 * extract(flow, landmarks), rtol=1e-4, atol=1e-5)


def test_a_face_twice_as_large_gives_the_same(landmarks):
    y, x = np.mgrid[:56, :56] + 0.5
    flow = np.stack([np.sin(x / 20), np.cos(y / 20)], axis=-1).astype(np.float32)
    y, x = (np.mgrid[:112, :112] + 0.5) / 2
    twice = 2 * np.stack([np.sin(x / 20), np.cos(y / 20)], axis=-1).astype(np.float32)
    assert np.allclose(extract(flow, landmarks, size=14), extract(twice, 2 * landmarks, size=14), atol=0.05)
    assert extract(flow, landmarks, size=14).shape == (3, 14, 14)


def test_the_box_puts_eyes_and_mouth_where_ready_made_maps_have_them(landmarks):
    landmarks[[61, 291]] = [[50, 80], [70, 80]]  # eyes at (60, 40), 50 px apart; mouth 40 px below
    flow = np.zeros((120, 120, 2), np.float32)
    flow[38:43, 34:37, 0] = 5  # the right eye's centre
    flow[78:83, 58:63, 1] = 5  # the mouth's middle
    image = extract(flow, landmarks, size=40, crop="box")
    eye, mouth = (np.unravel_index(image[k].argmax(), (40, 40)) for k in (0, 1))
    assert np.allclose(np.add(eye, 0.5) / 40, [BOX.eyes, 0.5 - BOX.interocular / 2], atol=0.04)
    assert np.allclose(np.add(mouth, 0.5) / 40, [BOX.mouth, 0.5], atol=0.04)


def test_the_box_repeats_the_border_beyond_the_flow(landmarks):
    landmarks[[61, 291]] = [[50, 80], [70, 80]]
    flow = np.ones((100, 120, 2), np.float32)
    assert np.allclose(extract(flow, landmarks, crop="box")[:2], 2.0, atol=1e-5)
