"""A reader in a process beside this one answers as one in it."""

import subprocess
import sys

import numpy as np
import pytest

from flow.splatting.actor import Actor
from mer.bundle import default_path
from mer.inference import models, pair_reading, reader_process
from mer.inference.motion import align_pair
from mer.inference.pair_reading import read_pair
from mer_core.errors import UnreadableFile


@pytest.fixture(scope="module")
def aligned():
    person = Actor(7, 160, gaussians=4000)
    images = [person.frame({"12": level}) for level in (0.0, 0.4)]
    points = models.get_mesh().landmarks(images[0])
    return align_pair(images, np.concatenate([points.min(0), points.max(0)]), 224)


def test_a_reader_beside_answers_as_one_here(aligned, monkeypatch):
    with reader_process.reader_beside(None, "cpu") as read:
        here = read(aligned)
    monkeypatch.setattr(reader_process, "_saves_time", lambda: True)
    with reader_process.reader_beside(None, "cpu") as read:
        beside = read(aligned)
    np.testing.assert_allclose(beside.pair.input_flow, here.pair.input_flow, atol=1e-4)
    assert beside.probabilities == pytest.approx(here.probabilities, abs=1e-4)
    assert beside.decision == pytest.approx(here.decision, abs=1e-3)
    assert [unit.title for unit in beside.units] == [unit.title for unit in here.units] != []
    assert beside.flow_weights == here.flow_weights and sum(here.decision.values()) == pytest.approx(1)


def test_what_a_reader_beside_cannot_load_is_said_here(aligned, monkeypatch, tmp_path):
    monkeypatch.setattr(reader_process, "_saves_time", lambda: True)
    with reader_process.reader_beside(tmp_path, "cpu") as read, pytest.raises(UnreadableFile):
        read(aligned)


def test_the_process_starts_before_anything_heavy_is_imported():
    code = "import sys, mer.inference.reader_process; print({'numpy', 'cv2', 'torch'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded == "set()\n"


def test_a_small_pair_can_be_read():
    here = read_pair(models.get_bundle(str(default_path())), pair_reading._small_pair())
    assert sum(here.probabilities.values()) == pytest.approx(1)


def test_the_reader_of_the_shipped_bundle_needs_no_scikit_learn():
    code = (
        "import sys; from mer.inference import reader_process; reader_process._load(None, 'cpu');"
        "print({'sklearn', 'pandas', 'mediapipe'} & set(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded == "set()\n"
