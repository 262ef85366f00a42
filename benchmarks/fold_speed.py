"""Time of all folds of one seed of STSTNet: all at once, and one fold after another as public code does.

Not a measure of accuracy: the maps are noise. Both ways are timed on the same CPU threads in one run,
in turns, so that a busy machine slows both alike. A fold's training has the same steps throughout, so a few
epochs measure any number.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import numba
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from mer.classifiers.ststnet import STREAMS, Classifier
from mer_core import markdown
from mer_core.text import format_count

SUBJECTS, CLIPS, SIDE = 68, 442, 28  # the MEGC 2019 composite
REGIMES = {"default": 40, "published": 800}  # epochs, in batches of 256
HEADER = ["", "s, default", "s, published", "times faster, default", "times faster, published"]
# FLOP per clip, epoch and fold: the filters, and the ninth of them that passes back.
WORK = SIDE * SIDE * sum(STREAMS) * 27 * 2 * (1 + 1 / 9)


class Usual(nn.Module):
    """STSTNet as usually written, (N, 3, 28, 28) -> (N, 3): three parallel convolutions, torch's layout."""

    def __init__(self):
        super().__init__()
        self.streams = nn.ModuleList(nn.Conv2d(3, channels, 3, padding=1) for channels in STREAMS)
        self.head = nn.Linear(400, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pooled = torch.cat([F.max_pool2d(F.relu(stream(x)), 3, 3, padding=1) for stream in self.streams], 1)
        return self.head(F.avg_pool2d(pooled, 2).flatten(1))


def measure(rounds: int = 3, epochs: int = 4, folds_alone: int = 3) -> dict[str, float]:
    """Return seconds per fold and epoch of each way, the median over `rounds`.

    `start` is what all at once takes before the first epoch.
    """
    rng = np.random.default_rng(0)
    subjects = np.arange(CLIPS) % SUBJECTS
    X, y = rng.normal(0, 1, (CLIPS, 3, SIDE, SIDE)).astype(np.float32), rng.integers(0, 3, CLIPS)
    folds = [np.flatnonzero(subjects != s) for s in range(SUBJECTS)]
    together(X, y, folds, 1)  # the first call of a routine is slower than the others
    usual(X, y, folds[:1], 1)
    devices = ["cpu"] + ["cuda"] * torch.cuda.is_available()
    for device in devices[1:]:
        together(X, y, folds, 1, device)
    seconds: dict[str, list[float]] = {"usual": [], "loop": []}
    seconds |= {f"{part} {device}": [] for part in ("together", "start") for device in devices}
    for _ in range(rounds):
        seconds["usual"].append(usual(X, y, folds[:folds_alone], epochs) / folds_alone / epochs)
        seconds["loop"].append(loop(X, y, folds[:folds_alone], epochs) / folds_alone / epochs)
        for device in devices:
            one, more = together(X, y, folds, 1, device), together(X, y, folds, 1 + epochs, device)
            seconds[f"together {device}"].append((more - one) / SUBJECTS / epochs)
            seconds[f"start {device}"].append(one - (more - one) / epochs)
    return {name: statistics.median(values) for name, values in seconds.items()}


def compiling() -> float:
    """Measure how much longer a first call takes without a compiled kernel on disk, s."""
    call = (
        "import numpy as np; from benchmarks.fold_speed import together; "
        "X = np.random.default_rng(0).normal(0, 1, (8, 3, 28, 28)).astype(np.float32); "
        "print(together(X, np.arange(8) % 3, [np.arange(7)], 1))"
    )
    with tempfile.TemporaryDirectory() as empty:
        environment = {**os.environ, "NUMBA_CACHE_DIR": empty}
        new, again = (
            float(
                subprocess.run(
                    [sys.executable, "-c", call], env=environment, check=True, capture_output=True
                ).stdout
            )
            for _ in range(2)
        )
    return new - again


def usual(X: np.ndarray, y: np.ndarray, folds: list[np.ndarray], epochs: int) -> float:
    """Return the seconds to train `folds` one after another with `Usual`."""
    began = time.perf_counter()
    for fold in folds:
        x, labels = torch.from_numpy(X[fold]), torch.from_numpy(y[fold])
        net = Usual()
        optimizer = torch.optim.Adam(net.parameters(), lr=5e-5)
        for _ in range(epochs):
            for batch in torch.randperm(len(x)).split(256):
                optimizer.zero_grad()
                F.cross_entropy(net(x[batch]), labels[batch]).backward()
                optimizer.step()
    return time.perf_counter() - began


def loop(X: np.ndarray, y: np.ndarray, folds: list[np.ndarray], epochs: int) -> float:
    """Return the seconds to train `folds` one after another with this project's classifier."""
    began = time.perf_counter()
    for fold in folds:
        Classifier(epochs=epochs).fit(X[fold], y[fold], positions=fold)
    return time.perf_counter() - began


def together(
    X: np.ndarray, y: np.ndarray, folds: list[np.ndarray], epochs: int, device: str = "cpu"
) -> float:
    """Return the seconds to train `folds` all at once."""
    began = time.perf_counter()
    for _ in Classifier(epochs=epochs, device=device).fit_folds(X, y, folds):
        pass
    return time.perf_counter() - began


def peak(size: int = 1024) -> float:
    """Measure the floating-point operations per second of a large matrix product."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    out = a @ b
    best = min(_seconds(lambda: torch.mm(a, b, out=out)) for _ in range(20))
    return 2 * size**3 / best


def _seconds(work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def page() -> str:
    """Measure, and return docs/results/cv-speed.md."""
    found = measure()
    names = {
        "usual": "the usual way: three convolutions, one fold after another",
        "loop": "this project's classifier, one fold after another",
        "together cpu": "all folds at once (`mer cv`)",
        "together cuda": "all folds at once on a GPU (`device: cuda` in the configuration)",
    }
    rows, speedup = [], {}
    for name, title in names.items():
        if name not in found:
            continue
        extra = found.get(name.replace("together", "start"), 0) if name.startswith("together") else 0
        times = [found[name] * SUBJECTS * epochs + extra for epochs in REGIMES.values()]
        faster = [(found["usual"] * SUBJECTS * epochs) / t for epochs, t in zip(REGIMES.values(), times)]
        rows.append([title, *(f"{t:.0f}" for t in times), *(f"{ratio:.1f}" for ratio in faster)])
        speedup[name] = faster[0]
    rate, best = WORK * (CLIPS - CLIPS / SUBJECTS) / found["together cpu"], peak()
    once = compiling()
    return f"""# How long a cross-validation takes

Leaving each of {SUBJECTS} subjects out, `mer cv` trains STSTNet {speedup["together cpu"]:.0f} times faster
than the usual code, one fold after another.

{markdown.format_table(HEADER, rows)}

- All train the same network for as many batches and epochs ({REGIMES["default"]} epochs by default,
  {REGIMES["published"]} as published), in float32. All but the first see the same batches and end with the
  same classifier to rounding (`tests/mer/classifiers/test_ststnet_folds.py`).
- Seconds are those of a few epochs, multiplied to the number of each regime.
- The kernel of all folds at once (`mer/classifiers/ststnet/kernel.py`) is compiled at its first call, which
  takes {once:.1f} s more and is not in the table; later runs find it on disk.
- The minimum per clip, epoch and fold is {WORK / 1e6:.2f} MFLOP (the filters at every pixel, and a ninth of
  them in the backward pass): {WORK * CLIPS * SUBJECTS * REGIMES["published"]:.1e} FLOP for the published
  regime. All at once reaches {rate / 1e9:.0f} GFLOP/s, {100 * rate / best:.0f} % of the {best / 1e9:.0f} of
  a large matrix product on the same threads.

**Data**: {CLIPS} clips of {SIDE} x {SIDE} x 3, batches of 256, one seed;
{format_count(torch.get_num_threads(), "thread")} on {platform.machine()}, torch {torch.__version__}, numba
{numba.__version__}.
{"" if "together cuda" in found else "There was no GPU to measure."}

```
python -m benchmarks.fold_speed
```
"""


if __name__ == "__main__":
    print(page(), end="")
