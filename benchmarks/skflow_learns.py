"""Does the published network form (`flow/srflownet/skflow.py`) learn? Its loss curve on small crops.

    python -m benchmarks.skflow_learns POOL --portraits DIR --head-model FILE --faces DIR --out OUT

First the encoder alone learns to match features along known flow, then the whole network is trained with a
few iterations. Both go on from their checkpoints. This shows that the network learns, not what it reaches:
that takes a GPU and `configs/flow-full.yaml`. Writes OUT/skflow-learns.md.
"""

from pathlib import Path

import click
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.measured_pairs import TITLES, MeasuredPairs, sources
from flow import srflownet
from flow.benchmark.entries import ZERO_FLOW
from flow.estimate import load_method
from flow.srflownet.data.mixture import SourceMixture
from flow.srflownet.skflow import CELL_PX
from flow.srflownet.train import train
from flow.srflownet.train_config import TrainConfig
from mer_core import markdown
from mer_core.io import read_json, write_json, write_text
from mer_core.progress import say

SHARES = {"generic": 0.35, "pool": 0.65}
SIZE, BATCH, ITERATIONS = 96, 2, 4
MATCHING_PEAK_PX = (1.0, 24.0)  # of several cells, or there is little to match
MATCHING_RATE = 4e-4
TEST = 7  # seed of the pairs that measure
TEST_HEADER = ["pairs it has not seen", "EPE after training, px", "EPE of zero flow, px"]
CURVE_HEADER = ["step", "loss", "training error, px", "zero flow, px", "ratio"]


@click.command(help=__doc__.splitlines()[0])
@click.argument("pool", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--portraits", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--head-model", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--faces", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--matching-steps", default=200, show_default=True, help="Of the encoder alone.")
@click.option("--steps", default=300, show_default=True, help="Of the whole network.")
@click.option("--pairs", default=12, show_default=True, help="Of each kind, to measure on.")
def main(
    pool: Path,
    portraits: Path,
    head_model: Path,
    faces: Path | None,
    out: Path,
    matching_steps: int,
    steps: int,
    pairs: int,
) -> None:
    torch.set_num_threads(1)
    start = out / "encoder" / "weights.safetensors"
    if not start.exists():
        pretrain_encoder(pool, matching_steps, start)
    weights = train(training(pool, start, steps), out / "network", device="cpu")
    test = MeasuredPairs(out, sources(portraits, head_model, faces), TEST, pairs)
    test.add("zero", ZERO_FLOW)
    test.add("skflow", load_method("srflownet", "cpu", weights=weights))
    log = pd.read_csv(out / "network" / "log.csv", names=["step", "quantity", "value"])
    text = page(read_json(start.with_name("losses.json"))["losses"], log, test.errors())
    write_text(out / "skflow-learns.md", text)
    click.echo(text)


def training(pool: Path, start: Path, steps: int) -> TrainConfig:
    """Return the training of the whole network after its encoder."""
    return TrainConfig(
        network="full",
        network_settings={"iterations": ITERATIONS},
        init_weights=str(start),
        data_fractions=SHARES,
        pool_folder=str(pool),
        frame_size_px=SIZE,
        batch_size=BATCH,
        steps=steps,
        learning_rate=2.5e-4,
        motion_curriculum_steps=steps // 10,
        ema_decay=0.98,
        save_every=25,
        report_every=max(1, steps // 10),
    )


def pretrain_encoder(pool: Path, steps: int, path: Path) -> None:
    """Teach a new network's encoder to match features along known flow; write the network to `path`."""
    torch.manual_seed(0)
    network = srflownet.build_network("full", iterations=ITERATIONS)
    optimizer = torch.optim.AdamW(network.fnet.parameters(), MATCHING_RATE)
    pairs, losses = SourceMixture(SHARES, 0, SIZE, MATCHING_PEAK_PX, pool_folder=pool), []
    for step in range(steps):
        drawn = [pairs[step * BATCH + k] for k in range(BATCH)]
        onset, apex, flow = (
            torch.from_numpy(np.stack([getattr(pair, name) for pair in drawn])).permute(0, 3, 1, 2).float()
            for name in ("onset", "apex", "flow")
        )
        loss = matching_loss(network.fnet, onset, apex, flow)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    say(f"encoder: matching loss {np.mean(losses[-20:]):.3f}")
    srflownet.save_weights(path, network.state_dict(), "full", {"iterations": ITERATIONS}, "encoder alone")
    write_json(path.with_name("losses.json"), {"losses": losses})


def matching_loss(encoder: nn.Module, onset: Tensor, apex: Tensor, flow: Tensor) -> Tensor:
    """Return the cross-entropy of which cell of the apex each cell of the onset moved to.

    A place between cells counts for the four around it; cells that leave the frame count for none.

    Parameters
    ----------
    onset, apex : (N, 3, H, W) 0..255
    flow : (N, 2, H, W) px
    """
    first, second = (encoder(frame * (2 / 255) - 1) for frame in (onset, apex))
    n, channels, height, width = first.shape
    alike = first.flatten(2).transpose(1, 2) @ second.flatten(2) / channels**0.5  # (N, h w, h w)
    moved = F.avg_pool2d(flow, CELL_PX) / CELL_PX
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    x, y = (moved[:, 0] + columns).flatten(1), (moved[:, 1] + rows).flatten(1)
    near_x, near_y = (
        (1 - (place[..., None] - torch.arange(side)).abs()).clamp(min=0)
        for place, side in ((x, width), (y, height))
    )
    target = (near_y[..., :, None] * near_x[..., None, :]).flatten(2)  # (N, h w, h w)
    return -(target * alike.log_softmax(dim=-1)).sum() / target.sum().clamp(min=1)


def page(matching: list[float], log: pd.DataFrame, errors: pd.DataFrame) -> str:
    """Return docs/results/skflow-learns.md."""
    curve = log.pivot(index="step", columns="quantity", values="value")
    rows = [
        [
            step,
            f"{line['loss']:.3f}",
            f"{line['epe']:.3f}",
            f"{line['still_epe']:.3f}",
            f"{line['epe'] / line['still_epe']:.2f}",
        ]
        for step, line in curve.iterrows()
    ]
    mean = errors.groupby(["network", "kind"])["epe"].mean()
    measured = [
        [title, f"{mean['skflow', kind]:.3f}", f"{mean['zero', kind]:.3f}"] for kind, title in TITLES.items()
    ]
    edge = max(1, len(matching) // 10)
    ratio = curve["epe"] / curve["still_epe"]
    does_match = np.mean(matching[-edge:]) < np.mean(matching[:edge])
    is_better = all(mean["skflow", kind] < mean["zero", kind] for kind in TITLES)
    return f"""# Does the published network form learn?

**The encoder {"does" if does_match else "does not"}; the whole network is \
{"better" if is_better else "still worse"} than predicting nothing.** In {curve.index.max()} steps on one CPU
core its training error goes from {ratio.iloc[0]:.2f} to {ratio.iloc[-1]:.2f} times that of zero flow.

{markdown.format_table(TEST_HEADER, measured, numbers_from=1)}

A step is {BATCH} pairs of {SIZE} px with {ITERATIONS} iterations, far less than the network needs:
`configs/flow-full.yaml` is the real training, for a GPU, and {TrainConfig().network} weights ship instead.
The question here is only whether it learns:

{markdown.format_table(CURVE_HEADER, rows, numbers_from=0)}

Each line is the mean over the steps since the one before. The largest generic motion grows over the first
tenth of the steps, so compare the ratio, not the error. Before this, the encoder alone learned for
{len(matching)} steps to match features along known flow: cross-entropy {np.mean(matching[:edge]):.2f} at
first, {np.mean(matching[-edge:]):.2f} at the end; guessing among {(SIZE // CELL_PX) ** 2} cells is
{np.log((SIZE // CELL_PX) ** 2):.2f}.

{errors["pair"].nunique()} pairs of each kind at 224 px; errors over the face. Made by
`python -m benchmarks.skflow_learns POOL --portraits DIR --head-model FILE --faces DIR --out OUT`.
"""


if __name__ == "__main__":
    main()
