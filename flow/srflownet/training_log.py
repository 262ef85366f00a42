"""The record of a training: a table, narration, and an experiment tracker."""

import time
from pathlib import Path

import numpy as np
from torch import Tensor

from flow.srflownet.train_config import TrainConfig
from mer_core.claims import flatten
from mer_core.progress import say
from mer_core.trackers import load_tracker

RUN_ID_FILE = "mlflow-run.txt"


class TrainingLog:
    """The training's record: log.csv, a progress line on stderr, and a tracker.

    Parameters
    ----------
    out : folder of the training
    done : steps of earlier calls
    config : for the number of steps, and for the tracker
    tracker : `mlflow`, `tensorboard` or None
    """

    def __init__(self, out: Path, done: int, config: TrainConfig, tracker: str | None = None):
        self.path, self.done, self.steps = out / "log.csv", done, config.steps
        self.began, self.sums, self.count = time.monotonic(), np.zeros(4), 0
        self.path.touch()
        self.board: TensorBoard | MLflow | None = BOARDS[tracker](out, done, config) if tracker else None

    def add(self, step: int, loss: Tensor, norm: Tensor, flow: Tensor, truth: Tensor, rate: float) -> None:
        """Record one step."""
        error = (flow - truth).norm(dim=1).mean()
        self.sums += [float(loss.detach()), float(error), float(truth.norm(dim=1).mean()), float(norm)]
        self.count, self.rate = self.count + 1, rate

    def write(self, step: int, example: tuple[Tensor, ...]) -> None:
        """Write the means since the last call, and pictures of the first pair."""
        means = dict(zip(("loss", "epe", "still_epe", "gradient_norm"), self.sums / self.count))
        self.sums, self.count = np.zeros(4), 0
        means["learning_rate"] = self.rate
        self._record(step, means)
        pace = (time.monotonic() - self.began) / (step - self.done)
        left = pace * (self.steps - step) / 60
        say(
            f"step {step} of {self.steps}: loss {means['loss']:.4f}, error {means['epe']:.4f} px "
            f"(at rest {means['still_epe']:.4f}), {pace:.2f} s a step, {left:.0f} min left"
        )
        if self.board:
            from flow.visualize import draw_flow

            onset, apex, flow, truth = (t[0].detach().float().cpu().permute(1, 2, 0).numpy() for t in example)
            for name, frame in (("onset", onset), ("apex", apex)):
                self.board.add_picture(name, frame.astype(np.uint8), step)
            radius = max(1.0, float(np.linalg.norm(truth, axis=-1).max()))
            for name, motion in (("flow", flow), ("truth", truth)):
                self.board.add_picture(name, draw_flow(motion, radius), step)

    def record_validation(self, step: int, errors: dict[str, float]) -> None:
        """Write validation errors."""
        self._record(step, errors)
        say(f"step {step}: " + ", ".join(f"{name} {value:.4f}" for name, value in errors.items()))

    def close(self) -> None:
        """Tell the tracker that the training has ended."""
        if self.board:
            self.board.close()

    def _record(self, step: int, values: dict[str, float]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(f"{step},{name},{value:.6g}\n" for name, value in values.items())
        if self.board:
            self.board.add_numbers(values, step)


class TensorBoard:
    """TensorBoard's event files, in the folder of the training."""

    def __init__(self, out: Path, done: int, config: TrainConfig):
        self.writer = load_tracker("tensorboard").SummaryWriter(str(out), purge_step=done)

    def add_numbers(self, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)

    def add_picture(self, name: str, picture: np.ndarray, step: int) -> None:
        """Record a picture (H, W, 3) uint8."""
        self.writer.add_image(name, picture, step, dataformats="HWC")

    def close(self) -> None:
        self.writer.close()


class MLflow:
    """A run of MLflow, found by MLFLOW_TRACKING_URI; a continued training keeps its run."""

    def __init__(self, out: Path, done: int, config: TrainConfig):
        self.client = load_tracker("mlflow")
        path = out / RUN_ID_FILE
        known = path.read_text().strip() if done and path.exists() else None
        run = self.client.start_run(run_id=known, run_name=out.name)
        if known is None:
            path.write_text(run.info.run_id)
            self.client.log_params(
                {name: str(value) for name, value in flatten(config.model_dump(mode="json")).items()}
            )

    def add_numbers(self, values: dict[str, float], step: int) -> None:
        self.client.log_metrics(values, step=step)

    def add_picture(self, name: str, picture: np.ndarray, step: int) -> None:
        """Record a picture (H, W, 3) uint8."""
        self.client.log_image(picture, key=name, step=step)

    def close(self) -> None:
        self.client.end_run()


BOARDS: dict[str, type[TensorBoard] | type[MLflow]] = {"mlflow": MLflow, "tensorboard": TensorBoard}
