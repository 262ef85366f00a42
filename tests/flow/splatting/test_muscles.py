"""Every action unit moves the face as the coding manual says: on the mesh, and as a face detector sees it."""

import numpy as np
import pytest

from data_prep.landmarks import FaceMesh, interocular
from flow.splatting import muscles
from flow.splatting.actor import Actor, random_performance
from flow.splatting.head import FaceState
from flow.splatting.recipes import EMOTIONS, draw_actions, facs_code
from flow.splatting.template import template


def apart(points: np.ndarray, a: int, b: int) -> float:
    return float(np.linalg.norm(points[a, :2] - points[b, :2]))


def up(*indices: int):
    return lambda p: -float(p[list(indices), 1].mean())


def opening(points: np.ndarray) -> float:
    return apart(points, 159, 145) + apart(points, 386, 374)


# AU -> a measure of landmarks that grows with it, and the least growth in hundredths of the interocular
# distance
GROWS = {
    "1": (up(55, 285), 3.0),
    "2": (up(46, 53, 276, 283), 3.0),
    "4": (lambda p: -up(55, 285)(p), 1.0),
    "5": (opening, 2.0),
    "6": (up(145, 374, 23, 253, 118, 347), 0.5),
    "7": (lambda p: -opening(p), 2.0),
    "9": (up(129, 358), 0.4),
    "10": (up(0, 37, 267), 2.0),
    "12": (lambda p: apart(p, 61, 291) + 2 * up(61, 291)(p), 10.0),
    "14": (lambda p: apart(p, 61, 291), 2.0),
    "15": (lambda p: -up(61, 291)(p), 4.0),
    "16": (lambda p: -up(14, 17)(p), 2.0),
    "17": (up(17, 199), 1.0),
    "20": (lambda p: apart(p, 61, 291), 5.0),
    "23": (lambda p: -apart(p, 61, 291), 0.5),
    "24": (lambda p: -apart(p, 0, 17), 3.0),
    "25": (lambda p: apart(p, 13, 14), 2.0),
    "26": (lambda p: -up(152)(p), 5.0),
    "28": (lambda p: -apart(p, 0, 17), 3.0),
    "43": (lambda p: -opening(p), 3.0),
}


def growth(before: np.ndarray, after: np.ndarray, action: str) -> float:
    """How much the action's measure has grown, in hundredths of the interocular distance."""
    return 100 * (GROWS[action][0](after) - GROWS[action][0](before)) / apart(before, 33, 263)


def test_every_action_unit_is_checked():
    assert set(GROWS) == set(muscles.ACTION_UNITS) and len(GROWS) == 20


@pytest.mark.parametrize("action", muscles.ACTION_UNITS)
def test_direction_on_the_mesh(action):
    rest = template().mean[:468]
    assert growth(rest, muscles.move_landmarks(rest, {action: 1.0}), action) > 0.3


@pytest.fixture(scope="module")
def seen():
    """What a detector sees of one actor: landmarks at rest and for every action unit."""
    actor = Actor(3, size=256, face=0.75, gaussians=24_000)
    with FaceMesh() as detector:
        found = {action: detector.landmarks(actor.frame({action: 1.0})) for action in muscles.ACTION_UNITS}
        found["12L"] = detector.landmarks(actor.frame({"12L": 1.0}))
        return detector.landmarks(actor.frame()), found, actor


@pytest.mark.parametrize("action", muscles.ACTION_UNITS)
def test_a_detector_sees_the_direction(seen, action):
    rest, found, _ = seen
    assert growth(rest, found[action], action) > GROWS[action][1]


def test_the_direction_check_notices_an_action_turned_round(seen):
    rest, found, _ = seen
    assert all(growth(found[action], rest, action) < 0 for action in muscles.ACTION_UNITS)


def test_the_detector_finds_the_landmarks_where_they_were_drawn(seen):
    rest, _, actor = seen
    error = np.linalg.norm(rest[:468] - actor.landmarks(), axis=1)
    assert np.median(error) < 0.05 * interocular(rest)


def test_a_detector_sees_the_side(seen):
    rest, found, _ = seen
    moved = np.linalg.norm(found["12L"] - rest, axis=1)
    assert moved[291] > 3 * moved[61]  # the subject's left corner is right in the picture


@pytest.mark.parametrize("action", [a for a in muscles.ACTION_UNITS if a != "26"])
def test_each_side_moves_alone_and_both_mirror_each_other(action):
    rest, mirror = template().mean[:468], template().mirror[:468]
    right = muscles.move_landmarks(rest, {action + "R": 1.0}) - rest
    left = muscles.move_landmarks(rest, {action + "L": 1.0}) - rest
    assert np.allclose(left, (right * [-1, 1, 1])[mirror], atol=1e-6)
    own, other = (
        np.linalg.norm(right[rest[:, 0] < -0.5], axis=1),
        np.linalg.norm(right[rest[:, 0] > 0.5], axis=1),
    )
    assert own.sum() > 4 * other.sum()


def test_small_actions_are_small_and_smooth():
    rest = template().mean[:468]
    for action in muscles.ACTION_UNITS:
        tenth = muscles.move_landmarks(rest, {action: 0.1}) - rest
        whole = muscles.move_landmarks(rest, {action: 1.0}) - rest
        assert np.linalg.norm(tenth, axis=1).max() < 0.2 * np.linalg.norm(whole, axis=1).max()
        assert 0.05 < np.linalg.norm(whole, axis=1).max() < 3.5  # cm


def test_upper_and_lower_lip_part_only_when_they_should():
    rest = template().mean[:468]

    def gap(**actions: float) -> float:
        moved = muscles.move_landmarks(rest, {k[2:]: v for k, v in actions.items()})
        return moved[14, 1] - moved[13, 1]

    assert gap(au25=1.0) > 0.3 and gap(au26=1.0) > 1.0 and gap(au10=1.0) > 0.2 and gap(au16=1.0) > 0.2
    assert all(abs(gap(**{"au" + a: 1.0}) - gap()) < 0.12 for a in ("1", "4", "6", "12", "14", "15", "20"))


def test_intensity_in_pixels_is_what_was_asked_for(seen):
    actor = seen[2]
    actions = {"12": 1.0, "6": 0.5}
    for pixels in (0.1, 1.0):
        scale = actor.intensity(actions, pixels)
        step = actor.landmarks(FaceState({k: v * scale for k, v in actions.items()})) - actor.landmarks()
        assert np.linalg.norm(step, axis=1).max() == pytest.approx(pixels, rel=0.1)


def test_timing_rises_holds_and_falls():
    level = muscles.expression_timing(
        np.array([0.0, 0.2, 0.3, 0.4, 0.45, 0.6, 0.8]), onset=0.2, apex=0.4, hold=0.1, offset=0.2
    )
    assert np.allclose(level, [0, 0, 0.5, 1, 1, 0.5, 0])


def test_recipes_are_seeded_and_written_as_coders_do():
    for emotion in EMOTIONS:
        one, same = (draw_actions(emotion, np.random.default_rng(4)) for _ in range(2))
        assert one == same and one
        assert {k.rstrip("RL") for k in one} <= set(muscles.ACTION_UNITS)
    assert facs_code({"12R": 0.5, "12L": 0.1, "6R": 0.4, "6L": 0.35, "4R": 0.001}) == "6+R12"
    assert facs_code({"26": 0.5}) == "26"


def test_a_performance_starts_at_rest_and_reaches_its_apex():
    states = random_performance(
        {"12": 0.4}, 40, 50.0, np.random.default_rng(0), onset=0.2, apex=0.4, hold=0.1, offset=0.2
    )
    level = np.array([s.actions["12"] for s in states])
    assert level[0] == 0 and level[-1] == 0 and level.max() == pytest.approx(0.4)
    assert level.argmax() in range(20, 26) and states[0].pose.yaw == 0
