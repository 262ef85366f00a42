"""Speed and memory of `mer prepare` against MediaPipe alone, and where the time goes.

A clip needs two faces, onset and apex. MediaPipe alone means: both frames already decoded, nothing done with
the landmarks, in as many processes as `mer prepare` uses. All clips are links to the frames of one, 640 x 480
px like raw CASME II. Shares are measured in CPU time over all processes and threads, which other work on the
machine hardly changes.
"""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from data_prep import prepare as preparing
from data_prep.align import fit_similarity, warp_face
from data_prep.frames import read_image, write_image
from data_prep.landmarks import FaceMesh
from data_prep.layouts import write_workbook
from data_prep.layouts.casme2 import HEADER
from mer_core import markdown, progress
from mer_core.parallel import Workers

ROUNDS = 40  # of every step that is timed by itself


def frame() -> np.ndarray:
    """Return a frame like those of CASME II raw: (480, 640, 3) uint8 RGB, the face about 280 px wide.

    Source: Yan et al., PLoS ONE 9(1), 2014: "about 280 x 340 pixels on facial area".
    """
    import skimage.data

    part = skimage.data.astronaut()[12:186, 106:338]
    return cv2.resize(part, (640, 480), interpolation=cv2.INTER_CUBIC)


def write_dataset(root: Path, clips: int) -> None:
    """Write a folder like CASME II with `clips` clips of two frames, all links to the same two files."""
    image = frame()
    (root / "frames").mkdir(parents=True)
    write_image(root / "frames" / "img1.jpg", image)
    write_image(root / "frames" / "img2.jpg", np.roll(image, 1, axis=1))
    rows = []
    for i in range(clips):
        subject, name = i % 26 + 1, f"EP{i // 26:04d}"
        folder = root / "CASME2_RAW_selected" / f"sub{subject:02d}" / name
        folder.mkdir(parents=True)
        for number in (1, 2):
            os.link(root / "frames" / f"img{number}.jpg", folder / f"img{number}.jpg")
        rows.append((subject, name, None, 1, 2, 2, None, "4", "disgust"))
    write_workbook(root / "CASME2-coding-20140508.xlsx", Sheet1=[HEADER, *rows])


def steps() -> dict[str, float]:
    """Return the CPU time of each step of a clip in one process, ms over all threads."""
    image = frame()
    with TemporaryDirectory() as folder, FaceMesh() as mesh:
        jpg, png = Path(folder) / "frame.jpg", Path(folder) / "face.png"
        write_image(jpg, image)
        points = mesh.landmarks(image)
        assert points is not None  # a drawn face
        matrix = fit_similarity(points, 224)
        face = warp_face(image, matrix, 224)
        return {
            "landmarks, 2 frames": 2 * _cpu_ms(lambda: mesh.landmarks(image)),
            "reading 2 JPEG frames": 2 * _cpu_ms(lambda: read_image(jpg)),
            "aligning 2 faces": 2 * _cpu_ms(lambda: warp_face(image, matrix, 224)),
            "writing 2 PNG faces": 2 * _cpu_ms(lambda: write_image(png, face)),
        }


def bare_rate(clips: int, jobs: int) -> float:
    """Measure MediaPipe alone in `jobs` processes with loaded models: clips (two frames) per second."""
    context = get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(jobs, mp_context=context) as pool:
        ready = manager.Barrier(jobs)
        seconds = list(pool.map(_landmarks_alone, [max(1, clips // jobs)] * jobs, [ready] * jobs))
    return max(1, clips // jobs) * jobs / max(seconds)


def prepare_rate(clips: int, jobs: int) -> tuple[float, float, float]:
    """Return clips per second of `prepare` from annotations to outcome, including the start of its processes.

    CPU ms per clip; peak MiB.
    """
    with TemporaryDirectory() as folder:
        root = Path(folder)
        write_dataset(root / "data", clips)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
            seconds, cpu, memory = fresh.submit(_prepare_and_weigh, root, jobs).result()
        return clips / seconds, 1000 * cpu / clips, memory


def run(counts: tuple[int, ...] = (60, 600, 6000), jobs: int | None = None) -> str:
    """Measure, and return the tables of docs/results/prepare-speed.md."""
    jobs = jobs or preparing.n_cores()
    each = steps()
    alone = next(iter(each.values()))
    lines = [
        markdown.format_table(
            ["step of one clip", "CPU ms"], [(name, f"{ms:.1f}") for name, ms in each.items()]
        )
    ]
    bare = bare_rate(200 * jobs, jobs)
    lines += ["", f"MediaPipe alone, {jobs} processes: {bare:.1f} clips/s.", ""]
    head = (
        "clips",
        "clips/s",
        "CPU ms per clip",
        "fraction of MediaPipe alone",
        "peak memory of the largest process, MiB",
    )
    rows = []
    for count in counts:
        rate, cpu, memory = prepare_rate(count, jobs)
        rows.append([count, f"{rate:.1f}", f"{cpu:.1f}", f"{alone / cpu:.2f}", f"{memory:.0f}"])
    return "\n".join([*lines, markdown.format_table(head, rows)])


def _cpu_ms(step) -> float:
    step()
    start = time.process_time()
    for _ in range(ROUNDS):
        step()
    return 1000 * (time.process_time() - start) / ROUNDS


def _landmarks_alone(clips: int, ready) -> float:
    image = frame()
    with FaceMesh() as mesh:
        mesh.landmarks(image)
        ready.wait()
        start = time.perf_counter()
        for _ in range(2 * clips):
            mesh.landmarks(image)
        return time.perf_counter() - start


def _prepare_and_weigh(root: Path, jobs: int) -> tuple[float, float, float]:
    """Prepare in this process, which did nothing else before.

    Returns seconds, CPU seconds of it and its children, and the peak memory of the largest of them in MiB.
    """
    import resource

    progress.set_verbosity(quiet=True)
    start, cpu_start = time.perf_counter(), time.process_time()
    outcome = preparing.prepare("casme2", root / "data", root / "out", workers=Workers(jobs=jobs))
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    if set(outcome["outcome"]) != {"ok"}:
        raise AssertionError(f"Not every clip was prepared: {outcome['outcome'].value_counts().to_dict()}")
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return seconds, cpu + children.ru_utime + children.ru_stime, max(own.ru_maxrss, children.ru_maxrss) / 1024


if __name__ == "__main__":
    import sys

    print(run(tuple(map(int, sys.argv[1:])) or (60, 600, 6000)))
