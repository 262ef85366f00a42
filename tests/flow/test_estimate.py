import numpy as np
import pytest
import skimage.data

from flow.estimate import estimate, estimate_batch, load_method, method_names
from mer_core.errors import BadArray, BadSetting, UnknownName

FACE = np.ascontiguousarray(skimage.data.astronaut()[60:180, 160:280])


def test_every_file_is_listed():
    assert {"dis", "tvl1", "deepflow", "variational", "farneback", "raft"} <= set(method_names())


def test_unknown_names_and_options_are_answered_with_the_known_ones():
    with pytest.raises(UnknownName, match="farneback"):
        load_method("farnebeck")
    with pytest.raises(BadSetting, match="speed.*preset"):
        load_method("dis", speed=3)


def test_options_are_complete_so_that_a_cache_can_compare_them():
    assert load_method("dis").options == {"preset": "face"}
    assert load_method("dis", preset="medium").options == {"preset": "medium"}


@pytest.mark.parametrize(
    "onset, apex, fact",
    [
        (FACE, FACE[:-1], "shape"),
        (FACE[..., 0], FACE[..., 0], r"\(H, W, 3\) uint8"),
        (FACE, FACE.astype(np.float32), "float32"),
    ],
)
def test_wrong_frames_are_refused(onset, apex, fact):
    with pytest.raises(BadArray, match=fact):
        estimate("dis", onset, apex)


def test_exposure_is_matched_before_any_method_unless_switched_off():
    brighter = np.clip(FACE * 1.03 + 4, 0, 255).round().astype(np.uint8)
    seen = []
    spy = load_method("dis")
    spy = type(spy)(
        "spy",
        {},
        lambda onsets, apexes: seen.append(apexes) or np.zeros(onsets.shape[:3] + (2,), np.float32),
        False,
    )
    estimate(spy, FACE, brighter)
    estimate(spy, FACE, brighter, match_exposure=False)
    matched, untouched = (batch[0].astype(float) for batch in seen)
    inside = brighter.max(-1) < 253
    assert abs(matched - FACE)[inside].mean() < 0.5
    assert np.array_equal(untouched, brighter)


def test_a_method_that_breaks_the_contract_is_named():
    broken = type(load_method("dis"))("broken", {}, lambda onsets, apexes: np.zeros((1, 2, 2)), False)
    with pytest.raises(TypeError, match="flow/methods/broken.py"):
        estimate_batch(broken, FACE[None], FACE[None])


def test_an_unknown_preset_is_answered_with_the_known_ones():
    with pytest.raises(UnknownName, match="medium"):
        load_method("dis", preset="slow")
