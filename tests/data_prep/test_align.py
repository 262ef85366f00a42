"""Alignment: the least-squares similarity, where the face ends up, and resampling that keeps detail and does
not alias.
"""

import numpy as np
import pytest
from skimage.transform import SimilarityTransform

from data_prep import align
from data_prep.align import INTEROCULAR_FRACTION, fit_similarity, template_points, transform_points, warp_face
from data_prep.landmarks import CHIN, STABLE_POINTS, interocular

BROWS = [46, 53, 52, 65, 55, 107, 66, 105, 63, 70, 276, 283, 282, 295, 285, 336, 296, 334, 293, 300]


def points_like(stable: np.ndarray) -> np.ndarray:
    """(478, 2) landmarks, random but for the stable points."""
    points = np.random.default_rng(0).uniform(0, 500, (478, 2))
    points[list(STABLE_POINTS)] = stable
    return points


def test_a_turned_scaled_and_shifted_template_is_brought_back():
    turn, scale = np.deg2rad(20), 2.5
    rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = template_points(224) @ rotation.T + (300, 40)
    matrix = fit_similarity(points_like(moved), 224)
    assert transform_points(moved, matrix) == pytest.approx(template_points(224), abs=1e-9)
    assert matrix[0, 0] == matrix[1, 1] and matrix[0, 1] == -matrix[1, 0]  # no shear, no mirror


def test_the_fit_is_the_least_squares_one():
    noisy = 3 * template_points(224) + np.random.default_rng(1).normal(0, 5, (len(STABLE_POINTS), 2))
    expected = SimilarityTransform.from_estimate(noisy, template_points(224)).params[:2]
    assert fit_similarity(points_like(noisy), 224) == pytest.approx(expected, abs=1e-9)


def test_a_real_face_fills_the_square(mesh, face):
    points = mesh.landmarks(face)
    for size in (224, 448):
        aligned = transform_points(points, fit_similarity(points, size))
        assert interocular(aligned) / size == pytest.approx(INTEROCULAR_FRACTION, rel=0.05)
        assert 0.05 < aligned[BROWS, 1].min() / size < 0.15
        assert 0.82 < aligned[CHIN, 1] / size < 0.97
        assert aligned.dtype == np.float32


def test_points_and_pixels_move_together(face):
    marked = np.zeros_like(face)
    marked[118:123, 98:103] = 255  # a square about (100, 120)
    matrix = np.array([[1.3, -0.2, 10.0], [0.2, 1.3, -60.0]])
    aligned = warp_face(marked, matrix, 224)[..., 0].astype(float)
    y, x = np.mgrid[:224, :224]
    centre = [(x * aligned).sum() / aligned.sum(), (y * aligned).sum() / aligned.sum()]
    assert transform_points(np.array([[100.0, 120.0]]), matrix)[0] == pytest.approx(centre, abs=0.05)


def stripes(wavelength: float) -> np.ndarray:
    wave = 127 + 100 * np.sin(2 * np.pi * np.arange(896) / wavelength)
    return np.repeat(np.repeat(wave[None, :, None], 896, 0), 3, 2).astype(np.uint8)


def test_fine_detail_survives_half_a_pixel():
    moved = warp_face(stripes(3)[:224, :224], np.array([[1, 0, 0.5], [0, 1, 0]]), 224)
    assert moved[100, 20:-20, 0].std() == pytest.approx(stripes(3)[0, :224, 0].std(), rel=0.05)


def test_detail_too_fine_for_the_smaller_grid_does_not_alias():
    quarter = np.array([[0.25, 0, 0], [0, 0.25, 0]])
    # Of 71; would come back as broad false stripes.
    assert warp_face(stripes(5), quarter, 224)[100, 20:-20, 0].std() < 6
    assert warp_face(stripes(40), quarter, 224)[100, 20:-20, 0].std() > 55  # what fits stays


def test_the_quicker_kernel_keeps_the_detail_that_the_finer_one_keeps():
    kept = []
    for scale in (0.751, 0.749):  # Lanczos, bicubic
        moved = warp_face(stripes(3 / scale), np.array([[scale, 0, 0.3], [0, scale, 0]]), 224)[100, 20:-20, 0]
        kept.append(moved.std())
    assert kept[1] == pytest.approx(kept[0], rel=0.04)


@pytest.mark.parametrize("scale", [0.3, 0.8, 1.7])
def test_only_the_part_that_is_seen_is_worked_on_and_it_makes_no_difference(face, scale, monkeypatch):
    frame = np.pad(face, ((300, 400), (500, 200), (0, 0)), mode="reflect")
    turned = scale * np.array([[0.98, -0.2], [0.2, 0.98]])
    matrix = np.column_stack([turned, (112, 112) - turned @ (615, 415)])
    seen, _ = align._crop_to_output(frame, matrix, 224)
    assert seen.size < 0.9 * frame.size
    aligned = warp_face(frame, matrix, 224).astype(int)
    monkeypatch.setattr(align, "_crop_to_output", lambda image, matrix, size: (image, matrix))
    assert np.abs(aligned - warp_face(frame, matrix, 224)).max() <= 1


def test_a_square_beside_the_frame_is_filled_with_its_border(face):
    assert (warp_face(face, np.array([[1, 0, -900.0], [0, 1, 0]]), 64) == face[:64, -1:]).all()
