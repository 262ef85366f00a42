import numpy as np
import pytest
import skimage.data

from flow import photometric

FACE = np.ascontiguousarray(skimage.data.astronaut()[40:240, 120:320])


def changed(image, gain, bias, noise=1.5):
    noisy = image * gain + bias + np.random.default_rng(1).normal(0, noise, image.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def test_gain_and_bias_are_found():
    gain, bias = photometric.gain_and_bias(FACE, changed(FACE, 1.03, 4))
    assert gain == pytest.approx(1 / 1.03, abs=0.002)
    assert bias == pytest.approx(-4 / 1.03, abs=0.3)


def test_the_apex_gets_the_onsets_brightness():
    apex = changed(FACE, 1.03, 4, noise=0)
    difference = photometric.match(FACE, apex).astype(int) - FACE
    unclipped = apex.max(-1) < 253
    assert abs(difference[unclipped]).max() <= 1
    assert abs(difference[unclipped].mean()) < 0.1


def test_identical_images_stay_as_they_are_to_the_bit():
    assert np.array_equal(photometric.match(FACE, FACE), FACE)


@pytest.mark.parametrize("shift", [(3, 0), (0, 3), (-2, 2)])
def test_motion_is_not_taken_for_light(shift):
    image = skimage.data.astronaut()
    moved = np.roll(image, shift, axis=(0, 1))[40:240, 120:320]
    gain, bias = photometric.gain_and_bias(FACE, changed(moved, 1, 0))
    assert abs((gain - 1) * 128 + bias) < 0.3  # grey levels at mid-grey
    assert gain == pytest.approx(1, abs=0.01)


def test_a_covered_quarter_does_not_vote():
    apex = changed(FACE, 1.03, 4)
    apex[:100, :100] = 90
    gain, bias = photometric.gain_and_bias(FACE, apex)
    assert gain == pytest.approx(1 / 1.03, abs=0.004)
    assert bias == pytest.approx(-4 / 1.03, abs=0.6)


@pytest.mark.parametrize("grey", [0, 100, 255])
def test_frames_without_contrast(grey):
    flat = np.full((40, 40, 3), grey, np.uint8)
    assert np.array_equal(photometric.match(flat, flat), flat)
    brighter = np.full((40, 40, 3), min(grey + 5, 255), np.uint8)
    if grey == 100:
        assert np.array_equal(photometric.match(flat, brighter), flat)
