"""Generic pairs and the mixture: exact motion, and the same pair for the same seed and index."""

import cv2
import numpy as np
import pytest

from flow.srflownet.data import generic, render_pool
from flow.srflownet.data.generic import GenericPairs, random_motion, textured_surface
from flow.srflownet.data.mixture import SourceMixture
from flow.srflownet.data.render_pool import PooledPairs
from mer_core.errors import BadSetting, NotFound, UnknownName


@pytest.fixture(autouse=True)
def few_textures(monkeypatch):
    """Making a texture takes longer than all else here."""
    monkeypatch.setattr(generic, "N_TEXTURES", 4)


def moved_back(image, flow):
    """`image` read at x + flow(x)."""
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return cv2.remap(image.astype(np.float32), x + flow[..., 0], y + flow[..., 1], cv2.INTER_LANCZOS4)


def test_the_flow_carries_the_first_frame_to_the_second():
    texture = cv2.GaussianBlur(
        np.random.default_rng(0).normal(0, 400, (256, 256, 3)).astype(np.float32), (0, 0), 4
    )
    for seed in range(4):
        onset, apex, flow = textured_surface(np.random.default_rng(seed), texture, 128, 4.0, np.full(3, 128))
        inside = np.s_[12:-12, 12:-12]
        still = np.abs(apex - onset)[inside].mean()
        assert np.abs(moved_back(apex, flow) - onset)[inside].mean() < 0.1 * still
        assert np.abs(moved_back(apex, -flow) - onset)[inside].mean() > still  # the sign matters


def test_motion_is_as_large_as_asked_and_never_folds():
    for seed in range(30):
        flow = random_motion(np.random.default_rng(seed), 128, 5.0)
        assert flow.shape == (128, 128, 2) and flow.dtype == np.float32
        assert np.linalg.norm(flow, axis=-1).max() <= 5.2
        down, right = np.gradient(flow, axis=(0, 1))
        assert ((1 + right[..., 0]) * (1 + down[..., 1]) - right[..., 1] * down[..., 0]).min() > 0


def test_a_pair_keeps_the_contract_and_depends_on_seed_and_index_alone():
    pairs = GenericPairs(3, 64)
    pair = pairs[5]
    assert pair.onset.shape == pair.apex.shape == (64, 64, 3) and pair.onset.dtype == np.uint8
    assert pair.flow.shape == (64, 64, 2) and pair.flow.dtype == np.float32
    assert pair.mask.shape == (64, 64) and pair.mask.dtype == bool
    pairs[9]
    assert all(np.array_equal(a, b) for a, b in zip(pair, GenericPairs(3, 64)[5]))
    assert not np.array_equal(pair.onset, pairs[6].onset) and not np.array_equal(
        pair.onset, GenericPairs(4, 64)[5].onset
    )


def test_still_pairs_do_not_move():
    pair = GenericPairs(0, 64, still=1.0)[0]
    assert not pair.flow.any() and not np.array_equal(pair.onset, pair.apex)


def test_layers_hide_one_another():
    """Some pair has a jump in its flow larger than a smooth motion of that size can have."""
    jumps = [np.abs(np.diff(GenericPairs(1, 64, peak=(3, 4))[i].flow, axis=1)).max() for i in range(12)]
    assert max(jumps) > 1.5 and min(jumps) < 0.8


def test_some_pairs_come_without_noise_and_some_through_a_coder(monkeypatch):
    used = []
    monkeypatch.setattr(generic, "jpeg_round_trip", lambda frame, quality: used.append("jpeg") or frame)
    monkeypatch.setattr(generic, "h264_round_trip", lambda frames, crf: used.append("h264") or frames)
    flat = np.full((16, 16, 3), 128, np.float32)
    quiet = [
        np.ptp(generic.simulate_camera(np.random.default_rng(seed), flat, flat)[0]) == 0
        for seed in range(400)
    ]
    assert 30 < sum(quiet) < 90
    # Both frames of a pair are pictures.
    assert 160 < used.count("jpeg") < 320 and 30 < used.count("h264") < 90


def test_the_benchmark_picture_is_no_texture():
    assert "astronaut" not in generic.PICTURE_NAMES


@pytest.fixture
def rendered(tmp_path):
    """A pool of two pairs without the engine: a gradient that moves right by 3 px, face in the left half."""
    y, x = np.mgrid[:96, :96]
    frame = lambda dx: np.repeat(((x - dx) % 96 + y / 2)[..., None], 3, axis=2).astype(np.uint8)  # noqa: E731
    for number in range(2):
        flow = np.zeros((96, 96, 2), np.float16)
        flow[..., 0] = 3
        np.savez(tmp_path / f"{number:05d}.npz", onset=frame(0), apex=frame(3), flow=flow, mask=x < 48)
    return tmp_path


def test_pooled_faces_are_scaled_cut_and_mirrored_with_their_flow(rendered):
    """Rendered 96 px: a part of 64 px shows between two thirds and all of that scale, and its motion as much
    less.
    """
    faces = PooledPairs(rendered, 0, 64)
    drawn = [faces[i] for i in range(40)]
    motion = np.array([p.flow[0, 0, 0] for p in drawn])
    assert all(np.ptp(p.flow[..., 0]) < 1e-3 for p in drawn)
    assert {1, -1} == set(np.sign(motion)) and 2 <= abs(motion).min() < 2.2 and 2.8 < abs(motion).max() <= 3
    for p in drawn:  # the face lies left of the rest, or right of it where mirrored
        left, right = p.mask[:, 0].mean(), p.mask[:, -1].mean()
        assert (left >= right) == (p.flow[0, 0, 0] > 0)
    assert np.array_equal(drawn[7].onset, PooledPairs(rendered, 0, 64)[7].onset)


def test_an_empty_pool_is_refused(tmp_path):
    with pytest.raises(NotFound):
        PooledPairs(tmp_path, 0, 64)


def test_rendered_faces_that_are_too_small_grow_with_their_flow(rendered):
    for pair in (PooledPairs(rendered, 0, 144)[i] for i in range(6)):
        assert (
            abs(pair.flow[0, 0, 0]) == pytest.approx(4.5)
            and np.ptp(pair.flow[..., 0]) < 1e-3
            and pair.mask.mean() == 0.5
        )


def test_filling_a_pool_goes_on_where_it_stopped(tmp_path):
    render_pool.fill_pool(tmp_path, 1, size=64)
    made = (tmp_path / "00000.npz").read_bytes()
    render_pool.fill_pool(tmp_path, 2, size=64)
    assert (tmp_path / "00000.npz").read_bytes() == made and (tmp_path / "00001.npz").exists()


def test_the_mixture_draws_by_share_and_widens_motion(rendered):
    mixture = SourceMixture({"generic": 0.25, "pool": 0.75}, 0, 64, (0.5, 8.0), pool_folder=rendered)
    drawn = [
        mixture.names[np.random.default_rng((0, 1, i)).choice(2, p=mixture.fractions)] for i in range(400)
    ]
    assert 0.18 < drawn.count("generic") / 400 < 0.32
    narrow = SourceMixture({"generic": 1.0}, 0, 64, (0.5, 8.0), curriculum_pairs=10**6)
    assert max(np.linalg.norm(narrow[i].flow, axis=-1).max() for i in range(8)) < 1.1
    with pytest.raises(UnknownName, match="splats.*splat"):
        SourceMixture({"splats": 1.0}, 0, 64, (0.5, 8.0))
    with pytest.raises(BadSetting):
        SourceMixture({"generic": -1.0}, 0, 64, (0.5, 8.0))
