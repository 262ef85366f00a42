"""What may be used from Python, and the notebook that uses it."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import mer

NOTEBOOK = Path(__file__).parents[2] / "docs" / "first-steps.ipynb"
PARAMETERS = {
    "prepare": [
        "name",
        "root",
        "out",
        "size",
        "jobs",
        "apex",
        "corrections",
        "skip_missing",
        "scheduler",
    ],
    "estimate_flow": ["method", "onset", "apex", "match_exposure"],
    "CvConfig": [
        "protocol",
        "method",
        "feature",
        "feature_settings",
        "classifier",
        "classifier_settings",
        "search",
        "calibration",
        "inner_folds",
        "seeds",
        "device",
    ],
    "score": ["clip", "bundle", "onset", "apex", "fps", "face"],
    "load_bundle": ["path"],
    "cross_validate": ["paths", "config", "out", "jobs"],
}


def test_names_are_these():
    assert mer.__all__ == list(PARAMETERS) and set(PARAMETERS) <= set(dir(mer))
    with pytest.raises(AttributeError, match="scores"):
        mer.scores


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_these_and_documented(name):
    function = getattr(mer, name)
    assert list(inspect.signature(function).parameters) == PARAMETERS[name]
    assert function.__doc__ and f"mer.{name}(" in mer.__doc__


def test_one_folder_and_no_settings_are_enough(prepared, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(
        "mer.evaluation.run.cross_validate_prepared", lambda *arguments: given.append(arguments)
    )
    mer.cross_validate(str(prepared), None, tmp_path / "run")
    mer.cross_validate([prepared], mer.CvConfig(seeds=1), tmp_path / "run", jobs=2)
    assert given == [
        ([str(prepared)], mer.CvConfig(), tmp_path / "run", 1),
        ([prepared], mer.CvConfig(seeds=1), tmp_path / "run", 2),
    ]


def test_import_is_light():
    probe = "import sys, mer; print([m for m in ('torch', 'numpy', 'pandas', 'cv2', 'mediapipe') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True).stdout.strip() == "[]"
    )


def test_the_notebook_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert all(not cell.get("outputs") for cell in cells)  # what it prints would grow old
    names = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), str(NOTEBOOK), "exec"), names)
    assert (names["outcome"]["outcome"] == "ok").all() and len(names["outcome"]) == 4
    assert names["scores"]["subjects"] == 2 and names["page"].is_file()
    assert names["found"].units[0].unit in ("12", "6")
    used = "".join("".join(cell["source"]) for cell in cells)
    assert all(f"mer.{name}" in used for name in mer.__all__)
