"""Pairs per second of the flow networks on a GPU, in batches: `python -m benchmarks.gpu --out
FILE`.

Frames start as uint8 in host memory and flow ends there as float32, so the copies are in the time;
matching the brightness is not, which is the CPU's work. Trained or random weights take as long.
"""

import tempfile
import time
from pathlib import Path
from statistics import median

import click
import numpy as np
import torch

from benchmarks.flow_speed import load_row
from flow.estimate import estimate_batch
from mer_core import markdown
from mer_core.device import choose
from mer_core.io import write_text
from mer_core.progress import say

ROWS = (
    "srflownet, compact",
    "srflownet, full (random weights)",
    "raft small (random weights)",
    "raft large (random weights)",
)
CALLS = ((256, 256, 256), (512, 512, 64), (1100, 1604, 4))  # height, width, pairs in one call
ROUNDS = 5  # after one that is not measured


@click.command(help=__doc__.splitlines()[0])
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("flow-gpu-speed.md"),
    show_default=True,
)
@click.option("--device", type=click.Choice(["cuda", "cpu"]), default="cuda", show_default=True)
def main(out: Path, device: str) -> None:
    where = choose(device)
    found = {}
    for row in ROWS:
        for call in CALLS:
            found[row, call] = measure(row, *call, where)
            say(f"{row}, {call[0]}x{call[1]}: {found[row, call]:.1f} pairs/s")
    text = page(found, torch.cuda.get_device_name() if where.type == "cuda" else "none, measured on the CPU")
    write_text(out, text)
    click.echo(text)


def measure(row: str, height: int, width: int, pairs: int, device: torch.device) -> float:
    """Return pairs per second of calls with `pairs` frames of `height` x `width`, the median.

    0 where they do not fit.
    """
    onsets = np.random.default_rng(0).integers(0, 256, (pairs, height, width, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        method = load_row(row, Path(folder), device=str(device))
    seconds = []
    try:
        for _ in range(1 + ROUNDS):
            start = time.perf_counter()
            estimate_batch(method, onsets, onsets[:, ::-1], match_exposure=False)
            seconds.append(time.perf_counter() - start)
    except torch.cuda.OutOfMemoryError:
        return 0.0
    return pairs / median(seconds[1:])


def page(found: dict[tuple[str, tuple[int, int, int]], float], card: str) -> str:
    """Return the table as Markdown."""
    lines = [
        "# Speed of the flow networks on a GPU",
        "",
        "Pairs per second, copies from and to the CPU included.",
        "",
    ]
    lines += [f"- Card: {card}; torch {torch.__version__}", "- Command: python -m benchmarks.gpu", ""]
    header = ["network", *(f"{h}x{w}, {n} a call" for h, w, n in CALLS)]
    rows = [
        [row, *(f"{found[row, call]:.1f}" if found[row, call] else "out of memory" for call in CALLS)]
        for row in dict.fromkeys(key[0] for key in found)
    ]
    lines.append(markdown.table(header, rows, numbers_from=1))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
