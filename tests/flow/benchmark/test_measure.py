import os
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from flow.benchmark.measure import run_benchmark
from flow.benchmark.pairs import (
    MAX_SLOPE,
    PEAK_PX,
    h264_pairs,
    load_photographs,
    photograph_pairs,
    rendered_pairs,
)
from flow.benchmark.source import PairSource
from flow.estimate import Method
from mer_core.errors import NotFound

SIZE, COUNT = 112, 6


@pytest.fixture(scope="module")
def pairs():
    return list(photograph_pairs(SIZE, COUNT, seed=3))


def test_the_same_seed_gives_the_same_pairs_and_another_seed_others(pairs):
    for one, again, other in zip(
        pairs, photograph_pairs(SIZE, COUNT, seed=3), photograph_pairs(SIZE, COUNT, seed=4)
    ):
        assert np.array_equal(one.frame2, again.frame2) and np.array_equal(one.flow, again.flow)
        assert not np.array_equal(one.frame1, other.frame1)


def test_pairs_keep_their_form(pairs):
    for pair in pairs:
        assert pair.frame1.shape == pair.frame2.shape == (SIZE, SIZE, 3) and pair.frame1.dtype == np.uint8
        assert pair.flow.shape == (SIZE, SIZE, 2) and pair.flow.dtype == np.float32
        assert pair.mask.dtype == bool and 0.3 < pair.mask.mean() < 0.85


def test_peaks_are_spread_over_their_range_and_are_what_they_say():
    found = list(photograph_pairs(SIZE, 8, seed=1))
    steps = np.log(np.sort([pair.peak for pair in found]) / PEAK_PX[0]) / np.log(PEAK_PX[1] / PEAK_PX[0])
    assert ((steps * 8).astype(int) == np.arange(8)).all()  # one in each eighth of the logarithm
    for pair in found:
        # Far above the face.
        drift = pair.flow[0, SIZE // 2] if np.linalg.norm(pair.flow[0, SIZE // 2]) > 0.05 else 0
        longest = np.linalg.norm((pair.flow - drift)[pair.mask], axis=1).max()
        assert longest == pytest.approx(pair.peak * SIZE / 224, rel=0.1, abs=0.05)


def test_the_flow_leads_from_frame_1_to_frame_2(pairs):
    """Frame 2 fetched along the flow is frame 1, but for noise; fetched the other way it is worse than not
    moved."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    for pair in pairs:
        if pair.peak < 1:
            continue

        moved = pair.mask & (np.linalg.norm(pair.flow, axis=-1) > 0.5)

        def difference(flow, pair=pair, moved=moved):
            back = cv2.remap(pair.frame2, x + flow[..., 0], y + flow[..., 1], cv2.INTER_CUBIC)
            sides = [
                cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (0, 0), 1).astype(float)
                for frame in (pair.frame1, back)
            ]
            gain, bias = np.polyfit(sides[1][pair.mask], sides[0][pair.mask], 1)
            return np.abs(gain * sides[1] + bias - sides[0])[moved].mean()

        assert difference(pair.flow) < 0.8 * difference(0 * pair.flow) < difference(-pair.flow)


def test_still_pairs_differ_by_noise_alone():
    for pair in photograph_pairs(SIZE, 3, seed=3, still=True):
        assert not pair.flow.any() and pair.peak == 0
        difference = pair.frame2.astype(float) - pair.frame1
        assert abs(difference.mean()) < 0.1 and 1 < difference.std() < 5


def test_rendered_pairs_are_other_people_whose_flow_leads_from_frame_1_to_frame_2():
    y, x = np.mgrid[:64, :64].astype(np.float32)
    for pair, again in zip(rendered_pairs(64, 3, seed=5), rendered_pairs(64, 3, seed=5)):
        assert (
            np.array_equal(pair.frame2, again.frame2)
            and pair.frame1.shape == (64, 64, 3)
            and 0.1 < pair.mask.mean() < 0.9
        )
        assert pair.peak == pytest.approx(np.linalg.norm(pair.flow[pair.mask], axis=1).max() * 224 / 64)
        back = cv2.remap(pair.frame2, x + pair.flow[..., 0], y + pair.flow[..., 1], cv2.INTER_CUBIC)
        if pair.peak > 2:
            assert (
                np.abs(back.astype(float) - pair.frame1)[pair.mask].mean()
                < np.abs(pair.frame2.astype(float) - pair.frame1)[pair.mask].mean()
            )
    assert max(np.abs(pair.flow).max() for pair in rendered_pairs(64, 2, seed=5, still=True)) < 1e-6


def test_a_coder_takes_the_fine_noise_and_leaves_face_and_truth():
    for pair, coded in zip(
        photograph_pairs(SIZE, 2, seed=3), h264_pairs(photograph_pairs(SIZE, 2, seed=3), 30)
    ):
        assert (
            np.array_equal(coded.flow, pair.flow)
            and np.array_equal(coded.mask, pair.mask)
            and coded.frame2.shape == pair.frame2.shape
        )
        grain = [
            np.std(frame.astype(float) - cv2.GaussianBlur(frame.astype(float), (0, 0), 1))
            for frame in (pair.frame2, coded.frame2)
        ]
        assert grain[1] < 0.9 * grain[0] and np.abs(coded.frame2.astype(float) - pair.frame2).mean() < 8


def test_faces_of_a_folder_join_the_astronaut():
    shared = Path(os.environ.get("MER_SHARED_DATA") or Path(__file__).parents[4] / "shared/data")
    if not (shared / "portraits").is_dir():
        pytest.skip("no shared data here: set MER_SHARED_DATA to a folder with portraits/ and clips/")
    names = [face.name for face in load_photographs(shared)]
    assert names[0] == "astronaut" and len(names) >= 3
    assert {pair.name for pair in photograph_pairs(64, len(names), 0, shared)} == set(names)


def test_pulls_are_steep_unless_asked_to_be_smooth():
    def slopes(**settings):
        pairs = photograph_pairs(SIZE, 12, 1, **settings)
        return [
            np.linalg.norm(np.stack(np.gradient(p.flow, axis=(0, 1))), axis=(0, 3))[p.mask].max()
            for p in pairs
        ]

    steep, smooth = np.array(slopes()), np.array(slopes(smooth=True))
    assert steep.mean() > 1.5 * smooth.mean() and steep.max() < MAX_SLOPE / (1 - MAX_SLOPE)


def test_a_folder_without_faces_is_refused(tmp_path):
    with pytest.raises(NotFound):
        load_photographs(tmp_path)


@pytest.fixture(scope="module")
def table(tmp_path_factory, pairs):
    """A benchmark of methods whose errors are known, because they know the truth."""
    truths = {pair.frame1.tobytes(): pair.flow for pair in pairs}
    rest = np.zeros((SIZE, SIZE, 2), np.float32)

    def knowing(name, change):
        return Method(
            name,
            {},
            lambda onsets, apexes: np.stack([change(truths.get(o.tobytes(), rest)) for o in onsets]),
            False,
        )

    slope = np.mgrid[:SIZE, :SIZE][1][..., None].astype(np.float32) * np.float32([0.003, 0.004])
    chosen = [
        knowing("oracle", lambda flow: flow),
        knowing("shifted", lambda flow: flow + np.float32([0.3, 0.4])),
        knowing("sheared", lambda flow: flow + slope),
    ]
    out = tmp_path_factory.mktemp("benchmark")
    text = run_benchmark(chosen, sizes=(SIZE,), count=COUNT, seed=3, out=out)
    assert (out / "flow-benchmark.md").read_text() == text
    return pd.read_csv(out / "flow-benchmark.csv").set_index("method"), text


def test_known_errors_come_out(table, pairs):
    numbers, _ = table
    errors = [column for column in numbers if column.startswith("epe")]
    assert (numbers.loc["oracle", errors].dropna() == 0).all()
    assert numbers.loc["shifted", errors].dropna().to_numpy() == pytest.approx(0.5, abs=1e-4)
    assert numbers.loc["shifted", "still"] == pytest.approx(0.5, abs=1e-4)
    assert numbers.loc["shifted", "gradient_error"] == pytest.approx(0, abs=1e-6)
    assert numbers.loc["sheared", "gradient_error"] == pytest.approx(0.005, abs=1e-5)
    lengths = [np.linalg.norm(pair.flow, axis=-1)[pair.mask].mean() for pair in pairs]
    assert numbers.loc["zero", "epe"] == pytest.approx(np.mean(lengths), rel=1e-4)
    assert (numbers["pairs"] == COUNT).all()


def test_pixels_and_pairs_fall_into_their_bins(table, pairs):
    numbers, _ = table
    motion = np.concatenate([np.linalg.norm(pair.flow, axis=-1)[pair.mask] for pair in pairs])
    between = motion[(motion >= 0.5) & (motion < 1)]
    assert numbers.loc["zero", "epe_motion_0.5_1"] == pytest.approx(between.mean(), rel=1e-3)
    large = [np.linalg.norm(p.flow, axis=-1)[p.mask].mean() for p in pairs if 2.4 <= p.peak <= 6]
    assert numbers.loc["zero", "epe_peak_2.4_6"] == pytest.approx(np.mean(large), rel=1e-3)


def test_the_page_says_how_it_was_made_and_marks_the_best(table):
    _, text = table
    assert (
        f"mer flow benchmark --pairs {COUNT} --seed 3 --size {SIZE}, from Python with additional methods"
        in text
    )
    assert "OpenCV" in text and "CPU:" in text and "Faces: astronaut" in text
    assert "| oracle | **0.000**" in text


def test_a_stopped_run_goes_on_where_it_was(tmp_path):
    asked = []

    def impatient(onsets, apexes):
        asked.append(len(onsets))
        if len(asked) == 3:
            raise KeyboardInterrupt
        return np.ones(onsets.shape[:3] + (2,), np.float32)

    arguments = dict(sizes=(64,), count=4, seed=3, out=tmp_path, source=PairSource(limit=False))
    with pytest.raises(KeyboardInterrupt):
        run_benchmark([Method("one", {}, impatient, False)], **arguments)
    stopped = run_benchmark([Method("one", {}, impatient, False)], **arguments)
    assert len(asked) == 3 + 3  # two pairs are done; two and the still one are left
    steady = Method("one", {}, lambda onsets, apexes: np.ones(onsets.shape[:3] + (2,), np.float32), False)
    with pytest.raises(KeyboardInterrupt):
        asked.clear()
        run_benchmark(
            [Method("one", {}, impatient, True, weights="new")], **arguments | {"out": tmp_path / "other"}
        )
    text = run_benchmark(
        [Method("one", {}, impatient, True, weights="newer")], **arguments | {"out": tmp_path / "other"}
    )
    # Weights of another training begin anew.
    assert len(asked) == 3 + 5 and "Weights of one: SHA-256 newer" in text
    whole = run_benchmark([steady], **arguments | {"out": tmp_path / "whole"})
    assert _without_seconds(stopped) == _without_seconds(whole)
    assert not (tmp_path / "measured.jsonl").exists()
    run_benchmark([steady], **arguments | {"seed": 4})  # other facts: nothing is taken over
    assert "--seed 4" in (tmp_path / "flow-benchmark.md").read_text()


def _without_seconds(text):
    return [line.rsplit("|", 2)[0] for line in text.splitlines()]


def test_a_benchmark_on_rendered_faces_says_so(tmp_path):
    text = run_benchmark(
        [], sizes=(64,), count=2, seed=5, out=tmp_path, source=PairSource("rendered", h264=28)
    )
    assert "--rendered --h264 28" in text and "- Faces: rendered" in text
