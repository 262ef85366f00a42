import numpy as np

from flow import visualize


def colour(u, v, radius=2.0):
    return tuple(int(c) for c in visualize.draw_flow(np.array([[[u, v]]], np.float32), radius)[0, 0])


def test_rest_is_white_and_the_radius_is_full_colour():
    assert colour(0, 0) == (255, 255, 255)
    assert colour(2, 0) == (255, 0, 0)
    assert colour(1, 0) == (255, 128, 128)


def test_directions_keep_their_hues():
    red, green, blue = colour(0, 2)
    assert red > 200 and green > 200 and blue == 0  # down: yellow
    red, green, blue = colour(-2, 0)
    assert red < 30 and green > 180 and blue > 200  # left: cyan
    red, green, blue = colour(0, -2)
    assert blue == 255 and red > 50 and green < red  # up: violet


def test_the_scale_is_fixed_not_fitted_to_the_picture():
    small, large = np.full((4, 4, 2), 0.1, np.float32), np.full((4, 4, 2), 0.1, np.float32)
    large[0, 0] = 50
    assert np.array_equal(visualize.draw_flow(small, 2)[1:], visualize.draw_flow(large, 2)[1:])


def test_motion_beyond_the_radius_is_darker_not_clipped_white():
    assert colour(2.1, 0) == (191, 0, 0)


def test_legend_shows_the_wheel_and_names_the_radius():
    one, three = visualize.draw_legend(1.0), visualize.draw_legend(3.0)
    assert one.shape == (96 + 18, 96, 3) and one.dtype == np.uint8
    assert np.array_equal(one[:96], three[:96])  # the same wheel
    assert (one[96:] < 128).any() and not np.array_equal(one[96:], three[96:])  # another number
    assert one[48, 91, 1] < 40 and tuple(one[0, 0]) == (255, 255, 255)


def test_strain_picture_is_fixed_too():
    picture = visualize.draw_strain(np.array([[0.0, 0.05, 0.1, 9.0]], np.float32), full=0.1)
    assert picture.shape == (1, 4, 3) and picture[0, 0].sum() < 10
    assert np.array_equal(picture[0, 2], picture[0, 3]) and picture[0, 1].sum() < picture[0, 2].sum()


def test_pictures_of_any_height_stand_on_one_line():
    row = visualize.place_side_by_side(np.zeros((5, 4, 3), np.uint8), np.zeros((9, 3, 3), np.uint8), gap=2)
    assert row.shape == (9, 9, 3)
    assert row[0, 0, 0] == 255 and row[8, 0, 0] == 0 and row[0, 8, 0] == 0 and row[8, 4, 0] == 255
