"""Flow and classifiers with and without the extra numba: the same numbers, and one line that says so."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PROGRAM = """
import sys
from pathlib import Path
out, blocked = sys.argv[1:]
if blocked:
    sys.modules["numba"] = None
import numpy as np
import skimage.data
from flow.estimate import estimate, load_method
from mer.classifiers.ststnet import Classifier
from mer_core.jit import HAS_NUMBA
assert HAS_NUMBA is not bool(blocked)
face = skimage.data.astronaut()[:160, 130:290]
flow = estimate(load_method("srflownet", "cpu"), face, np.roll(face, 1, 1))
rng = np.random.default_rng(0)
maps, labels = rng.normal(size=(12, 3, 28, 28)), np.arange(12) % 3
folds = [np.arange(0, 10), np.arange(2, 12)]
fitted = Classifier(epochs=3).fit_folds(maps, labels, folds)
np.savez(out, flow=flow, p=np.stack([c.predict_proba(maps) for _, c in sorted(fitted, key=lambda f: f[0])]))
"""


def run(out: Path, blocked: str) -> tuple[dict[str, np.ndarray], str]:
    command = [sys.executable, "-c", PROGRAM, str(out), blocked]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with np.load(out) as arrays:
        return dict(arrays), done.stderr


def test_the_numbers_are_the_same_and_one_line_names_the_extra(tmp_path):
    pytest.importorskip("numba", reason="the extra numba is not installed")
    (compiled, quiet), (plain, narration) = (run(tmp_path / f"{b}.npz", b) for b in ("", "blocked"))
    assert (
        np.abs(compiled["flow"]).max() > 0.5 and np.abs(plain["flow"] - compiled["flow"]).max() < 1e-3
    )  # px
    assert np.ptp(compiled["p"]) > 0.01 and np.abs(plain["p"] - compiled["p"]).max() < 1e-4
    assert narration.count("srflow-mer[numba]") == 1 and "numba" not in quiet
