import numpy as np
import pytest

from data_prep.landmarks import FaceMesh, interocular
from flow.actors import ACTION_UNITS, EMOTIONS, actor, moves
from flow.motion import SITES


def test_twelve_actors_are_found_by_the_detector_where_they_say_they_are():
    with FaceMesh() as mesh:
        for seed in range(12):
            person = actor(seed)
            found = mesh.landmarks(person.frame({}, noise_rng=np.random.default_rng(seed)))
            assert found is not None, seed
            off = np.linalg.norm(found - person.landmarks, axis=1).mean()
            assert off < 0.08 * interocular(found), seed


def test_actors_differ_and_each_is_itself():
    faces = [actor(seed, 96).frame({}).astype(int) for seed in range(12)]
    for i in range(12):
        assert np.array_equal(faces[i], actor(i, 96).frame({}))
        assert all(abs(faces[i] - faces[j]).mean() > 5 for j in range(i))


def test_a_moved_site_moves_the_picture_there_and_only_there():
    person = actor(0, 160)
    chin = person.landmarks[list(SITES["chin"][0])].mean(0).round().astype(int)
    still, moved = person.frame({}), person.frame({"chin": (0.0, 4.0)})
    change = abs(moved.astype(int) - still).sum(2)
    assert change[chin[1] - 8 : chin[1] + 8, chin[0] - 8 : chin[0] + 8].mean() > 20 * change[:40].mean()
    assert np.array_equal(person.frame({"chin": (0.0, 4.0)}, amplitude=0), still)


def test_the_head_moves_right_and_down():
    person = actor(1, 160)
    still, moved = person.frame({}), person.frame({}, head=(3, 2, 0))
    assert abs(moved[30:130, 30:130].astype(int) - still[28:128, 27:127]).max() <= 16  # the lamp does not move along
    assert abs(moved[30:130, 30:130].astype(int) - still[30:130, 30:130]).max() > 60


def test_noise_comes_from_the_given_generator():
    person = actor(2, 96)
    one, same, other = (person.frame({}, noise_rng=np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_recipes_name_known_units_and_sites_and_point_the_right_way():
    assert {unit for sets in EMOTIONS.values() for units in sets for unit in units} <= set(ACTION_UNITS)
    for unit, sites in ACTION_UNITS.items():
        assert all(site in SITES or f"{site}_left" in SITES for site in sites), unit
    smile = moves((12,))
    assert smile["lip_corner_right"][0] < 0 < smile["lip_corner_left"][0]  # outward: the person's right is image left
    assert smile["lip_corner_right"][1] == smile["lip_corner_left"][1] < 0  # up
    assert moves((26,))["chin"][1] > 0  # the jaw drops
    assert max(np.hypot(*shift) for shift in moves((1, 2, 5, 26)).values()) == pytest.approx(1)
