"""Flow methods measured on faces with known motion: one table for all methods, as CSV and Markdown.

What is measured, per method and frame size, over the pairs of `flow/benchmark_pairs.py`:
- EPE, the length of the difference between estimated and true flow, px, averaged over the face and then over pairs;
- the same by peak amplitude of the pair and by motion of the pixel;
- the error of the flow's gradient (what strain is made of), Frobenius norm, px per px;
- the motion reported on the same face twice with independent noise, where the truth is zero, px;
- seconds per pair, brightness matching included.

Each measurement is on disk as soon as it is taken, so a run that was stopped goes on where it was.
"""

import json
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from flow.benchmark_pairs import Pair, make_pairs, rendered_pairs, through_h264
from flow.estimate import Method, default_options, estimate, load_method
from flow.estimate import methods as known_methods
from mer_core import __version__
from mer_core.errors import BadInput
from mer_core.io import replacing, write_text
from mer_core.progress import say, track

PEAK_EDGES = (0.3, 0.6, 1.2, 2.4, 6.0)  # px at 224, in proportion at other sizes
MOTION_EDGES = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, np.inf)  # px
STILL_SHARE = 8  # one still pair for so many moving ones

ZERO = Method("zero", {}, lambda onsets, apexes: np.zeros(onsets.shape[:3] + (2,), np.float32), False)
# Rows that come before a method at its own settings: OpenCV's settings, and what most papers feed their classifiers.
USUAL = {
    "tvl1": (({"preset": "opencv"}, False), ({"preset": "opencv"}, True)),
    "dis": (({"preset": "medium"}, True),),
}


@dataclass(frozen=True)
class Entrant:
    """One row of the table: a loaded method, and whether brightness is matched first."""

    method: Method
    match_exposure: bool = True

    @property
    def label(self) -> str:
        """The method's name and what differs from its own settings; of a file only the name."""
        name, usual = self.method.name, {}
        if name in known_methods():
            usual = default_options(name)
        changed = {
            key: value
            for key, value in self.method.options.items()
            if key not in usual or value != usual[key]
        }
        settings = [
            f"{key}={Path(value).name if key == 'weights' else value}" for key, value in changed.items()
        ]
        if not self.match_exposure:
            settings.append("brightness not matched")
        return f"{name} ({', '.join(settings)})" if settings else name


def entrants(
    chosen: Sequence[str | Method | Entrant] | None = None, weights: str | Path | None = None
) -> list[Entrant]:
    """Rows to measure: zero flow, then those `chosen`, or all methods; a name brings its `USUAL` settings along.

    weights : a file, for the one method that is chosen by name
    A method that cannot be loaded (RAFT without weights) is said and left out, unless it was chosen.
    """
    if weights and (len(chosen or ()) != 1 or not isinstance(chosen[0], str)):
        raise BadInput("Weights belong to one method. Choose it with --method, once.")
    given = {"weights": str(Path(weights).absolute())} if weights else {}
    rows = [Entrant(ZERO)]
    for one in chosen or known_methods():
        if isinstance(one, Entrant):
            rows.append(one)
        elif isinstance(one, Method):
            rows.append(Entrant(one))
        else:
            try:
                named = Entrant(load_method(one, **given))
            except BadInput as error:
                if chosen:
                    raise
                say(f"{one} is left out: {error}")
                continue
            rows += [Entrant(load_method(one, **options), match) for options, match in USUAL.get(one, ())] + [
                named
            ]
    return rows


def run(
    methods: Sequence[str | Method | Entrant] | None = None,
    sizes: Sequence[int] = (224, 448),
    count: int = 200,
    seed: int = 0,
    shared: str | Path | None = None,
    out: str | Path = "flow-benchmark",
    threads: int = 1,
    rendered: bool = False,
    h264: int | None = None,
    weights: str | Path | None = None,
) -> str:
    """Measure `methods` and write `out`/flow-benchmark.csv and .md; returns the Markdown.

    methods : names, `load_method`'s objects or `Entrant`s; None for all
    sizes   : px, sides of the frames
    count   : pairs per size; an eighth as many still pairs come on top
    seed    : fixes every pair
    shared  : a folder with more faces, see `flow.pairs.faces`
    threads : CPU threads each method may use, which decides the seconds
    rendered : measure on rendered faces moved by muscles, instead of photographs under smooth motion
    h264     : pass the frames through a video coder at this constant rate factor
    weights  : see `entrants`

    `out`/measured.jsonl holds what is measured so far; it goes when the tables are written.
    """
    rows = entrants(methods, weights)
    _use_threads(threads, any(row.method.network for row in rows))
    facts = _facts(methods, weights, sizes, count, seed, shared, threads, rendered, h264)
    facts += [
        f"Weights of {row.label}: SHA-256 {row.method.weights[:16]}..." for row in rows if row.method.weights
    ]
    measured = _Measured(Path(out) / "measured.jsonl", facts)
    for size in sizes:
        for still in (False, True):
            number = max(1, count // STILL_SHARE) if still else count
            pairs = (
                rendered_pairs(size, number, seed, still)
                if rendered
                else make_pairs(size, number, seed, shared, still)
            )
            pairs = pairs if h264 is None else through_h264(pairs, h264)
            for index, pair in enumerate(track(pairs, f"{size} px{', still' if still else ''}", number)):
                for row in rows:
                    measured.add((size, still, index), row, pair, _measure_still if still else _measure)
    table = _table(pd.DataFrame(measured.records.values()))
    with replacing(Path(out) / "flow-benchmark.csv") as temporary:
        table.to_csv(temporary, index=False, float_format="%.5g")
    text = _markdown(table, facts)
    write_text(Path(out) / "flow-benchmark.md", text)
    measured.path.unlink()
    return text


class _Measured:
    """What is measured so far, one line each; what an earlier run of the same facts has measured is not measured again."""

    def __init__(self, path: Path, facts: list[str]):
        self.path, self.records = path, {}
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = (
            path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        )  # a broken last line is left out
        if not lines or json.loads(lines[0]) != facts:
            lines = [json.dumps(facts)]
        write_text(path, "\n".join(lines) + "\n")
        for line in lines[1:]:
            key, record = json.loads(line)
            self.records[tuple(key)] = record
        if self.records:
            say(f"{path}: going on after {len(self.records)} measurements.")

    def add(
        self, place: tuple[int, bool, int], row: Entrant, pair: Pair, measure: Callable[[Entrant, Pair], dict]
    ) -> None:
        """Measure one method on one pair, unless that is done; place is (size, still, number of the pair)."""
        key = (*place, row.label)
        if key in self.records:
            return
        self.records[key] = {"size": place[0], "label": row.label, **measure(row, pair)}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([key, self.records[key]]) + "\n")


def _flow(row: Entrant, pair: Pair) -> np.ndarray:
    return estimate(row.method, pair.frame1, pair.frame2, match_exposure=row.match_exposure)


def _measure(row: Entrant, pair: Pair) -> dict[str, Any]:
    """Errors of one method on one pair, as columns."""
    start = time.perf_counter()
    flow = _flow(row, pair)
    seconds = time.perf_counter() - start
    error = np.linalg.norm(flow - pair.flow, axis=-1)[pair.mask]
    motion = np.linalg.norm(pair.flow, axis=-1)[pair.mask]
    record = {"face": pair.name, "peak": float(pair.peak), "epe": float(error.mean()), "seconds": seconds}
    record["gradient"] = _mean_gradient_error(flow, pair.flow, pair.mask)
    for low, high in zip(MOTION_EDGES, MOTION_EDGES[1:]):
        inside = (motion >= low) & (motion < high)
        record[f"sum {_motion_bin(low, high)}"] = float(error[inside].sum())
        record[f"pixels {_motion_bin(low, high)}"] = int(inside.sum())
    return record


def _measure_still(row: Entrant, pair: Pair) -> dict[str, float]:
    """The motion that a method reports on a still pair."""
    return {"still": float(np.linalg.norm(_flow(row, pair), axis=-1)[pair.mask].mean())}


def _mean_gradient_error(flow: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """Mean Frobenius norm over `mask` of the difference of the two flows' Jacobians, px per px."""
    along_y, along_x = np.gradient(flow.astype(float) - truth, axis=(0, 1))
    return float(np.sqrt((along_y**2 + along_x**2).sum(-1))[mask].mean())


def _table(records: pd.DataFrame) -> pd.DataFrame:
    """One row per size and method from one record per size, method and pair."""
    rows = []
    for (size, label), group in records.groupby(["size", "label"], sort=False):
        row = {
            "size": size,
            "method": label,
            "pairs": int(group["epe"].notna().sum()),
            "epe": group["epe"].mean(),
        }
        for low, high in zip(PEAK_EDGES, PEAK_EDGES[1:]):
            row[f"epe_peak_{low:g}_{high:g}"] = group.loc[group["peak"].between(low, high), "epe"].mean()
        for low, high in zip(MOTION_EDGES, MOTION_EDGES[1:]):
            name = _motion_bin(low, high)
            pixels = group[f"pixels {name}"].sum()
            row[f"epe_motion_{name}"] = group[f"sum {name}"].sum() / pixels if pixels else np.nan
        row |= {"gradient_error": group["gradient"].mean(), "still": group["still"].mean()}
        row["seconds"] = group["seconds"].median()
        rows.append(row | {f"epe_on_{face}": part["epe"].mean() for face, part in group.groupby("face")})
    return pd.DataFrame(rows)


def _motion_bin(low: float, high: float) -> str:
    return f"{low:g}_{high:g}" if np.isfinite(high) else f"{low:g}_up"


def _use_threads(threads: int, networks: bool) -> None:
    cv2.setNumThreads(threads)
    if networks:
        import torch

        torch.set_num_threads(threads)


def _facts(
    methods,
    weights: str | Path | None,
    sizes: Sequence[int],
    count: int,
    seed: int,
    shared: str | Path | None,
    threads: int,
    rendered: bool,
    h264: int | None,
) -> list[str]:
    """What a reader needs to make the numbers again."""
    words = [f"mer flow benchmark --pairs {count} --seed {seed}"] + [f"--size {size}" for size in sizes]
    words += (
        ["--faces DIR"] * bool(shared) + ["--rendered"] * rendered + [f"--h264 {h264}"] * (h264 is not None)
    )
    words += [f"--method {name}" for name in methods or () if isinstance(name, str)]
    words += [f"--weights {Path(weights).name}"] if weights else []
    command = " ".join(words)
    if not all(isinstance(method, str) for method in methods or ()):
        command += ", from Python with methods of its own"
    installed = {"mer": __version__} | {name: version(name) for name in ("numpy", "torch", "torchvision")}
    packages = ", ".join(f"{name} {number}" for name, number in installed.items())
    return [
        f"Command: {command}",
        f"Versions: Python {platform.python_version()}, OpenCV {cv2.__version__}, {packages}",
        f"CPU: {processor()}, {threads} thread{'s' if threads > 1 else ''}",
    ]


def processor() -> str:
    """The processor's name; the platform module does not know it on Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _markdown(table: pd.DataFrame, facts: list[str]) -> str:
    """The page: facts, then one section per size with the main table, and the errors by motion below it."""
    faces = sorted(column.removeprefix("epe_on_") for column in table if column.startswith("epe_on_"))
    lines = ["# Flow methods on faces with known motion", ""]
    lines += [
        "Written by `flow/benchmark.py`; what is measured is said there, how the pairs are made in `flow/benchmark_pairs.py`.",
        "",
    ]
    lines += [f"- {fact}" for fact in facts] + [f"- Faces: {', '.join(faces)}", ""]
    for size, part in table.groupby("size", sort=False):
        lines += [
            f"## {size} x {size}, {part['pairs'].max()} pairs",
            "",
            "End-point error in px, over the face; best in bold.",
            "",
        ]
        main = {"method": "method", "epe": "all"}
        main |= {column: f"peak {_title(column)}" for column in table if column.startswith("epe_peak_")}
        main |= {
            "gradient_error": "gradient error",
            "still": "motion on still faces",
            "seconds": "s per pair",
        }
        lines += _rows(part, main) + ["", "By motion of the pixel, px:", ""]
        lines += _rows(
            part, {"method": "method"} | {c: _title(c) for c in table if c.startswith("epe_motion_")}
        )
        lines += ["", "By face:", ""]
        lines += _rows(part, {"method": "method"} | {f"epe_on_{face}": face for face in faces}) + [""]
    lines += ["Peaks are given at 224 px; at another size they, and the bins, grow in proportion."]
    return "\n".join(lines) + "\n"


def _title(column: str) -> str:
    low, high = column.split("_")[2:]
    return f"{low}-{high}" if high != "up" else f"over {low}"


def _rows(part: pd.DataFrame, titles: dict[str, str]) -> list[str]:
    """A Markdown table of the columns in `titles`; the least error of each column in bold, zero flow and time aside."""
    best = {
        column: part.loc[part["method"] != "zero", column].min()
        for column in titles
        if column not in ("method", "seconds")
    }
    lines = ["| " + " | ".join(titles.values()) + " |", "|---" + "|---:" * (len(titles) - 1) + "|"]
    for _, row in part.iterrows():
        cells = [row["method"]]
        for column in list(titles)[1:]:
            text = "" if np.isnan(row[column]) else f"{row[column]:.3f}"
            cells.append(
                f"**{text}**"
                if text and row[column] == best.get(column) and row["method"] != "zero"
                else text
            )
        lines.append("| " + " | ".join(cells) + " |")
    return lines
