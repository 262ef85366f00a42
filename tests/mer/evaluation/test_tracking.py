"""What MLflow and TensorBoard hold after a run was sent to them."""

import sys

import pytest
from click.testing import CliRunner

from mer.cli.main import cli
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
    mlflow = pytest.importorskip("mlflow", reason="needs MLflow: pip install 'srflow-mer[mlflow]'")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{run}/mlflow.db")
    monkeypatch.chdir(run)
    tracking.send(run, "mlflow")
    (found,) = mlflow.search_runs(output_format="list")
    assert found.data.params["classifier"] == "logistic"
    assert found.data.params["classifier_settings.C"] == "0.01"
    assert found.data.metrics["uf1"] == 0.5
    files = mlflow.MlflowClient().list_artifacts(found.info.run_id)
    assert "report.html" in [file.path for file in files]


def test_tensorboard_gets_settings_and_scores(run):
    pytest.importorskip("tensorboard", reason="needs TensorBoard: pip install 'srflow-mer[tensorboard]'")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    tracking.send(run, "tensorboard")
    events = EventAccumulator(str(run / "tensorboard")).Reload()
    assert events.Scalars("macro_precision")[0].value == pytest.approx(0.8)
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    settings = HParamsPluginData.FromString(content).session_start_info.hparams
    assert settings["classifier"].string_value == "logistic"
    assert settings["classifier_settings.C"].string_value == "0.01"


def test_a_missing_tracker_is_named_with_its_extra_before_the_run(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    command = ["cv", str(tmp_path), "--out", str(tmp_path / "run"), "--track", "mlflow"]
    answer = CliRunner().invoke(cli, command)
    assert isinstance(answer.exception, MissingDependency)
    assert "srflow-mer[mlflow]" in str(answer.exception) and not (tmp_path / "run").exists()
