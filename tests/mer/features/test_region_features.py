"""Features of regions and directions by hand, and the head's motion taken out."""

import numpy as np
import pytest

from data_prep.face_regions import SITES
from data_prep.landmarks import STABLE_POINTS, interocular
from mer.features import flow_image, hoof, mdmo, roi_flow
from mer.features._head_motion import local_mean, subtract_head_motion

SIDE = 96


@pytest.fixture
def face():
    """Landmarks (478, 2) px: the stable points and every site at a place of its own."""
    rng = np.random.default_rng(0)
    points = rng.uniform(30, 66, (478, 2)).astype(np.float32)
    for point, place in {
        33: (20, 40),
        133: (36, 40),
        362: (60, 40),
        263: (76, 40),
    }.items():  # eye centres 40 px apart
        points[point] = place
    return points


def similarity_flow(turn=0.02, zoom=0.01, shift=(1.5, -0.5)):
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.stack([shift[0] + zoom * x - turn * y, shift[1] + turn * x + zoom * y], axis=-1).astype(
        np.float32
    )


def test_around_is_a_weighted_mean():
    maps = np.zeros((9, 9, 2))
    maps[4, 4], maps[4, 5] = (1, 2), (3, 2)
    w = np.exp(-1 / (2 * 0.25))  # one px away, deviation half a px
    assert local_mean(maps, np.array([4, 4]), 0.5)[0] == pytest.approx(
        (1 + 3 * w) / (1 + 2 * w) ** 2, rel=2e-3
    )
    assert local_mean(np.ones((9, 9, 1)), np.array([-5, 20]), 0.5).tolist() == [1]


def test_a_moving_head_leaves_nothing(face):
    assert np.abs(subtract_head_motion(similarity_flow(), face)).max() < 0.02


def test_an_expression_stays_when_the_head_moves(face):
    y, x = np.mgrid[:SIDE, :SIDE]
    smile = np.zeros((SIDE, SIDE, 2), np.float32)
    smile[..., 1] = -np.exp(-((x - 48) ** 2 + (y - 88) ** 2) / 18)
    far = face.copy()
    far[:, 1] = far[:, 1].clip(max=60)  # no stable point near the smile
    assert np.abs(subtract_head_motion(smile + similarity_flow(), far) - smile).max() < 0.02
    assert np.allclose(
        flow_image.extract(smile + similarity_flow(), far, remove_head_motion=True)[1],
        flow_image.extract(smile, far)[1],
        atol=0.1,
    )


def test_roi_flow_by_hand(face):
    flow = np.zeros((SIDE, SIDE, 2), np.float32)
    flow[..., 0], flow[..., 1] = 0.8, -0.4  # px of 40 between the eyes: 2 and -1 per cent
    values = roi_flow.extract(flow, face, remove_head_motion=False).reshape(-1, 3)
    assert values.shape == (len(SITES), 3) and np.allclose(values, [2, -1, 0], atol=1e-5)
    assert np.abs(roi_flow.extract(flow, face)).max() < 1e-4
    sheared = np.zeros((SIDE, SIDE, 2), np.float32)
    sheared[..., 0] = 0.01 * np.arange(SIDE)[:, None]  # exy = 0.005, magnitude 0.005 sqrt 2
    assert np.allclose(
        roi_flow.extract(sheared, face, remove_head_motion=False).reshape(-1, 3)[:, 2],
        0.5 * np.sqrt(2),
        atol=1e-4,
    )


def test_hoof_by_hand(face):
    flow = np.zeros((4, 4, 2), np.float32)
    flow[0, 0], flow[0, 1], flow[1, 0] = (3, 0), (0, 1), (0.1, -0.01)  # right, down, right but for a little
    flow[2, 3] = (-2, 2)  # down and left
    cells = hoof.extract(flow, face, cells=2, bins=8).reshape(4, 8)
    long = 3 + np.hypot(0.1, 0.01)
    assert cells[0].tolist() == pytest.approx([long / (long + 1), 0, 1 / (long + 1), 0, 0, 0, 0, 0])
    assert (cells[1] == 0).all() and (cells[2] == 0).all()
    assert cells[3].tolist() == [0, 0, 0, 1, 0, 0, 0, 0]
    assert hoof.extract(flow, face, cells=1, bins=2).tolist() == pytest.approx(
        [long / (long + 1 + np.sqrt(8)), (1 + np.sqrt(8)) / (long + 1 + np.sqrt(8))]
    )


def test_main_direction_by_hand():
    vectors = np.array([[1, 0], [3, 0.1], [0, 5], [-9, 0]])
    assert mdmo.main_direction_mean(vectors).tolist() == pytest.approx([2, 0.05])
    assert mdmo.main_direction_mean(np.zeros((0, 2))).tolist() == [0, 0]


def test_mdmo_ignores_what_goes_another_way(face):
    flow = np.zeros((SIDE, SIDE, 2), np.float32)
    flow[..., 0] = 0.4
    flow[::4, :, 0] = -8  # every fourth row flies off
    values = mdmo.extract(flow, face, remove_head_motion=False).reshape(-1, 2)
    assert values.shape == (17, 2) and np.allclose(values, [1, 0], atol=1e-5)


@pytest.mark.parametrize("feature", [roi_flow, hoof, mdmo])
def test_twice_the_face_is_the_same_feature(feature, face):
    import cv2

    flow = (
        similarity_flow()
        + np.random.default_rng(1).normal(0, 1, (SIDE // 12, SIDE // 12, 2)).repeat(12, 0).repeat(12, 1)
    ).astype(np.float32)
    flow = cv2.GaussianBlur(flow, (0, 0), 4)
    large = 2 * cv2.resize(flow, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    small, big = feature.extract(flow, face), feature.extract(large, 2 * face)
    assert np.corrcoef(small, big)[0, 1] > 0.98


def test_stable_points_are_where_the_yardstick_is(face):
    assert interocular(face) == pytest.approx(40) and len(STABLE_POINTS) == 9
