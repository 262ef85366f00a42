"""Averaging frames: noise falls, motion is followed, and the page gives changes."""

import itertools

import numpy as np
import pandas as pd
import pytest
import skimage.data

from benchmarks import frame_averaging
from benchmarks.frame_averaging import ALIGNED, CODERS, WINDOWS, Clip, combine, recorded
from flow.estimate import load_method


@pytest.fixture(scope="module")
def moving():
    """A face that drifts by 0.5 px a frame without noise, and the frames with noise."""
    picture = skimage.data.astronaut()[:240, 100:380].astype(np.float32)
    frames = [picture[8:232, 20 + k : 244 + k] for k in range(5)]
    rng = np.random.default_rng(0)
    return frames, [np.clip(f + rng.normal(0, 4, f.shape), 0, 255).round().astype(np.uint8) for f in frames]


@pytest.mark.parametrize("aligned", ["head", "dense"])
def test_aligned_frames_lose_noise_and_keep_their_place(moving, aligned):
    clean, noisy = moving
    aligner = load_method("dis")
    inner = np.s_[16:-16, 16:-16]
    error = {
        how: np.abs(combine(noisy, 2, reach, how, aligner)[inner] - clean[2][inner]).mean()
        for how, reach in (("no", 0), ("no", 2), (aligned, 2))
    } | {"alone": np.abs(noisy[2][inner] - clean[2][inner]).mean()}
    assert combine(noisy, 2, 0, "no", aligner).tolist() == noisy[2].tolist()
    assert error[aligned] < 0.75 * error["alone"]


def test_onset_and_apex_stay_what_they_are_at_half_the_frame_rate():
    frames = [np.full((16, 16, 3), float(number), np.float32) for number in range(31)]
    clip = Clip(frames, 12, 24, np.zeros((16, 16, 2), np.float32), np.ones((16, 16), bool), 0.0, 1.0)
    for fps in {fps for fps, _ in WINDOWS}:
        shown, onset, apex = recorded(clip, fps, CODERS[0], 0)
        assert shown[onset].mean() == 12 and shown[apex].mean() == 24


def test_windows_fit_into_what_is_made():
    assert all(half * frame_averaging.FINEST <= frame_averaging.AFTER for _, half in WINDOWS)
    assert all((half * fps) == round(half * fps) for fps, half in WINDOWS)


def test_the_page_compares_with_two_frames():
    rows = [
        ("dis", coder, fps, half, how, clip, 0.2 if half == 0 else 0.1)
        for coder, clip, (fps, half), how in itertools.product(
            CODERS, range(4), [*WINDOWS, (100, 0.0), (200, 0.0)], ALIGNED
        )
        if half or how == "no"
    ]
    columns = ["method", "coder", "fps", "half", "aligned", "clip", "epe"]
    errors = pd.DataFrame(rows, columns=columns).assign(weights="")
    text = frame_averaging.page(pd.concat([errors, errors.assign(method="srflownet", weights="c39d")]))
    assert "**Yes.**" in text and "50 % without coding" in text and "SHA-256 c39d." in text
    assert "| dis | none | 100 | 3 (±10 ms) | 0.2000 | -50 (-50 to -50) |" in text
    assert "| dis | H.264 at 24 | 200 | 9 (±20 ms) |" in text
