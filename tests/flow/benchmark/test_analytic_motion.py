import numpy as np
import pytest

from data_prep.face_regions import SITES
from data_prep.landmarks import N_POINTS
from flow.benchmark.analytic_motion import (
    GaussianField,
    SplineTexture,
    facial_field,
    forward_flow,
    to_uint8,
)
from flow.benchmark.pairs import load_photographs
from flow.warp import pixel_grid

NOTHING = (np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))


@pytest.fixture(scope="module")
def landmarks():
    """The astronaut's landmarks, scaled to fill 224 px."""
    points = load_photographs()[0].landmarks
    return (points - points.min(0)) * 2 + 12


def test_sites_are_mesh_points_and_sides_are_the_persons_own(landmarks):
    assert all(0 <= index < N_POINTS for indices, _ in SITES.values() for index in indices)
    place = {site: landmarks[list(indices)].mean(0) for site, (indices, _) in SITES.items()}
    for site in SITES:
        if site.endswith("_right"):
            left = site.removesuffix("_right") + "_left"
            assert place[site][0] < place[left][0], site  # the person's right is at image left
            assert abs(place[site][1] - place[left][1]) < 10, site
    order = [
        "inner_brow_left",
        "upper_lid_left",
        "lower_lid_left",
        "nose_wing_left",
        "upper_lip",
        "lower_lip",
        "chin",
    ]
    heights = [place[site][1] for site in order]
    assert heights == sorted(heights)


def test_a_site_moves_where_it_is_told_and_fades_with_distance(landmarks):
    field = facial_field(landmarks, {"lip_corner_left": (1.5, -2.0)})
    site, far = landmarks[291], landmarks[70]
    assert field.displacement(site) == pytest.approx([1.5, -2.0], abs=1e-6)
    assert np.abs(field.displacement(far)).max() < 0.01
    assert facial_field(landmarks, {}, drift=(0.5, 1)).displacement(far) == pytest.approx([0.5, 1])


def test_the_largest_motion_does_not_fold_the_skin(landmarks):
    for site in SITES:
        field = facial_field(landmarks, {site: (6.0, 0.0)})
        slopes = np.gradient(field.displacement(pixel_grid((224, 224))), axis=(0, 1))
        assert np.abs(slopes).max() < 0.25, site


@pytest.mark.parametrize("seed", range(5))
def test_forward_flow_is_the_inverse_to_a_ten_thousandth(landmarks, seed):
    rng = np.random.default_rng(seed)
    sites = {str(site): tuple(rng.uniform(-4, 4, 2)) for site in rng.choice(list(SITES), 5, replace=False)}
    back = facial_field(landmarks, sites, drift=(0.7, -0.4))
    flow = forward_flow(back, (224, 224))
    arrived = pixel_grid((224, 224)) + flow
    assert np.abs(arrived + back.displacement(arrived) - pixel_grid((224, 224))).max() < 1e-4
    assert np.linalg.norm(flow, axis=-1).max() > 2


def test_forward_flow_of_a_shift_is_the_opposite_shift():
    flow = forward_flow(GaussianField(*NOTHING, drift=(-1.5, 0.5)), (5, 7))
    assert flow.shape == (5, 7, 2)
    assert flow == pytest.approx(np.broadcast_to([1.5, -0.5], (5, 7, 2)))


def test_a_field_that_folds_is_refused():
    with pytest.raises(ArithmeticError, match="folds"):
        forward_flow(
            GaussianField(np.array([[10.0, 10.0]]), np.array([[9.0, 0.0]]), np.array([2.0])), (20, 20)
        )


def test_texture_gives_back_its_pixels_and_what_lies_between():
    x, y = np.meshgrid(np.arange(40.0), np.arange(30.0))
    wave = lambda x, y: 100 + 50 * np.sin(x / 3) + 20 * np.cos(y / 4)
    texture = SplineTexture(np.stack([wave(x, y)] * 3, axis=-1), np.eye(2, 3))
    inside = pixel_grid((30, 40))[8:-8, 8:-8]
    assert texture.sample(inside)[..., 0] == pytest.approx(wave(x, y)[8:-8, 8:-8], abs=1e-3)
    shifted = texture.sample(inside + (0.37, -0.21))[..., 1]
    assert shifted == pytest.approx(wave(x + 0.37, y - 0.21)[8:-8, 8:-8], abs=0.01)


def test_texture_is_seen_through_its_matrix():
    picture = np.zeros((20, 30, 3))
    picture[12, 7] = 200  # row 12, column 7
    texture = SplineTexture(picture, np.array([[2.0, 0, 1], [0, 3.0, 0]]))  # x = 2 x' + 1, y = 3 y'
    assert texture.sample(np.array([[3.0, 4.0]]))[0] == pytest.approx([200] * 3)


def test_colours_are_rounded_and_clipped():
    assert to_uint8(np.array([-3.0, 1.6, 300.0])).tolist() == [0, 2, 255]
