"""Portraits under scanned motion: exact, reproducible, masked where nobody knows, and without the people
kept back."""

import cv2
import numpy as np
import pytest
import skimage.data

from flow.splatting import held_out
from flow.srflownet.data import animated_portraits, pulled_renders
from flow.srflownet.data.animated_portraits import AnimatedPortraits
from mer_core.errors import NotFound
from tests.flow.splatting.synthetic_head import write_head_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The astronaut twice, once as somebody who is held out, and a head model."""
    folder = tmp_path_factory.mktemp("scanned")
    picture = skimage.data.astronaut()[:320, 60:380, ::-1]
    picture = cv2.GaussianBlur(picture, (0, 0), 1.5)  # smooth enough to be read exactly between pixels
    (folder / "portraits").mkdir()
    for name in ("somebody.jpg", sorted(held_out.held_out_names("portrait"))[0]):
        cv2.imwrite(str(folder / "portraits" / name), picture)
    write_head_model(folder / "head.npz")
    return folder


@pytest.fixture(autouse=True)
def few_grains(monkeypatch):
    monkeypatch.setattr(pulled_renders, "N_GRAINS", 2)
    monkeypatch.setattr(animated_portraits, "N_GRAINS", 2)


def source(folder, **settings):
    settings = {"seed": 1, "size": 160, "cache": folder / "cache"} | settings
    return AnimatedPortraits(folder / "portraits", folder / "head.npz", **settings)


def test_training_never_sees_who_is_held_out(folder):
    assert source(folder).names == ["somebody.jpg"]
    assert source(folder, split="held_out").names == [sorted(held_out.held_out_names("portrait"))[0]]


def test_pairs_have_their_form_and_depend_on_seed_and_index(folder):
    pair, again, other = source(folder)[3], source(folder)[3], source(folder)[4]
    assert all(np.array_equal(a, b) for a, b in zip(pair, again)) and not np.array_equal(
        pair.onset, other.onset
    )
    assert pair.onset.shape == pair.apex.shape == (160, 160, 3) and pair.onset.dtype == np.uint8
    assert pair.flow.shape == (160, 160, 2) and pair.flow.dtype == np.float32 and np.isfinite(pair.flow).all()
    assert pair.mask.dtype == bool and pair.landmarks.shape == (478, 2)


def test_the_flow_carries_the_onset_to_the_apex(folder, monkeypatch):
    monkeypatch.setattr(animated_portraits, "simulate_camera", lambda rng, *frames: frames)
    monkeypatch.setattr(animated_portraits, "vary_appearance", lambda rng, texture, seen: texture)
    y, x = np.mgrid[:160, :160].astype(np.float32)
    pairs, judged = source(folder), 0
    for index in range(12):
        onset, apex, flow, mask, _ = pairs[index]
        mask[:2] = mask[-2:] = mask[:, :2] = mask[:, -2:] = False  # cubic reading needs neighbours
        if not mask.any() or np.linalg.norm(flow[mask], axis=1).max() < 1:
            continue
        back = cv2.remap(apex, x + flow[..., 0], y + flow[..., 1], cv2.INTER_CUBIC)
        apart = np.abs(back - onset)[mask].mean()
        assert apart < 0.4 * np.abs(apex - onset)[mask].mean()
        judged += 1
    assert judged >= 3


def test_openings_are_masked(folder):
    for index in range(8):
        _, _, _, mask, landmarks = source(folder)[index]
        for left, right in ((33, 133), (362, 263)):  # corners of the eyes
            column, row = landmarks[[left, right]].mean(axis=0).round().astype(int)
            if 0 <= column < 160 and 0 <= row < 160:
                assert not mask[row, column]


def test_a_folder_without_portraits_is_refused(folder, tmp_path):
    with pytest.raises(NotFound, match=str(tmp_path)):
        AnimatedPortraits(tmp_path, folder / "head.npz", 1, 160, tmp_path / "cache")
