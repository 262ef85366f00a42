"""Send settings, scores and report of a finished run to an experiment tracker."""

from pathlib import Path

from mer.evaluation.metrics import SCORES
from mer.evaluation.run_folder import read_settings
from mer_core.claims import flatten
from mer_core.io import read_json
from mer_core.trackers import load_tracker


def send(out: Path, tracker: str) -> None:
    """Send the run in folder `out` to `tracker`, "mlflow" or "tensorboard".

    MLflow finds its server by MLFLOW_TRACKING_URI; TensorBoard's files go to `out`/tensorboard.

    Raises
    ------
    MissingDependency
        If the tracker is not installed.
    """
    scores = read_json(out / "metrics.json")
    params = {name: str(value) for name, value in flatten(read_settings(out / "config.yaml")).items()}
    numbers = {name: float(scores[name]) for name in (*SCORES, "mean_binary_f1") if name in scores}
    (_send_mlflow if tracker == "mlflow" else _send_tensorboard)(out, params, numbers)


def _send_mlflow(out: Path, params: dict[str, str], numbers: dict[str, float]) -> None:
    mlflow = load_tracker("mlflow")
    with mlflow.start_run(run_name=out.name):
        mlflow.log_params(params)
        mlflow.log_metrics(numbers)
        for name in ("report.html", "metrics.json", "config.yaml"):
            mlflow.log_artifact(str(out / name))


def _send_tensorboard(out: Path, params: dict[str, str], numbers: dict[str, float]) -> None:
    board = load_tracker("tensorboard")
    with board.SummaryWriter(str(out / "tensorboard")) as writer:
        writer.add_hparams(params, numbers, run_name=".")
