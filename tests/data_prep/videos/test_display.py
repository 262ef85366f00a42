"""Frames are shown as a player shows them: mirrored, turned, with square pixels."""

from fractions import Fraction

import numpy as np
import pytest

from data_prep.videos.display import display_transform, orient, orientation_name
from tests.data_prep.small_videos import (
    moving_square,
    read_frames,
    set_display_matrix,
    write_video,
)


@pytest.mark.parametrize(
    "matrix, mirrored, degrees, expected",
    [
        ((1, 0, 0, 1), False, 0, lambda image: image),
        ((-1, 0, 0, 1), True, 0, lambda image: image[:, ::-1]),
        ((1, 0, 0, -1), True, 180, lambda image: image[::-1]),
        ((-1, 0, 0, -1), False, 180, lambda image: image[::-1, ::-1]),
        ((0, 1, -1, 0), False, 90, lambda image: np.rot90(image, -1)),
        ((0, -1, 1, 0), False, 270, lambda image: np.rot90(image)),
        ((0, 1, 1, 0), True, 270, lambda image: image.swapaxes(0, 1)),
        ((0, -1, -1, 0), True, 90, lambda image: np.rot90(image, 2).swapaxes(0, 1)),
    ],
)
def test_all_eight_matrices_are_applied(tmp_path, matrix, mirrored, degrees, expected):
    path = write_video(tmp_path / "clip.mp4", moving_square(2))
    (plain, _), _ = read_frames(path)
    set_display_matrix(path, *matrix)
    (shown, _), report = read_frames(path)
    assert (shown.image == expected(plain.image)).all()
    assert ("mirrored left to right" in report.orientation) is mirrored
    assert (f"turned by {degrees} degrees clockwise" in report.orientation) is (degrees > 0)


def test_any_angle_keeps_the_whole_picture():
    tilt = np.array([np.cos(0.3), np.sin(0.3), -np.sin(0.3), np.cos(0.3)])
    a, b, c, d = (int(value * 65536) for value in tilt)
    linear = display_transform(np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], np.int32).tobytes())
    image = np.full((40, 60, 3), 255, np.uint8)
    assert (orient(image, linear) > 127).sum() == pytest.approx(image.size, rel=0.05)
    assert orientation_name(linear) == "turned by 17 degrees clockwise"
    assert (display_transform(bytes(36)) == np.eye(2)).all() and (display_transform(None) == np.eye(2)).all()


@pytest.mark.parametrize(
    "aspect, shape", [(Fraction(2), (64, 192)), (Fraction(1, 2), (128, 96)), (Fraction(1), (64, 96))]
)
def test_pixels_become_square(tmp_path, aspect, shape):
    frames, report = read_frames(write_video(tmp_path / "clip.mp4", moving_square(2), aspect=aspect))
    assert frames[0].image.shape[:2] == shape
    assert report.pixel_aspect == aspect
