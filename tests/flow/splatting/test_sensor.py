"""Every fault of the camera does what it says, is off by default, and can be drawn again."""

import numpy as np
import pytest

from flow.splatting.sensor import Sensor, h264_round_trip, random_sensor, record_clip, record_frame

GREY = np.full((64, 64, 3), 0.5, np.float32)
SCENE = np.random.default_rng(0).uniform(0, 1, (64, 64, 3)).astype(np.float32)


def shot(picture: np.ndarray, seed: int = 0, frame: int = 3, **faults) -> np.ndarray:
    return record_frame(picture, Sensor(**faults), frame, np.random.default_rng(seed)).astype(float)


def test_a_perfect_camera_only_rounds():
    assert np.array_equal(shot(SCENE), np.round(SCENE * 255))


@pytest.mark.parametrize(
    "faults", [dict(shot=1e-3), dict(read=0.01), dict(drift=0.05), dict(jpeg=60), dict(read=0.01, jpeg=80)]
)
def test_every_fault_is_seeded(faults):
    assert np.array_equal(shot(SCENE, **faults), shot(SCENE, **faults))
    assert np.abs(shot(SCENE, **faults) - shot(SCENE)).mean() > 0.1
    if "jpeg" not in faults:
        assert not np.array_equal(shot(SCENE, seed=0, **faults), shot(SCENE, seed=1, **faults))


def test_noise_has_the_stated_size():
    assert shot(GREY, read=0.02).std() == pytest.approx(0.02 * 255, rel=0.05)
    assert shot(GREY, shot=1e-3).std() == pytest.approx(np.sqrt(1e-3 * 0.5) * 255, rel=0.05)
    dark = np.full_like(GREY, 0.1)
    assert shot(dark, shot=1e-3).std() < 0.6 * shot(GREY, shot=1e-3).std()


def test_blur_smooths_and_keeps_the_mean():
    blurred = shot(SCENE, blur=1.5)
    assert blurred.std() < 0.3 * shot(SCENE).std() and blurred.mean() == pytest.approx(
        shot(SCENE).mean(), rel=0.02
    )


def test_drift_and_flicker_change_the_gain_between_frames():
    gains = [shot(GREY, seed=s, drift=0.05).mean() for s in range(200)]
    assert np.std(gains) == pytest.approx(0.05 * 127.5, rel=0.25)
    levels = [shot(GREY, frame=f, flicker=0.1, flicker_period=4).mean() for f in range(8)]
    assert levels[0] == levels[4] and levels[1] - levels[3] == pytest.approx(0.2 * 127.5, rel=0.05)


def test_light_slopes_slowly_across_the_picture():
    early, late = shot(GREY, frame=0, slope=0.1), shot(GREY, frame=39, slope=0.1)
    assert np.ptp(early) == 0 and late[:, -1].mean() - late[:, 0].mean() == pytest.approx(
        0.2 * 127.5, rel=0.05
    )


def test_gray_has_one_channel_repeated():
    image = shot(SCENE, gray=True)
    assert (image == image[..., :1]).all()


def test_h264_loses_a_little_and_coarser_loses_more():
    moving = [np.roll(np.kron(SCENE[:9, :13], np.ones((8, 8, 1))), k, axis=1) for k in range(4)]
    frames = [np.round(f * 255).astype(np.uint8)[:71, :101] for f in moving]
    fine, coarse = h264_round_trip(frames, 18), h264_round_trip(frames, 40)
    assert [f.shape for f in fine] == [f.shape for f in frames]

    def loss(coded: list[np.ndarray]) -> float:
        return float(np.mean([np.abs(a.astype(float) - b).mean() for a, b in zip(coded, frames)]))

    assert 0 < loss(fine) < loss(coarse)


def test_random_cameras_vary_and_are_seeded():
    drawn = [random_sensor(np.random.default_rng(s)) for s in range(60)]
    assert drawn[0] == random_sensor(np.random.default_rng(0))
    assert any(s == Sensor() for s in drawn) and any(s.jpeg for s in drawn) and any(s.gray for s in drawn)


def test_a_clip_has_the_faults_of_its_frames_and_of_its_coder():
    plain = record_clip([SCENE, GREY], Sensor(flicker=0.1), np.random.default_rng(0), numbers=[3, 4])
    assert np.array_equal(plain[1], record_frame(GREY, Sensor(flicker=0.1), 4, np.random.default_rng(0)))
    coded = record_clip([SCENE, GREY], Sensor(flicker=0.1, h264=30), np.random.default_rng(0), numbers=[3, 4])
    assert len(coded) == 2 and not np.array_equal(coded[0], plain[0])
