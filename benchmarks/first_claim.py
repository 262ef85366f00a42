"""The paper's first claim in its own terms: pretrained networks with and without splat faces in training.

    python -m benchmarks.first_claim RAFT POOL --portraits DIR --head-model FILE --faces DIR --out OUT

RAFT-small as its authors released it is measured at three input scales, then fine-tuned (a) on the generic
set and (b) on generic and splat faces, for the same number of steps, from three seeds; the compact network is
trained likewise from random starts. Pairs, trainings and measurements that OUT holds are not made again, so
that it can be stopped and started again. Writes OUT/first-claim.md.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import torch

from benchmarks import first_claim_page
from benchmarks.measured_pairs import MeasuredPairs, sources
from benchmarks.raft_training import SCALE, FineTuning, fine_tune
from flow.benchmark.entries import ZERO_FLOW
from flow.estimate import load_method
from flow.srflownet.data.render_pool import pool_files
from flow.srflownet.train import train
from flow.srflownet.train_config import TrainConfig
from mer_core.io import write_json, write_text

DEVELOPMENT, TEST = 20, 7  # seeds of the pairs: the scale is chosen on the first, results are of the second
SCALES = (1, 2, 3)  # of RAFT's input
DATA = {"a": {"generic": 1.0}, "b": {"generic": 0.35, "pool": 0.65}}
SEEDS = (0, 1, 2)


@click.command(help=__doc__.splitlines()[0])
@click.argument("raft", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("pool", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--portraits", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--head-model", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--faces", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--steps", default=800, show_default=True, help="Of each fine-tuning of RAFT.")
@click.option("--compact-steps", default=150, show_default=True, help="Of each compact network.")
@click.option("--pairs", default=12, show_default=True, help="Of each kind, to measure on.")
@click.option("--stop-after", type=click.Choice(["pairs", "released", "raft"]), help="Stop early.")
def main(
    raft: Path,
    pool: Path,
    portraits: Path,
    head_model: Path,
    faces: Path | None,
    out: Path,
    steps: int,
    compact_steps: int,
    pairs: int,
    stop_after: str | None,
) -> None:
    torch.set_num_threads(1)
    kinds = sources(portraits, head_model, faces)
    development = MeasuredPairs(out, kinds, DEVELOPMENT, max(1, pairs // 2))
    test = MeasuredPairs(out, kinds, TEST, pairs)
    stages: dict[str, Callable[[], object]] = {
        "pairs": lambda: [list(one.pairs()) for one in (development, test)],
        "released": partial(measure_released, raft, development, test),
        "raft": partial(train_and_measure, "raft", raft, pool, steps, test),
        "compact": partial(train_and_measure, "compact", raft, pool, compact_steps, test),
    }
    for name, stage in stages.items():
        stage()
        if name == stop_after:
            break
    if stop_after != "pairs":
        trained = first_claim_page.trainings(out / "trainings")
        text = first_claim_page.page(
            development.errors(), test.errors(), trained, [path.name for path in pool_files(pool)]
        )
        write_text(out / "first-claim.md", text)
        click.echo(text)


def measure_released(raft: Path, development: MeasuredPairs, test: MeasuredPairs) -> None:
    """Measure RAFT as released at its own, the trainings' and its best scale, and methods to compare with."""
    method = {scale: load_method("raft", "cpu", weights=raft, scale=float(scale)) for scale in SCALES}
    for scale in SCALES:
        development.add(f"raft-released-x{scale}", method[scale])
    for scale in sorted({1, SCALE, first_claim_page.best_scale(development.errors())}):
        test.add(f"raft-released-x{scale}", method[scale])
    test.add("zero", ZERO_FLOW)
    for name in ("variational", "srflownet"):
        test.add(name, load_method(name, "cpu"))


def train_and_measure(network: str, start: Path, pool: Path, steps: int, test: MeasuredPairs) -> None:
    """Train both arms seed by seed, so that what is done compares at any time."""
    for seed in SEEDS:
        for arm in DATA:
            name = f"{network}-{arm}-{seed}"
            out = test.folder / "trainings" / name
            if network == "raft":
                weights = fine_tune(start, FineTuning(DATA[arm], seed, steps), pool, out)
                method = load_method("raft", "cpu", weights=weights, scale=float(SCALE))
            else:
                weights = _train_compact(compact_config(arm, seed, pool, steps), out)
                method = load_method("srflownet", "cpu", weights=weights, detect_landmarks=False)
            test.add(name, method)


def compact_config(arm: str, seed: int, pool: Path, steps: int) -> TrainConfig:
    """Return the training of the compact network; both arms of a seed share the random start."""
    return TrainConfig(
        data_fractions=DATA[arm],
        seed=seed,
        pool_folder=str(pool),
        steps=steps,
        frame_size_px=128,
        motion_range_px=(0.1, 12.0),
        motion_curriculum_steps=steps // 10,
        batch_size=4,
        learning_rate=8e-4,
        ema_decay=0.98,
        save_every=25,
        report_every=25,
    )


def _train_compact(config: TrainConfig, out: Path) -> Path:
    began = time.process_time()
    weights = train(config, out, device="cpu")
    if not (out / "progress.json").exists():
        write_json(out / "progress.json", {"step": config.steps, "seconds": time.process_time() - began})
    return weights


if __name__ == "__main__":
    main()
