"""The benchmark of scanned motion: people and expressions kept from training, on a fresh install too."""

import cv2
import numpy as np
import pytest
import skimage.data

from flow.benchmark import scanned
from flow.benchmark.measure import run_benchmark
from flow.benchmark.scanned import ScannedSource, scanned_pairs
from flow.benchmark.source import PairSource
from flow.splatting.held_out import held_out_names
from mer_core.errors import BadSetting, NotFound
from tests.flow.splatting.synthetic_head import write_head_model

SIZE = 96


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scanned")
    (folder / "portraits").mkdir()
    for name in ("known.jpg", min(held_out_names("portrait"))):
        cv2.imwrite(str(folder / "portraits" / name), skimage.data.astronaut()[:320, 60:380, ::-1])
    write_head_model(folder / "head.npz")
    return folder


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(scanned, "N_MOTION_SAMPLES", 20)
    monkeypatch.setattr(scanned, "_substitute_portraits", lambda: {"astronaut": skimage.data.astronaut()})


def test_only_people_and_expressions_kept_from_training_are_measured(folder, few, monkeypatch):
    source = ScannedSource(folder / "portraits", folder / "head.npz")
    assert source.names() == [min(held_out_names("portrait"))]
    used = []
    monkeypatch.setattr(scanned, "random_expression", _noting(used, scanned.random_expression))
    for pair in scanned_pairs(SIZE, 4, 1, source):
        assert pair.frame1.shape == (SIZE, SIZE, 3) and pair.mask.any() and pair.landmarks.shape == (478, 2)
    assert used and set(used) <= held_out_names("expression")


def _noting(used, function):
    def noting(*arguments):
        motion, names = function(*arguments)
        used.extend(names)
        return motion, names

    return noting


def test_peaks_are_what_they_say_and_the_same_seed_gives_the_same_pairs(folder, few):
    source = ScannedSource(folder / "portraits", folder / "head.npz")
    pairs = list(scanned_pairs(SIZE, 6, 2, source, limit=True))
    for pair, again in zip(pairs, scanned_pairs(SIZE, 6, 2, source)):
        assert np.array_equal(pair.frame2, again.frame2) and again.limit is None
        assert 0 < pair.limit < np.linalg.norm(pair.flow[pair.mask], axis=1).max()
    longest = [np.linalg.norm(pair.flow[pair.mask], axis=1).max() * 224 / SIZE for pair in pairs]
    assert longest == pytest.approx([pair.peak for pair in pairs], abs=1.05)  # the head adds up to 1 px
    assert not any(pair.flow.any() for pair in scanned_pairs(SIZE, 2, 2, source, still=True))


def test_a_fresh_install_measures_on_the_astronaut_and_says_so(few, tmp_path):
    text = run_benchmark([], sizes=(SIZE,), count=2, seed=1, source=PairSource("scanned"), out=tmp_path)
    assert "--scanned" in text and "astronaut" in text
    assert "| limit |" in text
    coded = next(PairSource("scanned", jpeg=80).pairs(SIZE, 1, 1, still=False))
    assert coded.limit is None


def test_portraits_of_nobody_who_is_held_out_are_refused(folder, tmp_path):
    cv2.imwrite(str(tmp_path / "known.jpg"), np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(NotFound, match="held_out.csv"):
        next(scanned_pairs(SIZE, 1, 1, ScannedSource(tmp_path, folder / "head.npz")))


@pytest.mark.parametrize(
    "options", [{"kind": "rendered", "smooth": True}, {"portraits": "x"}, {"h264": 20, "jpeg": 80}]
)
def test_options_of_another_benchmark_are_refused(options):
    with pytest.raises(BadSetting, match="--"):
        PairSource(**options)
