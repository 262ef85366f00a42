"""What may be used from Python, and the notebook that uses it."""

import doctest
import inspect
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mer
from flow.estimate import load_method
from mer_core import progress
from mer_core.errors import ChangedSettings, InUse, UnreadableFile
from mer_core.locks import hold_lock

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
    "estimate_flow": ["method", "onset", "apex", "landmarks", "match_exposure", "device"],
    "estimate_prepared_flow": [
        "prepared",
        "method",
        "match_exposure",
        "jobs",
        "device",
        "scheduler",
        "options",
    ],
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
    "score": ["clip", "bundle", "onset", "apex", "fps", "face", "neutral", "device", "reader"],
    "load_bundle": ["path"],
    "spot": ["clip", "bundle", "fps", "face", "neutral", "label", "device"],
    "cross_validate": ["prepared", "config", "out", "jobs", "scheduler"],
    "compare": ["paths", "n_resamples"],
    "train": ["prepared", "config", "out"],
    "LeaveOneSubjectOut": [],
    "LeaveOneDatasetOut": [],
}


def test_names_are_these():
    assert set(mer.__all__) == {*PARAMETERS, "MerError"} and set(mer.__all__) <= set(dir(mer))
    assert all(f"mer.{name}(" in mer.__doc__ or name == "compare" for name in mer.__all__)
    with pytest.raises(AttributeError, match="scores"):
        getattr(mer, "scores")  # noqa: B009


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_these_and_documented(name):
    function = getattr(mer, name)
    assert list(inspect.signature(function).parameters) == PARAMETERS[name]
    assert function.__doc__


def test_a_run_comes_back_with_its_report_and_a_table_for_notebooks(prepared, tmp_path):
    config = mer.CvConfig(protocol="casme2-3", classifier="logistic", feature_settings={"size": 8})
    run = mer.cross_validate(prepared, config, tmp_path / "run")
    assert run.metrics["accuracy"] == 1 and len(run.predictions) == 10
    assert (tmp_path / "run" / "report.html").is_file() and "UF1" in str(run)
    assert list(run.scores.columns) == ["value", "low", "high", "majority class"]
    assert "<table" in run._repr_html_() and "(synthetic data)" in run._repr_html_()
    both = mer.compare([run, mer.cross_validate([prepared], config, tmp_path / "again", jobs=1)])
    assert both[1].difference == 0


def test_arrays_are_evaluated_as_folders_are(small, tmp_path):
    table, X = small
    run = mer.cross_validate(
        (table.drop(columns="clip_id"), X), mer.CvConfig(classifier="logistic"), tmp_path
    )
    assert run.metrics["accuracy"] > 0.9 and run.metrics["protocol"] == "arrays"
    with pytest.raises(mer.MerError, match="subject"):
        mer.cross_validate((table.drop(columns="subject"), X), mer.CvConfig(), tmp_path / "two")


def test_settings_without_effect_on_arrays_are_said(small, tmp_path, capsys):
    progress.set_verbosity()
    config = mer.CvConfig(protocol="composite-3-lodo", classifier="logistic")
    run = mer.cross_validate(small, config, tmp_path / "run")
    mer.train(small, config)
    said = [line for line in capsys.readouterr().err.splitlines() if "protocol" in line]
    assert len(said) == 2 and not any("classifier" in line or "feature_settings" in line for line in said)
    assert run.metrics["split"] == "loso"


def test_two_runs_on_arrays_do_not_share_a_folder(small, tmp_path):
    with hold_lock(tmp_path / "run"), pytest.raises(InUse):
        mer.cross_validate(small, mer.CvConfig(classifier="logistic"), tmp_path / "run")


def test_flow_of_prepared_folders_comes_back_as_a_table_of_files(prepared):
    flows = mer.estimate_prepared_flow([prepared], "dis", jobs=1)
    assert list(flows.columns) == ["clip_id", "file"] and len(flows) == 15
    flow = np.load(flows["file"][0])["flow"]
    assert flow.shape == (64, 64, 2) and flow.dtype == np.float32
    assert mer.estimate_prepared_flow(prepared.parent, load_method("dis")).equals(flows)
    with pytest.raises(ChangedSettings):
        mer.estimate_prepared_flow(prepared, "dis", preset="fast")
    with pytest.raises(UnreadableFile):
        mer.estimate_prepared_flow(prepared / "faces", "dis")


def test_a_bundle_is_trained_and_shown(prepared, two_labels, tmp_path):
    config = mer.CvConfig(protocol=two_labels, classifier="logistic")
    bundle = mer.train(prepared, config, tmp_path / "bundle")
    assert mer.load_bundle(tmp_path / "bundle").recipe == bundle.recipe
    assert "<table" in bundle._repr_html_() and "Bundle: logistic" in str(bundle)


def test_import_is_light():
    heavy = ("torch", "numpy", "pandas", "cv2", "mediapipe")
    probe = f"import sys, mer; print([m for m in {heavy} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True).stdout.strip() == "[]"
    )


def test_the_notebook_is_stored_with_its_output_and_plots():
    cells = [cell for cell in notebook_cells() if cell["cell_type"] == "code"]
    kinds = [kind for cell in cells for output in cell["outputs"] for kind in output.get("data", {})]
    assert kinds.count("image/png") == sum("plt.subplots(" in "".join(cell["source"]) for cell in cells) > 0
    assert "text/html" in kinds
    assert not [cell for cell in cells if any(o["output_type"] == "error" for o in cell["outputs"])]


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """The folder in which the notebook ran, and its names."""
    folder, names = tmp_path_factory.mktemp("notebook"), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MPLBACKEND", "Agg")
        for cell in notebook_cells():
            if cell["cell_type"] == "code":
                code = "".join(line for line in cell["source"] if not line.startswith("%"))  # no IPython here
                exec(compile(code, str(NOTEBOOK), "exec"), names)
        yield folder, names


@pytest.mark.slow
def test_the_notebook_runs(notebook):
    folder, names = notebook
    assert (names["outcome"]["outcome"] == "ok").all() and len(names["outcome"]) == 12
    assert names["run"].metrics["subjects"] == 4 and (folder / names["page"]).is_file()
    assert names["found"].units[0].unit in ("12", "6")
    used = "".join("".join(cell["source"]) for cell in notebook_cells())
    functions = (
        "prepare",
        "estimate_flow",
        "estimate_prepared_flow",
        "CvConfig",
        "cross_validate",
        "compare",
    )
    for name in (*functions, "train", "score"):
        assert f"mer.{name}(" in used


@pytest.mark.slow
def test_the_examples_of_the_docstrings_run(notebook, tmp_path, monkeypatch):
    folder, _ = notebook
    for place, made in {"datasets/SMIC": "smic", "recordings/clip": "clip"}.items():
        (tmp_path / place).parent.mkdir()
        (tmp_path / place).symlink_to(folder / "work" / made)
    monkeypatch.chdir(tmp_path)
    # Each may read what those before it have written.
    chain = ["prepare", "estimate_prepared_flow", "cross_validate", "compare", "train", "load_bundle"]
    for name in [*chain, *sorted(set(PARAMETERS) - set(chain))]:
        (example,) = doctest.DocTestFinder(recurse=False).find(getattr(mer, name), name, globs={})
        assert example.examples, name
        assert doctest.DocTestRunner().run(example).failed == 0, name


def notebook_cells() -> list[dict]:
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
