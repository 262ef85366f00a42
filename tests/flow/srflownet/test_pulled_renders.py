"""Faces under smooth motion: positions are exact, the flow leads the right way, and pairs depend on seed and
index.
"""

import cv2
import numpy as np
import pytest

from flow.srflownet.data import generic, pulled_renders
from flow.srflownet.data.pulled_renders import PulledRenders, _random_pulls, _sample_frames
from mer_core.errors import NotFound


@pytest.fixture(autouse=True)
def few_textures(monkeypatch):
    monkeypatch.setattr(generic, "N_TEXTURES", 4)
    monkeypatch.setattr(pulled_renders, "N_TEXTURES", 4)
    monkeypatch.setattr(pulled_renders, "N_GRAINS", 2)


@pytest.fixture
def pool(tmp_path):
    """One pair of a face that is noise, in the middle of its picture."""
    noise = np.random.default_rng(0).normal(128, 300, (96, 96, 3)).astype(np.float32)
    face = np.clip(cv2.GaussianBlur(noise, (0, 0), 2), 0, 255).astype(np.uint8)
    mask = np.zeros((96, 96), bool)
    mask[16:80, 20:76] = True
    np.savez(tmp_path / "00000.npz", onset=face, apex=face, flow=np.zeros((96, 96, 2), np.float16), mask=mask)
    return tmp_path


def test_positions_are_read_exactly():
    """A hundredth of a pixel shows: OpenCV's remap would round it away."""
    ramp = np.repeat(np.repeat(np.arange(96.0, dtype=np.float32)[None, :, None], 96, 0), 3, 2)
    flow = np.zeros((32, 32, 2), np.float32)
    flow[..., 0] = 0.01
    first, second = _sample_frames(np.random.default_rng(0), ramp, np.array([48.0, 48.0]), 0.5, flow)
    slope = np.gradient(second.mean(axis=2), axis=1)[4:-4, 4:-4].mean()
    assert (first - second)[4:-4, 4:-4].mean() == pytest.approx(0.01 * slope, rel=0.1)


def test_the_flow_carries_the_first_frame_to_the_second(pool, monkeypatch):
    monkeypatch.setattr(
        pulled_renders,
        "simulate_camera",
        lambda rng, *frames: [np.clip(f, 0, 255).round().astype(np.uint8) for f in frames],
    )
    y, x = np.mgrid[:96, :96].astype(np.float32)
    judged = 0
    for index in range(16):
        onset, apex, flow, *_ = PulledRenders(pool, 0, 96)[index]
        apart = [
            np.abs(
                cv2.remap(apex, x + s * flow[..., 0], y + s * flow[..., 1], cv2.INTER_CUBIC).astype(float)
                - onset
            )
            for s in (1, 0, -1)
        ]
        right, rest, wrong = (a[12:-12, 12:-12].mean() for a in apart)
        if rest < 1:  # grey levels: too little moves to rise above rounding
            continue
        assert right < 0.6 * rest and rest < wrong
        judged += 1
    assert judged >= 2


def test_a_pair_depends_on_seed_and_index_alone(pool):
    pair, again = (PulledRenders(pool, 3, 64)[5] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(pair, again))
    assert (
        pair.onset.dtype == pair.apex.dtype == np.uint8 and pair.flow.dtype == np.float32 and pair.mask.all()
    )
    assert not np.array_equal(pair.onset, PulledRenders(pool, 4, 64)[5].onset)


def test_rendered_faces_may_be_larger_than_a_grain(pool):
    large = np.zeros((400, 400, 3), np.uint8)
    np.savez(
        pool / "00000.npz",
        onset=large,
        apex=large,
        flow=np.zeros((400, 400, 2), np.float16),
        mask=large[..., 0] == 0,
    )
    assert [PulledRenders(pool, 0, 64)[i].onset.shape for i in range(8)] == [(64, 64, 3)] * 8


def test_motion_never_folds_and_keeps_its_range():
    for seed in range(60):
        flow = _random_pulls(np.random.default_rng(seed), 224, 1.0)
        down, right = np.gradient(flow, axis=(0, 1))
        assert ((1 + right[..., 0]) * (1 + down[..., 1]) - right[..., 1] * down[..., 0]).min() > 0
        assert (
            np.linalg.norm(flow, axis=-1).max()
            < pulled_renders.PEAK_PX[1] + pulled_renders.MAX_DRIFT_PX + 0.1
        )


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(NotFound):
        PulledRenders(tmp_path, 0, 64)
