"""Pairs are deterministic, varied, detectable as faces, and keep what they promise."""

import numpy as np
import pytest

from data_prep.landmarks import FaceMesh
from flow.splatting.identity import procedural_face
from flow.splatting.scenes import PAIRS_PER_FACE, render_pair

SMALL = dict(size=96, gaussians=4000)


def test_same_seed_and_index_give_the_same_pair():
    one, same = render_pair(3, 5, **SMALL), render_pair(3, 5, **SMALL)
    other = render_pair(3, 6, **SMALL)
    for name in ("frame1", "frame2", "flow", "visible", "depth", "parts"):
        assert np.array_equal(getattr(one, name), getattr(same, name))
    assert not np.array_equal(one.frame1, other.frame1)


def test_shapes_and_types():
    pair = render_pair(3, 0, size=(80, 64), gaussians=4000)
    assert pair.frame1.shape == pair.frame2.shape == (64, 80, 3) and pair.frame1.dtype == np.uint8
    assert pair.flow.shape == (64, 80, 2) and pair.flow.dtype == pair.flow_centres.dtype == np.float32
    for name, kind in (
        ("visible", bool),
        ("valid", bool),
        ("face", bool),
        ("skin", bool),
        ("parts", np.uint8),
        ("depth", np.float32),
        ("depth_next", np.float32),
        ("opacity", np.float32),
    ):
        assert getattr(pair, name).shape == (64, 80) and getattr(pair, name).dtype == kind, name
    assert pair.names[0] == "background" and pair.parts.max() < len(pair.names)


@pytest.mark.parametrize("pixels", [0.1, 2.0])
def test_the_motion_is_as_large_as_asked(pixels):
    largest = [
        np.linalg.norm(pair.flow[pair.face], axis=1).max()
        for pair in (
            render_pair(
                1, i, still_head=1.0, still_face=0.0, blink=0.0, gaze=0.0, motion=(pixels, pixels), **SMALL
            )
            for i in range(3)
        )
    ]
    assert 0.4 * pixels < np.median(largest) < 1.6 * pixels


def test_a_still_pair_is_still():
    pair = render_pair(
        1, 2, still_head=1.0, still_face=1.0, blink=0.0, gaze=0.0, shake=0.0, sensor=False, **SMALL
    )
    assert np.abs(pair.flow).max() < 1e-4 and np.array_equal(pair.frame1, pair.frame2) and pair.valid.all()


def test_neighbouring_indices_share_an_identity_and_others_do_not():
    from flow.splatting.scenes import SceneRanges, draw_scene

    def shape(index: int) -> np.ndarray:
        return draw_scene(1, index, 64, SceneRanges(gaussians=2000))[0].face.head.rest

    assert np.array_equal(shape(0), shape(PAIRS_PER_FACE - 1)) and not np.array_equal(
        shape(0), shape(PAIRS_PER_FACE)
    )


def test_identities_differ_in_shape_and_colour():
    faces = [procedural_face(seed, 2000) for seed in range(4)]
    assert min(np.abs(a.head.rest - b.head.rest).max() for a in faces for b in faces if a is not b) > 0.2
    tones = [np.median(f.surface.albedo[f.gaussians.of("skin")], axis=0) for f in faces]
    assert np.std([t[0] for t in tones]) > 0.03


def test_a_detector_finds_the_faces():
    found = 0
    with FaceMesh() as detector:
        for index in range(0, 4 * PAIRS_PER_FACE, PAIRS_PER_FACE):
            pair = render_pair(2, index, 192, gaussians=9000, yaw=(-15, 15), sensor=False)
            found += detector.landmarks(pair.frame1) is not None
    assert found == 4
