"""A missing library or package is one message that names what to install."""

import os
import subprocess
import sys

import pytest

from mer_core.dependencies import as_missing_dependency


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
    assert "package torch is not" in str(as_missing_dependency(ModuleNotFoundError("no", name="torch")))
    assert as_missing_dependency(ModuleNotFoundError("no", name="mer.inference.nothing")) is None
    assert as_missing_dependency(ImportError("cannot import name 'x' from 'mer'")) is None


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
