"""What a GPU brings, and whether it agrees with the CPU: `python -m benchmarks.gpu --out FOLDER`, once.

Four parts within ten minutes: flow in batches, all folds at once, gsplat's blend, and the first steps of the
full network. A part that cannot run here says why; the page is written anew after each.

Frames start as uint8 in host memory and flow ends there as float32, so the copies are in the time; matching
the brightness and finding landmarks are not, which is the CPU's work.
"""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import click
import cv2
import numpy as np
import pandas as pd
import skimage.data
import torch
import yaml

from benchmarks.flow_speed import cpu_name, load_row
from data_prep.landmarks import FaceMesh
from flow.estimate import estimate_batch, load_method
from flow.splatting import gsplat_backend
from flow.splatting.scenes import render_pair
from flow.srflownet.train_config import TrainConfig, load_config
from mer.classifiers import light_net, ststnet
from mer_core import markdown
from mer_core.configs import find_config
from mer_core.device import choose_device, n_cores
from mer_core.io import write_text
from mer_core.progress import say

ROWS = (
    "srflownet, compact",
    "srflownet, full (random weights)",
    "raft small (random weights)",
    "raft large (random weights)",
)
CALLS = ((256, 256, 256), (512, 512, 64), (1100, 1604, 4))  # height, width, pairs in one call
ROUNDS, LONG_ENOUGH = 5, 5.0  # of a call, after one that is not measured; no more after so many seconds
SUBJECTS, CLIPS, SIDE = 68, 442, 28  # the MEGC 2019 composite
TRAINING_S, ALL_S = 240.0, 540.0  # training takes what the other parts leave of all
TOLERANCE = {"flow": 0.002, "probability": 2e-3}  # px in the mean; see docs/gpu.md


class Skipped(Exception):
    """A part that cannot run on this machine; the message says why."""


@click.command(help=__doc__.splitlines()[0])
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("gpu"), show_default=True
)
@click.option("--training-seconds", type=float, default=TRAINING_S, show_default=True)
def main(out: Path, training_seconds: float) -> None:
    device, start = choose_device("auto").type, time.perf_counter()

    def train() -> str:
        return first_steps(out, min(training_seconds, ALL_S - (time.perf_counter() - start)), device)

    parts = {
        "Flow in batches": lambda: flow_speeds(device),
        "Flow on both devices": lambda: flow_agreement(device),
        "All folds at once": lambda: folds_together(device),
        "Blend by gsplat": blends,
        "First steps of the full network": train,
    }
    lacking = None if device == "cuda" else "torch finds no CUDA GPU here."
    click.echo(run(parts, out / "gpu.md", lacking))


def run(parts: dict[str, Callable[[], str]], path: Path, lacking: str | None = None) -> str:
    """Run each part and return the page, which is at `path` after each; one that fails ends no other.

    `lacking` says why none can run here.
    """
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    text = f"# On a GPU\n\n- Card: {card}; CPU: {cpu_name()}; torch {torch.__version__}\n"
    text += "- Command: python -m benchmarks.gpu\n"
    for title, part in parts.items():
        say(title)
        start = time.perf_counter()
        try:
            body = f"Skipped: {lacking}" if lacking else part()
        except Skipped as reason:
            body = f"Skipped: {reason}"
        except Exception as error:  # whoever runs this once should still get the other parts
            body = f"Failed: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        text += f"\n## {title}\n\n{body}\n\n({time.perf_counter() - start:.0f} s)\n"
        write_text(path, text)
    return text


def flow_speeds(
    device: str, rows: Sequence[str] = ROWS, calls: Sequence[tuple[int, int, int]] = CALLS
) -> str:
    """Return pairs per second by network and size of frame."""
    found = {(row, call): measure(row, *call, device) for row in rows for call in calls}
    header = ["pairs per second", *(f"{h}x{w}, {n} a call" for h, w, n in calls)]
    table = [
        [row, *(f"{found[row, call]:.1f}" if found[row, call] else "out of memory" for call in calls)]
        for row in rows
    ]
    return markdown.format_table(header, table, numbers_from=1)


def measure(row: str, height: int, width: int, pairs: int, device: str) -> float:
    """Return the median pairs per second of calls with `pairs` pairs; 0 if one pair does not fit."""
    onset, landmarks = face(height, width)
    onsets = np.stack([onset] * pairs)
    with tempfile.TemporaryDirectory() as folder:
        method = load_row(row, Path(folder), device=device)
    seconds: list[float] = []
    try:
        for _ in range(1 + ROUNDS):
            start = time.perf_counter()
            apexes = np.roll(onsets, 1, axis=2)
            estimate_batch(method, onsets, apexes, [landmarks] * pairs, match_exposure=False)
            seconds.append(time.perf_counter() - start)
            if sum(seconds[1:]) > LONG_ENOUGH:
                break
    except torch.OutOfMemoryError:
        return 0.0
    return pairs / median(seconds[1:])


def face(height: int, width: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the astronaut's face, (height, width, 3) uint8, and its landmarks, (478, 2) px."""
    picture = cv2.resize(np.ascontiguousarray(skimage.data.astronaut()[:256, 96:352]), (width, height))
    with FaceMesh() as mesh:
        return picture, mesh.landmarks(picture)


def flow_agreement(device: str, size: int = 448, count: int = 4) -> str:
    """Return how far flow on `device` is from flow on the CPU, on rendered faces in motion."""
    pairs = [render_pair(7, index, size) for index in range(count)]
    frames = [np.stack([getattr(pair, name) for pair in pairs]) for name in ("frame1", "frame2")]
    flows = [estimate_batch(load_method("srflownet", name), *frames) for name in ("cpu", device)]
    apart = np.linalg.norm(flows[1] - flows[0], axis=-1)
    verdict = "within" if apart.mean() <= TOLERANCE["flow"] else "BEYOND"
    return (
        f"srflownet, {count} pairs of {size} px, CPU against {device}: mean {apart.mean():.6f} px, largest "
        f"{apart.max():.5f} px; the mean is {verdict} the stated {TOLERANCE['flow']} px."
    )


def folds_together(device: str, subjects: int = SUBJECTS, clips: int = CLIPS, epochs: int = 10) -> str:
    """Return seconds of all folds on CPU and GPU, and how far their probabilities lie apart.

    mer_net is a kernel method without a network, so its network `light_net` stands here.
    """
    rng = np.random.default_rng(0)
    y, subject = rng.integers(0, 3, clips), np.arange(clips) % subjects
    X = rng.normal(0, 1, (clips, 3, SIDE, SIDE)).astype(np.float32)
    X[:, :, 10:20, :10] += y[:, None, None, None]
    folds = [np.flatnonzero(subject != s) for s in range(subjects)]
    rows = []
    networks: dict[str, Callable[..., Any]] = {
        "ststnet": partial(ststnet.Classifier, epochs=epochs),
        "light_net": partial(light_net.Classifier, steps=4 * epochs),
    }
    for name, build in networks.items():
        seconds, probabilities = [], []
        for where in ("cpu", device):
            start = time.perf_counter()
            fitted = dict(build(device=where).fit_folds(X, y, folds))
            seconds.append(time.perf_counter() - start)
            held_out = [fitted[s].predict_proba(X[subject == s]) for s in range(subjects)]
            probabilities.append(np.concatenate(held_out))
        apart = float(np.abs(probabilities[1] - probabilities[0]).max())
        verdict = "equal" if apart <= TOLERANCE["probability"] else "NOT equal"
        rows.append([name, f"{seconds[0]:.1f}", f"{seconds[1]:.1f}", f"{apart:.1e}", verdict])
    header = ["classifier", "CPU, s", f"{device}, s", "largest difference of a probability", "within 2e-3"]
    return markdown.format_table(header, rows, numbers_from=1)


def blends(size: int = 512, count: int = 4) -> str:
    """Return the rate of rendering with our blend and gsplat's, and how far they lie apart."""
    if not gsplat_backend.available():
        raise Skipped("gsplat is not installed, or there is no CUDA GPU (pip install gsplat).")
    render_pair(3, 0, size, sensor=False, gpu=True)  # the first call compiles
    made, seconds = [], []
    for gpu in (False, True):
        start = time.perf_counter()
        made.append([render_pair(3, index, size, sensor=False, gpu=gpu) for index in range(count)])
        seconds.append(time.perf_counter() - start)
    both = list(zip(*made))
    grey = np.mean([np.abs(a.frame1.astype(float) - b.frame1).mean() for a, b in both])
    flow = np.mean([np.linalg.norm(a.flow - b.flow, axis=-1)[a.face].mean() for a, b in both])
    return (
        f"{count} pairs of {size} px: ours {count / seconds[0]:.2f}, gsplat {count / seconds[1]:.2f} pairs "
        f"per second; mean difference {grey:.3f} grey levels and {flow:.4f} px of flow."
    )


def first_steps(out: Path, seconds: float, device: str, config: TrainConfig | None = None) -> str:
    """Train for so many seconds as a process of its own; write loss.csv and loss.png.

    The default `config` is configs/flow-full.yaml, its schedule untouched, uncompiled to save minutes.
    """
    if seconds <= 0:
        raise Skipped("the other parts took all the time.")
    if config is None:
        changed = {"torch_compile": False, "n_workers": max(1, min(14, n_cores() - 1)), "report_every": 10}
        config = load_config(find_config("flow-full")).model_copy(update=changed)
    with tempfile.TemporaryDirectory() as scratch:
        settings, folder = Path(scratch) / "config.yaml", Path(scratch) / "training"
        settings.write_text(yaml.safe_dump(config.model_dump(mode="json")))
        words = ["flow", "train", str(settings), "--out", str(folder), "--device", device]
        training = subprocess.Popen([sys.executable, "-m", "mer.cli", *words])
        try:
            training.wait(seconds)
        except subprocess.TimeoutExpired:
            training.send_signal(signal.SIGINT)
            try:
                training.wait(30)
            except subprocess.TimeoutExpired:
                training.kill()
                training.wait()
        log = folder / "log.csv"
        rows = pd.read_csv(log, names=["step", "name", "value"]) if log.is_file() else pd.DataFrame()
    if rows.empty:
        raise Skipped(f"no step was reported in {seconds:.0f} s; exit code {training.returncode}.")
    curve = rows.pivot(index="step", columns="name", values="value")
    out.mkdir(parents=True, exist_ok=True)
    curve.to_csv(out / "loss.csv")
    _draw(curve, out / "loss.png")
    first, last = curve.iloc[0], curve.iloc[-1]
    return (
        f"{config.network} network, {curve.index[-1]} of {config.steps} steps (batch {config.batch_size}, "
        f"{config.frame_size_px} px): loss {first['loss']:.3f} to {last['loss']:.3f}, error "
        f"{last['epe']:.3f} px where zero flow has "
        f"{last['still_epe']:.3f}. Each value is a mean over {config.report_every} steps.\n\n"
        "![Loss](loss.png)"
    )


def _draw(curve: pd.DataFrame, path: Path) -> None:
    """Draw the loss, and the error beside that of zero flow."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(curve.index, curve["loss"])
    left.set(xlabel="step", ylabel="loss")
    right.plot(curve.index, curve["epe"], label="network")
    right.plot(curve.index, curve["still_epe"], label="zero flow")
    right.set(xlabel="step", ylabel="end-point error, px")
    right.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
