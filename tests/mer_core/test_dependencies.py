"""A missing library or package is one message that names what to install."""

import os
import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from flow.methods import raft
from flow.srflownet.export import export
from mer import stored_estimators
from mer.classifiers import timm
from mer.web.serve import serve
from mer_core import cluster
from mer_core.dependencies import as_missing_dependency
from mer_core.errors import MissingDependency
from mer_core.trackers import TRACKERS, load_tracker

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "text, words",
    [
        (
            "libGL.so.1: cannot open shared object file: No such file or directory",
            ["libGL.so.1", "libgl1", "mesa-libGL"],
        ),
        ("/lib/x86_64-linux-gnu/libGL.so.1: file too short", ["libGL.so.1", "libgl1"]),
        (
            "libgthread-2.0.so.0: cannot open shared object file",
            ["libgthread-2.0.so.0", "libglib2.0-0", "glib2"],
        ),
        ("libnovel-3.so.2: cannot open shared object file", ["libnovel-3.so.2", "apt-get install"]),
    ],
)
def test_a_system_library_is_named_with_its_packages(text, words):
    error = as_missing_dependency(ImportError(text))
    assert error.code == "missing-dependency" and all(word in str(error) for word in words)


def test_a_package_is_named_and_a_fault_of_our_own_is_none():
    assert "macOS on Intel" in str(as_missing_dependency(ModuleNotFoundError("no", name="mediapipe.python")))
    absent = as_missing_dependency(ModuleNotFoundError("no", name="torch"))
    assert absent.code == "missing-dependency" and "torch" in str(absent)
    assert as_missing_dependency(ModuleNotFoundError("no", name="mer.inference.nothing")) is None
    assert as_missing_dependency(ImportError("cannot import name 'x' from 'mer'")) is None


def test_every_extra_that_the_code_names_is_in_the_setup_and_the_guide():
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = set(setup["options.extras_require"])
    code = "".join(
        path.read_text()
        for name in ("mer_core", "data_prep", "flow", "mer")
        for path in (ROOT / name).rglob("*.py")
    )
    named = set(re.findall(r'import_extra\([^,]+, "(\w+)"', code)) | set(TRACKERS) | {"numba"}
    assert named == extras - {"dev", "docs", "test"}
    guide = (ROOT / "docs" / "install.md").read_text()
    assert all(f"`{extra}`" in guide for extra in named)


@pytest.mark.parametrize(
    "module, extra, use",
    [
        ("distributed", "cluster", lambda tmp_path: next(cluster.map_items("tcp://127.0.0.1:1", len, []))),
        ("mlflow", "mlflow", lambda tmp_path: load_tracker("mlflow")),
        ("torch.utils.tensorboard", "tensorboard", lambda tmp_path: load_tracker("tensorboard")),
        ("onnx", "onnx", lambda tmp_path: export("weights.safetensors", tmp_path / "net.onnx", (64, 64))),
        ("skops.io", "skops", lambda tmp_path: stored_estimators.load(tmp_path / "estimators.skops")),
        ("timm", "timm", lambda tmp_path: timm.Classifier(backbone="resnet18").check_params()),
        (
            "torchvision.models.optical_flow",
            "raft",
            lambda tmp_path: raft.read_network(tmp_path / "raft.pth"),
        ),
        ("uvicorn", "app", lambda tmp_path: serve(0)),
    ],
)
def test_a_missing_extra_is_named_before_anything_is_read(tmp_path, monkeypatch, module, extra, use):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependency) as error:
        use(tmp_path)
    assert f"srflow-mer[{extra}]" in str(error.value) and module.split(".")[0] in str(error.value)


@pytest.mark.parametrize(
    "arguments, code",
    [(["score", "clip.mp4"], 1), (["--help"], 0), (["--version"], 0), (["cv", "--help"], 0)],
)
def test_the_command_line_says_it_in_one_message(tmp_path, arguments, code):
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    (tmp_path / "clip.mp4").write_bytes(b"")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    command = [sys.executable, "-m", "mer.cli", *arguments]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.returncode == code and "Traceback" not in done.stderr
    assert ("libgl1" in done.stderr) is (code == 1)
