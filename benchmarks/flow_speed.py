"""Seconds per pair and peak memory of flow methods, each alone in a fresh process.

    python -m benchmarks.flow_speed --out FILE

Accuracy is not measured here; flow/benchmark/measure.py does that. The machine should be idle.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import click

from flow.benchmark.measure import cpu_name
from mer_core import markdown
from mer_core.io import write_text
from mer_core.progress import say
from mer_core.text import format_count

# Row -> (method, options). `network` options ask for random weights, which take as long as trained ones.
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "srflownet, compact": ("srflownet", {"network": "compact"}),
    "srflownet, full (random weights)": ("srflownet", {"random": "full"}),
    "raft small (random weights)": ("raft", {"random": "raft_small", "scale": 1.0}),
    "raft small, input doubled (random weights)": ("raft", {"random": "raft_small", "scale": 2.0}),
    "raft large (random weights)": ("raft", {"random": "raft_large", "scale": 1.0}),
    "dis": ("dis", {}),
    "dis, medium": ("dis", {"preset": "medium"}),
    "tvl1": ("tvl1", {}),
    "deepflow": ("deepflow", {}),
    "variational": ("variational", {}),
}
SIZES = (224, 448)  # px
COMPOSITE = 442  # pairs of the MEGC 2019 composite
LONG_ENOUGH = 6.0  # seconds of measuring after the first, unmeasured run


@click.command(help=__doc__.splitlines()[0])
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), default=Path("flow-speed.md"), show_default=True
)
@click.option("--threads", type=int, multiple=True, default=(1, 2), show_default=True)
@click.option("--row", "rows", type=click.Choice(list(ROWS)), multiple=True, help="Only this one.")
@click.option("--one", hidden=True, is_flag=True, help="Measure here and print JSON: the fresh process.")
@click.option("--size", type=int, hidden=True)
def main(out: Path, threads: tuple[int, ...], rows: tuple[str, ...], one: bool, size: int | None) -> None:
    if one and size:
        click.echo(json.dumps(measure(rows[0], size, threads[0])))
        return
    found = {}
    for row in rows or ROWS:
        for size in SIZES:
            for count in threads:
                found[row, size, count] = _fresh(row, size, count)
                say(f"{row}, {size} px, {count} threads: {found[row, size, count]}")
    text = page(found)
    write_text(out, text)
    click.echo(text)


def measure(row: str, size: int, threads: int) -> dict[str, float]:
    """Return the median seconds of one pair of `size` px and this process's peak MB.

    Brightness matching is included; detection of landmarks is not, since prepared faces come with theirs.
    """
    import cv2
    import skimage.data

    from flow.estimate import estimate

    cv2.setNumThreads(threads)
    face = skimage.data.astronaut()[:224, 110:334]
    picture = cv2.resize(face, (size + 2, size + 2), interpolation=cv2.INTER_CUBIC)
    onset, apex = picture[:size, :size].copy(), picture[1 : size + 1, 2 : size + 2].copy()
    with tempfile.TemporaryDirectory() as folder:
        method = load_row(row, Path(folder), threads)
    landmarks = None
    if method.landmarks:
        from data_prep.landmarks import FaceMesh  # its memory counts for no other method

        with FaceMesh() as mesh:
            landmarks = mesh.landmarks(onset)
    seconds: list[float] = []
    estimate(method, onset, apex, landmarks)
    while sum(seconds) < LONG_ENOUGH or not seconds:
        start = time.perf_counter()
        estimate(method, onset, apex, landmarks)
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1024 if sys.platform != "darwin" else 1024**2
    )
    return {"seconds": median(seconds), "megabytes": peak}


def page(found: dict[tuple[str, int, int], dict[str, float]]) -> str:
    """Return seconds by size and threads, and the peak memory of the largest frame, as a Markdown table."""
    columns = sorted({key[1:] for key in found})
    largest = columns[-1][0]
    lines = ["# Speed and memory of the flow methods", "", _answer(found, columns[-1]), ""]
    lines += [
        "Median seconds per pair of frames, brightness matching included, landmark detection excluded.",
        "",
    ]
    heads = [f"{size} px, {n} thread{'s' if n > 1 else ''}" for size, n in columns]
    header = ["method", *heads, "peak MB", f"{COMPOSITE} pairs of {columns[0][0]} px, min"]
    rows = []
    for row in dict.fromkeys(key[0] for key in found):
        cells = [f"{found[row, size, n]['seconds']:.3f}" for size, n in columns]
        most = max(n for size, n in columns if size == columns[0][0])
        composite = COMPOSITE * found[row, columns[0][0], most]["seconds"] / 60
        memory = max(
            values["megabytes"] for key, values in found.items() if key[0] == row and key[1] == largest
        )
        rows.append([row, *cells, f"{memory:.0f}", f"{composite:.1f}"])
    lines += [
        markdown.format_table(header, rows, numbers_from=1),
        "",
        f"- CPU: {cpu_name()}. Each row runs alone in a fresh process.",
        f"- Memory is the peak of the whole process at {largest} px, libraries included: torch is loaded for "
        "every row.",
        "- The last column is computed from one pair on the most threads; `mer flow estimate` also uses "
        "batches.",
        "- GPU: not measured; `python -m benchmarks.gpu` does.",
        "",
        "```",
        "python -m benchmarks.flow_speed",
        "```",
    ]
    return "\n".join(lines) + "\n"


def _answer(found: dict[tuple[str, int, int], dict[str, float]], column: tuple[int, int]) -> str:
    """Return what the first row and the fastest one take in a column, (size, threads)."""
    seconds = {row: values["seconds"] for (row, *rest), values in found.items() if tuple(rest) == column}
    first, fastest = next(iter(seconds)), min(seconds, key=seconds.__getitem__)
    return (
        f"At {column[0]} px on {format_count(column[1], 'thread')}, {first} takes {seconds[first]:.2f} s per "
        f"pair and the fastest method, {fastest}, {seconds[fastest]:.2f} s."
    )


def _fresh(row: str, size: int, threads: int) -> dict[str, float]:
    command = [
        sys.executable,
        "-m",
        "benchmarks.flow_speed",
        "--one",
        "--row",
        row,
        "--size",
        str(size),
        "--threads",
        str(threads),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    return json.loads(
        subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1]
    )


def load_row(row: str, folder: Path, threads: int | None = None, device: str = "cpu") -> Any:
    """Return the loaded method of a row; random weights pass through `folder`."""
    from flow.estimate import load_method

    name, options = ROWS[row]
    options = dict(options)
    if threads and name in ("srflownet", "raft"):
        import torch

        torch.set_num_threads(threads)
    kind = options.pop("random", None)
    if kind == "full":
        from flow import srflownet

        options["weights"] = folder / "random.safetensors"
        srflownet.save_weights(options["weights"], srflownet.build_network(kind).state_dict(), kind, {})
    elif kind:
        import torch
        import torchvision.models.optical_flow as models

        options["weights"] = folder / "random.pth"
        torch.save(getattr(models, kind)(weights=None).state_dict(), options["weights"])
    return load_method(name, device, **options)


if __name__ == "__main__":
    main()
