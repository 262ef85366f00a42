"""How fast the engine renders and how much memory it takes; writes `docs/results/engine-speed.md`.

Each line is measured in a process of its own, because memory is the process's highest.
"""

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

from mer_core import markdown

# (width, height, Gaussians): the sizes the flow network trains on, and the paper's frame
CASES = (
    (256, 256, 20_000),
    (512, 512, 20_000),
    (512, 512, 80_000),
    (1024, 1024, 200_000),
    (1100, 1604, 200_000),
)


def measure(width: int, height: int, gaussians: int, pairs: int = 3, jobs: int = 2) -> dict[str, float]:
    """Measure `jobs` processes that render `pairs` pairs each: pairs per second, seconds per face, and MB."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.engine_speed",
        "child",
        str(width),
        str(height),
        str(gaussians),
        str(pairs),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    children = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(jobs)
    ]
    rows = [[float(x) for x in child.communicate()[0].split()] for child in children]
    return dict(
        pairs_per_s=sum(pairs / r[0] for r in rows),
        cpu_s=sum(r[1] for r in rows) / jobs / pairs,
        face_s=max(r[2] for r in rows),
        mb=max(r[3] for r in rows),
    )


def child(width: int, height: int, gaussians: int, pairs: int) -> None:
    """Render pairs of one face; print wall and CPU seconds of the pairs, seconds for the face, peak MB."""
    import resource

    from flow.splatting.scenes import SceneRanges, draw_scene, render_pair

    start = time.perf_counter()
    draw_scene(1, 0, (width, height), SceneRanges(gaussians=gaussians))
    made = time.perf_counter()
    cpu = time.process_time()
    for index in range(pairs):
        render_pair(1, index, (width, height), gaussians=gaussians)
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1024 if sys.platform != "darwin" else 1024**2
    )
    print(time.perf_counter() - made, time.process_time() - cpu, made - start, highest)


def gpu_rate(size: int, gaussians: int, repeats: int = 20) -> float | None:
    """Return how many pictures with seven channels (colour, flow, depth, opacity) gsplat renders per second.

    None without it or a GPU.
    """
    from flow.splatting import gsplat_backend

    if not gsplat_backend.available():
        return None
    import numpy as np

    from flow.splatting.gaussians import project_gaussians
    from flow.splatting.head import FaceState
    from flow.splatting.scenes import SceneRanges, draw_scene

    scene, _ = draw_scene(1, 0, size, SceneRanges(gaussians=gaussians))
    placed = project_gaussians(scene.face.gaussians, scene.face.head.vertices(FaceState()), scene.camera)
    values = np.ones((len(placed.depth), 7))
    gsplat_backend.blend_weights(placed, size, size).blend(values)
    start = time.perf_counter()
    for _ in range(repeats):
        gsplat_backend.blend_weights(placed, size, size).blend(values)
    return repeats / (time.perf_counter() - start)


def write_report(path: str | Path = "docs/results/engine-speed.md", jobs: int = 2) -> str:
    """Measure every case, write the table to `path` and return it."""
    measured = [measure(width, height, gaussians, jobs=jobs) for width, height, gaussians in CASES]
    (first, last), (fast, slow) = (CASES[0], CASES[-1]), (measured[0], measured[-1])
    lines = [
        "# Speed and memory of the rendering engine",
        "",
        f"{jobs} processes render {fast['pairs_per_s']:.2f} pairs per second at {first[0]} x {first[1]} px "
        f"and {slow['pairs_per_s']:.2f} at {last[0]} x {last[1]}, in {fast['mb']:.0f} to {slow['mb']:.0f} MB "
        "each.",
        "",
        "Whole pairs, one thread per process: two frames, both flows, depth, visibility, masks, camera "
        "faults.",
        "",
    ]
    rows = []
    for (width, height, gaussians), row in zip(CASES, measured):
        values = [
            f"{row['pairs_per_s']:.2f}",
            f"{row['cpu_s']:.2f}",
            f"{row['face_s']:.1f}",
            f"{row['mb']:.0f}",
        ]
        rows.append([f"{width} x {height}", f"{gaussians:,}", *values])
    lines.append(
        markdown.format_table(["frame", "Gaussians", "pairs/s", "CPU s per pair", "s per face", "MB"], rows)
    )
    rates = {(s, g): gpu_rate(s, g) for s, g in ((256, 20_000), (1024, 200_000))}
    lines.append("")
    if None in rates.values():
        lines.append("GPU: not measured; there was no CUDA GPU with gsplat.")
    else:
        lines += [
            f"GPU (gsplat, seven channels, {s} px, {g:,} Gaussians): {r:.0f} pictures/s."
            for (s, g), r in rates.items()
        ]
    lines += [
        "",
        f"{os.cpu_count()} CPU cores ({platform.machine()}). CPU seconds are per pair and hold on a busy "
        "machine too. A face is painted once for 16 pairs. Memory is the highest of one process, "
        "libraries included.",
        "",
        "```",
        "python -m benchmarks.engine_speed",
        "```",
    ]
    text = "\n".join(lines) + "\n"
    from mer_core.io import write_text

    write_text(path, text)
    return text


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(*(int(x) for x in sys.argv[2:6]))
    else:
        print(write_report())
