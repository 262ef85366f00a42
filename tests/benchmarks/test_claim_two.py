"""The comparison of flow methods: its clips, what is kept, and what its page says."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import claim_two, claim_two_page, hard_composite
from benchmarks.claim_two import BASELINE, GROUND_TRUTH, Composite, Row
from flow.benchmark.entries import BenchmarkEntry
from flow.estimate import Method


def test_the_composite_has_the_labels_and_faults_it_says():
    clips = hard_composite.clips()
    assert (
        len(clips) == 240
        and len({clip.subject for clip in clips}) == 60
        and len({clip.name for clip in clips}) == 240
    )
    assert pd.Series([clip.label for clip in clips]).value_counts().to_dict() == {
        "negative": 120,
        "positive": 60,
        "surprise": 60,
    }
    assert clips == hard_composite.clips()
    for subject in range(10):
        camera = hard_composite.camera(subject)
        assert min(camera.blur, camera.shot, camera.read, camera.drift, camera.slope, camera.jpeg) > 0


def test_a_clip_shows_the_motion_it_says():
    one, again = (hard_composite.draw(hard_composite.clips()[5]) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(vars(one).values(), vars(again).values()))
    assert (
        one.onset.shape == (224, 224, 3) and one.flow.shape == (224, 224, 2) and 0.3 < one.mask.mean() < 0.9
    )
    length = np.linalg.norm(one.flow, axis=-1)[one.mask]
    assert 0.1 < length.max() < 5
    eyes = one.landmarks[[33, 263]].mean(0).round().astype(int)
    assert one.mask[eyes[1], eyes[0]]  # landmarks are x, y of this frame


@pytest.fixture
def few(monkeypatch):
    """A composite of 6 subjects on small noise frames; each label moves its own third of the face."""
    rng = np.random.default_rng(0)
    clips = [clip for clip in hard_composite.clips() if clip.subject < 6]
    thirds = {"negative": 0, "positive": 1, "surprise": 2}

    def draw(clip, head_model=None):
        flow = rng.normal(0, 0.1, (64, 64, 2)).astype(np.float32)
        flow[:, 21 * thirds[clip.label] : 21 * thirds[clip.label] + 21] += 1
        picture = rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)
        landmarks = np.zeros((468, 2), np.float32)
        landmarks[[362, 263]] = (30, 0)
        return hard_composite.Frames(picture, picture, flow, np.ones((64, 64), bool), landmarks)

    monkeypatch.setattr(hard_composite, "clips", lambda: clips)
    monkeypatch.setattr(hard_composite, "draw", draw)
    return clips


def test_better_flow_has_less_error_and_stopping_loses_nothing(few, tmp_path):
    calls = []

    def blind(onsets, apexes):
        calls.append(len(onsets))
        return np.random.default_rng(len(calls)).normal(0, 1, onsets.shape[:3] + (2,)).astype(np.float32)

    rows = [
        Row(BASELINE, BenchmarkEntry(Method("blind", {}, blind, False))),
        Row("srflownet"),
        Row(GROUND_TRUTH),
    ]
    composite = Composite("rendered", tmp_path / "rendered")
    table = claim_two.measure(composite, rows)
    assert len(calls) == 24 and len(table) == 6
    for classifier in claim_two.CLASSIFIERS:
        blind_row, middle, truth = table[table["classifier"] == classifier].to_dict("records")
        assert blind_row["epe"] > 1 and truth["epe"] == 0
        assert truth["uf1"] > 0.9 > 0.6 > blind_row["uf1"]
        assert truth["gain_low"] > 0.2 and (blind_row["gain"], truth["gap"]) == (0, 1)
        assert middle["gap"] == 1  # the same flow as ground truth
    again = claim_two.measure(composite, rows)
    assert len(calls) == 24
    pd.testing.assert_frame_equal(again, table)
    claim_two_page.figure(table, tmp_path / "figure.png")
    text = claim_two_page.page(table)
    assert "0.4733" in text and "0.6947" in text and "100% to 100%" in text
    assert f"EPE of {table['zero_epe'][0]:.3f} px" in text
    assert (tmp_path / "figure.png").stat().st_size > 5000


def test_other_weights_are_other_flow():
    one, two = (
        Row("srflownet", BenchmarkEntry(Method("srflownet", {}, print, True, weights))).folder
        for weights in ("a1" * 8, "b2" * 8)
    )
    assert one != two and one.startswith("srflownet-") and Row("dis").folder == "dis"
