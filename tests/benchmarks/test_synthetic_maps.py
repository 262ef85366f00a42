"""Synthetic maps: reproducible, and labelled by what moved."""

import numpy as np
import pytest

from benchmarks import scanned_maps, synthetic_maps
from benchmarks.synthetic_maps import GRID, LABELS, OTHERS, Interpolation, degrade, label_of, motions
from data_prep.align import fit_similarity
from data_prep.landmarks import interocular


def test_the_same_seed_gives_the_same_motion():
    first, again, other = (list(motions([seed, 0])) for seed in (3, 3, 4))
    flows, marks, emotions = zip(*first)
    assert flows[0].shape == (GRID, GRID, 2) and np.isfinite(flows).all()
    assert np.array_equal(flows, [flow for flow, _, _ in again])
    assert not np.array_equal(flows, [flow for flow, _, _ in other])
    assert {label_of(emotion) for emotion in emotions} <= set(LABELS)


def test_labels_come_about_equally_often():
    emotions = [emotion for i in range(15) for _, _, emotion in motions([0, i])]
    counts = np.array([sum(label_of(e) == label for e in emotions) for label in LABELS])
    assert counts.sum() == 300 and (abs(counts - 100) < 30).all()
    assert len(set(emotions)) == 8


def test_landmarks_are_those_of_an_aligned_face():
    eyes = []
    for i in range(6):
        _, landmarks, _ = next(motions([1, i]))
        eyes.append(interocular(landmarks) / GRID)
        assert np.allclose(fit_similarity(landmarks, GRID)[:, :2], np.eye(2), atol=0.2)
    assert np.mean(eyes) == pytest.approx(0.35, abs=0.03)


def test_motion_between_landmarks_is_linear():
    rng = np.random.default_rng(0)
    points = rng.uniform(5, 50, (468, 2))
    flow = Interpolation(points)(points * [0.1, -0.2] + 1, outside=np.array([7.0, 8.0]))
    assert flow[30, 20].tolist() == pytest.approx([3, -5]) and flow[0, 0].tolist() == [7, 8]


def test_a_surprised_brow_goes_up_and_a_smile_spreads_the_mouth():
    found = [(flow, marks, emotion) for i in range(12) for flow, marks, emotion in motions([5, i])]

    def at(flow, marks, point):
        x, y = np.clip(marks[point].round().astype(int), 0, GRID - 1)
        return flow[y, x] - np.median(flow, (0, 1))

    brow = np.median([at(flow, marks, 105)[1] for flow, marks, emotion in found if emotion == "surprise"])
    spread = np.median(
        [
            (at(flow, marks, 291) - at(flow, marks, 61))[0]
            for flow, marks, emotion in found
            if emotion == "happiness"
        ]
    )
    assert brow < -0.1 and spread > 0.1


def test_degraded_flow_keeps_most_of_what_moved():
    flow = np.zeros((GRID, GRID, 2))
    flow[20:36, 20:36] = 1
    worse = degrade(flow, np.random.default_rng(0))
    assert 0.5 < np.corrcoef(flow.ravel(), worse.ravel())[0, 1] < 0.9999


def test_maps_have_labels_at_the_frequencies_of_scanned_maps():
    shown = [synthetic_maps.draw_shown(np.random.default_rng([1, i])) for i in range(2000)]
    names = ["other" if name in OTHERS else label_of(name) for name, _ in shown]
    for label, frequency in scanned_maps.FREQUENCY.items():
        assert np.mean([name == label for name in names]) == pytest.approx(frequency, abs=0.05)
    assert all(actions for _, actions in shown)
    assert any("26" in actions for name, actions in shown if name == "speech")


def test_maps_are_cut_as_the_bundle_cuts_its_own():
    maps, labels = synthetic_maps.make_maps(22, seed=3)
    assert maps.shape == (22, 3, 28, 28) and maps.dtype == np.float32 and np.isfinite(maps).all()
    assert len(labels) == 22 and set(labels) <= set(scanned_maps.LABELS)
    assert not np.array_equal(maps[0], maps[1])
