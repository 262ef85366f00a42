"""What the recorded maps show, and through which cameras."""

import numpy as np
import pytest

from benchmarks import recorded_maps, scanned_maps
from benchmarks.recorded_maps import (
    MACRO,
    MICRO,
    Camera,
    Script,
    draw_camera,
    draw_script,
    perform_actor,
    record,
)
from flow.splatting.actor import Actor
from flow.splatting.sensor import Sensor


def test_scripts_show_labels_at_their_frequencies_and_motion_within_bounds():
    rng = np.random.default_rng(0)
    scripts = [draw_script(rng) for _ in range(800)]
    for label, frequency in scanned_maps.FREQUENCY.items():
        assert np.mean([script.label == label for script in scripts]) == pytest.approx(frequency, abs=0.06)
    assert {script.kind for script in scripts if script.label == "other"} == set(scanned_maps.OTHERS)
    assert all(scanned_maps.label_of(script.kind) == script.label for script in scripts)
    reach = np.array([script.parts[0][1] for script in scripts])
    assert MICRO[0] <= reach.min() and reach.max() <= MACRO[1]
    assert np.mean(reach > MICRO[1]) == pytest.approx(recorded_maps.MACRO_FRACTION, abs=0.05)


def test_scripts_can_be_of_emotions_only():
    rng = np.random.default_rng(0)
    assert {draw_script(rng, recorded_maps.EMOTIONS).kind for _ in range(60)} == set(recorded_maps.EMOTIONS)


def test_cameras_are_those_of_the_datasets():
    rng = np.random.default_rng(0)
    cameras = [draw_camera(rng) for _ in range(60)]
    assert {camera.fps for camera in cameras} == {200, 100, 30}
    assert all(camera.sensor.gray == (camera.fps == 200) for camera in cameras)
    assert all(bool(camera.sensor.h264) == (camera.fps == 30) for camera in cameras)


def brightening(levels):
    """Pictures that get brighter with the expression, one colour."""
    return [np.full((64, 64, 3), [0.2 + 0.4 * level, 0.3, 0.3]) for level in levels]


@pytest.mark.parametrize("sensor", [Sensor(), Sensor(gray=True), Sensor(h264=18)])
def test_onset_is_at_rest_and_apex_at_full_strength(sensor):
    onset, apex = record(Camera(30, sensor), brightening, np.random.default_rng(0))
    assert onset.dtype == np.uint8 and onset.shape == apex.shape == (64, 64, 3)
    rest, full = (0.2 * 255, 0.6 * 255) if not sensor.gray else (0.27 * 255, 0.39 * 255)
    assert onset[..., 0].mean() == pytest.approx(rest, abs=4)
    assert apex[..., 0].mean() == pytest.approx(full, abs=4)


def test_a_coder_sees_the_rise_and_a_still_camera_only_both_ends():
    seen = []

    def watched(levels):
        seen.append(list(levels))
        return brightening(levels)

    record(Camera(30, Sensor(h264=18)), watched, np.random.default_rng(0))
    record(Camera(200, Sensor()), watched, np.random.default_rng(0))
    assert len(seen[0]) > 4 and seen[0] == sorted(seen[0]) and seen[0][:2] == [0, 0]
    assert seen[1] == [0.0, 1.0]


def test_a_rendered_person_moves_as_far_as_the_script_says():
    actor = Actor(1, 96, gaussians=2000)
    script = Script("positive", "positive", [({"12R": 1.0, "12L": 1.0}, 0.1), ({"43": 1.0}, -0.01)], head=0.0)
    moves = []
    view = actor.scene.view
    actor.scene.view = lambda state: (moves.append(actor.landmarks(state)), view(state))[1]
    pictures = perform_actor(actor, script, np.random.default_rng(0))([0.0, 1.0, 1.0])
    assert len(pictures) == 3 and pictures[0].shape == (96, 96, 3) and len(moves) == 2
    unit = np.linalg.norm(actor.landmarks()[33] - actor.landmarks()[263])
    peak = np.linalg.norm(np.subtract(*moves), axis=1).max() / unit
    assert 0.04 < peak < 0.15
