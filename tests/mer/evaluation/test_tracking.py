"""What a tracker gets, with stand-ins for the trackers' libraries."""

import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from mer.evaluation import tracking
from mer.evaluation.config import CvConfig, save_config
from mer_core.errors import MissingDependency
from mer_core.io import write_json, write_text


@pytest.fixture
def run(tmp_path):
    save_config(CvConfig(classifier="logistic", classifier_settings={"C": 0.01}), tmp_path / "config.yaml")
    scores = {"uf1": 0.5, "uar": 0.6, "accuracy": 0.7, "macro_precision": 0.8}
    write_json(tmp_path / "metrics.json", scores)
    write_text(tmp_path / "report.html", "page")
    return tmp_path


def test_mlflow_gets_settings_scores_and_report(run, monkeypatch):
    got = {}

    @contextmanager
    def start_run(run_name):
        got["name"] = run_name
        yield

    library = SimpleNamespace(
        start_run=start_run,
        log_params=lambda params: got.update(params=params),
        log_metrics=lambda numbers: got.update(numbers=numbers),
        log_artifact=lambda file: got.setdefault("files", []).append(file),
    )
    monkeypatch.setitem(sys.modules, "mlflow", library)
    tracking.send(run, "mlflow")
    assert got["params"]["classifier"] == "logistic" and got["params"]["classifier_settings.C"] == "0.01"
    assert got["numbers"]["uf1"] == 0.5 and str(run / "report.html") in got["files"]


def test_tensorboard_gets_settings_and_scores(run, monkeypatch):
    got = {}

    @contextmanager
    def writer(folder):
        got["folder"] = folder
        yield SimpleNamespace(add_hparams=lambda *args, **named: got.update(args=args))

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", SimpleNamespace(SummaryWriter=writer))
    tracking.send(run, "tensorboard")
    assert got["folder"] == str(run / "tensorboard") and got["args"][1]["macro_precision"] == 0.8


def test_a_tracker_that_is_not_installed_is_named_with_its_extra(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingDependency, match=r"srflow-mer\[mlflow\]"):
        tracking.send(run, "mlflow")
