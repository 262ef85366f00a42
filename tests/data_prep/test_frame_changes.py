"""Repeated frames and jumps of the picture are found, and motion is neither."""

import numpy as np
import pytest

from data_prep.frame_changes import BLOCK, FrameChanges
from data_prep.frame_report import FrameReport
from data_prep.frames import open_frames
from tests.data_prep.small_videos import damage, write_video


def drifting(n: int, seed: int = 0) -> list[np.ndarray]:
    """Frames (120, 160, 3) of a textured scene that drifts by up to 1.5 px a frame, with noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:120, :160]
    frames = []
    for t in range(n):
        shift = 12 * np.sin(t / 8)
        scene = 120 + 50 * np.sin((x + shift) / 9) + 40 * np.cos((y - shift / 2) / 7)
        noisy = scene[..., None] + rng.normal(0, 2, (120, 160, 3))
        frames.append(np.clip(noisy, 0, 255).astype(np.uint8))
    return frames


def changes(frames: list[np.ndarray]) -> FrameReport:
    report = FrameReport(n_used=len(frames))
    found = FrameChanges(report)
    for number, image in enumerate(frames):
        found.add(number, image)
    found.finish()
    return report


def test_motion_and_noise_are_no_change():
    report = changes(drifting(60))
    assert (report.jumps, report.n_repeated) == ([], 0)


@pytest.mark.parametrize("at", [4, 20, 39])
def test_one_spoilt_frame_jumps_twice_and_a_spoilt_rest_once(at):
    frames = drifting(40)
    frames[at][40:72, 64:96] = 255
    assert changes(frames).jumps == [at, at + 1][: 40 - at]
    for frame in frames[at:]:
        frame[40:72, 64:96] = 255
    report = changes(frames)
    assert report.jumps == [at] and f"before frame {at}" in " ".join(report.sentences())


def test_a_jump_is_found_once_wherever_a_block_ends():
    pair = [np.full((64, 64, 3), 60, np.uint8), np.full((64, 64, 3), 160, np.uint8)]
    for at in range(BLOCK - 8, BLOCK + 8):
        assert changes([pair[0]] * at + [pair[1]] * 40).jumps == [at]


@pytest.mark.parametrize("kept, n_repeated", [([0, 1, 2, 3], 0), ([0, 0, 1, 1], 30), ([0, 1, 2, 2], 15)])
def test_frames_that_fill_a_higher_rate_are_said(tmp_path, kept, n_repeated):
    film = drifting(60)
    frames = [film[4 * group + k] for group in range(15) for k in kept]
    video = open_frames(write_video(tmp_path / "clip.mp4", frames, "libx264", options={"crf": "20"}))
    list(video)
    assert video.report.n_repeated == pytest.approx(n_repeated, abs=4)
    assert any("lower rate" in sentence for sentence in video.report.sentences()) == (n_repeated > 0)


@pytest.mark.parametrize("seed", range(4))
def test_damage_that_a_codec_cannot_notice_is_seen_in_the_picture(tmp_path, seed):
    path = write_video(tmp_path / "clip.avi", drifting(20, seed), "huffyuv", pix_fmt="yuv422p", options={})
    damage(path, 0.3 + 0.12 * seed, 40)
    video = open_frames(path)
    list(video)
    assert video.report.jumps or video.report.n_damaged
    assert any("HuffYUV, which has no checksums" in sentence for sentence in video.report.sentences())
