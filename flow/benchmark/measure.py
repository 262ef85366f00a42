"""Measure flow methods on faces with known motion: one table for all methods, as CSV and Markdown.

Measured per method and frame size, over the pairs of a `PairSource`:
- end-point error (EPE), px: the length of the difference between estimated and true flow, averaged over the
  face and then over pairs; also by peak amplitude and slope of the pair and by motion of the pixel;
- error of the flow's gradient (which strain is made of), Frobenius norm, px per px;
- motion reported on the same face twice with independent noise, where the ground truth is zero, px;
- seconds per pair, brightness matching included;
- the limit of the pairs (`flow/benchmark/limit.py`).

Each measurement is stored at once, so an interrupted run continues where it stopped.
"""

import json
import platform
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from safetensors import safe_open

from flow.benchmark.entries import BenchmarkEntry, benchmark_entries
from flow.benchmark.pairs import BenchmarkPair
from flow.benchmark.source import PHOTOGRAPHS, PairSource
from flow.benchmark.table import LIMIT_ROW, MOTION_EDGES, bin_name, tabulate, to_markdown
from flow.estimate import Method, estimate
from mer_core import __version__
from mer_core.io import atomic_replace, write_text
from mer_core.progress import say, track

MOVING_PAIRS_PER_STILL = 8


def run_benchmark(
    methods: Sequence[str | Method | BenchmarkEntry] | None = None,
    sizes: Sequence[int] = (224, 448),
    count: int = 200,
    seed: int = 0,
    source: PairSource = PHOTOGRAPHS,
    out: str | Path = "flow-benchmark",
    threads: int = 1,
    weights: str | Path | None = None,
    device: str = "auto",
) -> str:
    """Measure `methods`, write `out`/flow-benchmark.csv and .md, and return the Markdown.

    `out`/measured.jsonl holds the measurements so far; it is deleted when the tables are written.

    Parameters
    ----------
    methods : sequence of str or Method or BenchmarkEntry or None
        Names, results of `load_method`, or entries; None for all.
    sizes : sequence of int
        Sides of the frames, px.
    count : int
        Pairs per size; an eighth as many still pairs are added.
    seed : int
        Determines every pair.
    source : PairSource
        The kind of pairs.
    threads : int
        CPU threads per method; determines the seconds.
    weights, device : path or None, str
        See `benchmark_entries`.
    """
    rows = benchmark_entries(methods, weights, device)
    _set_threads(threads, any(row.method.network for row in rows))
    facts = _describe_run(methods, weights, sizes, count, seed, source, threads)
    facts += [fact for row in rows if row.method.weights for fact in _describe_weights(row)]
    facts += sorted({f"Networks ran on {row.method.device}" for row in rows if row.method.device != "cpu"})
    measured = _MeasurementLog(Path(out) / "measured.jsonl", facts)
    for size in sizes:
        for still in (False, True):
            number = max(1, count // MOVING_PAIRS_PER_STILL) if still else count
            pairs = source.pairs(size, number, seed, still)
            for index, pair in enumerate(track(pairs, f"{size} px{', still' if still else ''}", number)):
                place = (size, still, index)
                for row in rows:
                    measured.add(
                        place, row.label, pair, partial(_measure_still if still else _measure_moving, row)
                    )
                if pair.limit is not None:
                    measured.add(place, LIMIT_ROW, pair, _limit_record)
    table = tabulate(pd.DataFrame(measured.records.values()), source.peak_edges)
    with atomic_replace(Path(out) / "flow-benchmark.csv") as temporary:
        table.to_csv(temporary, index=False, float_format="%.5g")
    text = to_markdown(table, facts, source.title)
    write_text(Path(out) / "flow-benchmark.md", text)
    measured.path.unlink()
    return text


class _MeasurementLog:
    """Measurements so far, one JSON line each; reuses those of an earlier run with the same facts."""

    def __init__(self, path: Path, facts: list[str]):
        self.path, self.records = path, {}
        path.parent.mkdir(parents=True, exist_ok=True)
        # Drop a line that was only partly written.
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        if not lines or json.loads(lines[0]) != facts:
            lines = [json.dumps(facts)]
        write_text(path, "\n".join(lines) + "\n")
        for line in lines[1:]:
            key, record = json.loads(line)
            self.records[tuple(key)] = record
        if self.records:
            say(f"{path}: continuing after {len(self.records)} measurements.")

    def add(
        self,
        place: tuple[int, bool, int],
        label: str,
        pair: BenchmarkPair,
        measure: Callable[[BenchmarkPair], dict[str, Any]],
    ) -> None:
        """Measure one row on one pair unless done; `place` is (size, still, number of the pair)."""
        key = (*place, label)
        if key in self.records:
            return
        self.records[key] = {"size": place[0], "label": label, **measure(pair)}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([key, self.records[key]]) + "\n")


def _estimate(row: BenchmarkEntry, pair: BenchmarkPair) -> np.ndarray:
    return estimate(row.method, pair.frame1, pair.frame2, match_exposure=row.match_exposure)


def _measure_moving(row: BenchmarkEntry, pair: BenchmarkPair) -> dict[str, Any]:
    """Return the errors of one method on one pair, as columns."""
    start = time.perf_counter()
    flow = _estimate(row, pair)
    seconds = time.perf_counter() - start
    error = np.linalg.norm(flow - pair.flow, axis=-1)[pair.mask]
    motion = np.linalg.norm(pair.flow, axis=-1)[pair.mask]
    record = {"seconds": seconds, "epe": float(error.mean()), **_pair_properties(pair)}
    record["gradient"] = _mean_gradient_error(flow, pair.flow, pair.mask)
    for low, high in zip(MOTION_EDGES, MOTION_EDGES[1:]):
        inside = (motion >= low) & (motion < high)
        record[f"sum {bin_name(low, high)}"] = float(error[inside].sum())
        record[f"pixels {bin_name(low, high)}"] = int(inside.sum())
    return record


def _pair_properties(pair: BenchmarkPair) -> dict[str, Any]:
    """Return face, peak (px at 224) and 99th percentile of the motion's slope (px per px) of a pair."""
    slope = np.percentile(_jacobian_norm(pair.flow)[pair.mask], 99)
    return {"face": pair.name, "peak": float(pair.peak), "slope": float(slope)}


def _limit_record(pair: BenchmarkPair) -> dict[str, Any]:
    return {"epe": pair.limit, **_pair_properties(pair)}


def _measure_still(row: BenchmarkEntry, pair: BenchmarkPair) -> dict[str, float]:
    """Return the motion that a method reports on a still pair, px."""
    return {"still": float(np.linalg.norm(_estimate(row, pair), axis=-1)[pair.mask].mean())}


def _mean_gradient_error(flow: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """Return the mean Frobenius norm over `mask` of the difference of the two Jacobians, px per px."""
    return float(_jacobian_norm(flow.astype(float) - truth)[mask].mean())


def _jacobian_norm(flow: np.ndarray) -> np.ndarray:
    """Return the Frobenius norm (H, W) of the Jacobian of a flow (H, W, 2), px per px."""
    along_y, along_x = np.gradient(flow, axis=(0, 1))
    return np.sqrt((along_y**2 + along_x**2).sum(-1))


def _set_threads(threads: int, networks: bool) -> None:
    cv2.setNumThreads(threads)
    if networks:
        import torch

        torch.set_num_threads(threads)


def _describe_run(
    methods,
    weights: str | Path | None,
    sizes: Sequence[int],
    count: int,
    seed: int,
    source: PairSource,
    threads: int,
) -> list[str]:
    """Return what a reader needs to reproduce the numbers."""
    words = [f"mer flow benchmark --pairs {count} --seed {seed}"] + [f"--size {size}" for size in sizes]
    words += source.command_options()
    words += [f"--method {name}" for name in methods or () if isinstance(name, str)]
    words += [f"--weights {Path(weights).name}"] if weights else []
    command = " ".join(words)
    if not all(isinstance(method, str) for method in methods or ()):
        command += ", from Python with additional methods"
    installed = {"mer": __version__} | {name: version(name) for name in ("numpy", "torch", "torchvision")}
    packages = ", ".join(f"{name} {number}" for name, number in installed.items())
    return [
        f"Command: {command}",
        f"Versions: Python {platform.python_version()}, OpenCV {cv2.__version__}, {packages}",
        f"CPU: {cpu_name()}, {threads} thread{'s' if threads > 1 else ''}",
        *source.describe(),
    ]


def _describe_weights(row: BenchmarkEntry) -> list[str]:
    """Return digest and training note of a network's weights."""
    facts = [f"Weights of {row.label}: SHA-256 {(row.method.weights or '')[:16]}..."]
    path = Path(getattr(row.method.run, "weights", None) or "")
    if path.suffix == ".safetensors":
        with safe_open(str(path), "np") as file:
            note = (file.metadata() or {}).get("note")
        facts += [f"Training of {row.label}: {note}"] if note else []
    return facts


def cpu_name() -> str:
    """Return the name of the CPU, which the `platform` module does not know on Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
