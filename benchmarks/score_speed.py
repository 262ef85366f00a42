"""Time of `mer score` by stage and as a command, and its memory for short and long videos.

python -m benchmarks.score_speed clip.mp4            CPU time per stage
python -m benchmarks.score_speed clip.mp4 --command  the command with its page: memory, seconds, CPU time
python -m benchmarks.score_speed --memory            peak memory for 10 s and for 10 min of a small video
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks import command_cost

N_RUNS = 5  # of the command
WATCH = """
import resource, sys
from mer.inference.recorder import track_clip
_, track = track_clip(sys.argv[1])
print(len(track.number), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def stages(clip: Path) -> list[tuple[str, float]]:
    """Return the CPU time of every stage, s, of a process that has loaded nothing yet."""
    spent, last = [], time.process_time()

    def lap(stage: str) -> None:
        nonlocal last
        now = time.process_time()
        spent.append((stage, now - last))
        last = now

    from mer import bundle
    from mer.inference import models, onset_apex, spotting
    from mer.inference.face_tracker import FaceTracker
    from mer.inference.pair_reading import read_pair
    from mer.inference.predict import explain
    from mer.inference.recorder import track_video

    fitted = bundle.load()
    models.get_mesh()
    models.get_detector()
    models.get_method(fitted.recipe.clip_input.method, fitted.recipe.method_options)
    lap("start: imports and models")
    from data_prep.frames import open_frames

    frames = [frame for frame in open_frames(clip)]
    lap("decode alone")
    mesh = models.get_mesh()
    for frame in frames:
        mesh.landmarks(frame.image)
    lap("landmarks alone")
    track = track_video(frames, FaceTracker())
    lap("track: landmarks, quick flow, head, neutral face")
    found = spotting.find_intervals(track)
    lap("intervals")
    moment = onset_apex.choose_moment(track, found, str(clip))
    read = partial(read_pair, fitted)
    score = explain(clip, open_frames(clip), track, found, moment, fitted.recipe, read, "")
    lap("flow, label, explanation")
    from mer.report.clip_page import write_score

    with tempfile.TemporaryDirectory() as folder:
        write_score(score, folder)
    lap("draw and write everything")
    return [*spent, ("frames", len(frames))]


def memory(seconds: float) -> tuple[int, int]:
    """Track `seconds` of a 160 px video in a process; return its frames with a face and its peak MB."""
    import numpy as np

    from data_prep.videos.write_video import write_mp4
    from flow.splatting.actor import Actor

    person = Actor(77, 160)
    frames = [person.frame({"12": 0.05 * i}, number=i, rng=np.random.default_rng(i)) for i in range(8)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.mp4"
        write_mp4(path, (frames[abs(i % 14 - 7)] for i in range(int(seconds * 30))), 30, preset="ultrafast")
        seen, megabytes = subprocess.run(
            [sys.executable, "-c", WATCH, str(path)], capture_output=True, text=True, check=True
        ).stdout.split()
    return int(seen), int(megabytes)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.score_speed", description="Time and memory of mer score."
    )
    parser.add_argument("clip", type=Path, nargs="?")
    parser.add_argument("--command", action="store_true", help="measure the command instead of its stages")
    parser.add_argument("--memory", action="store_true", help="watch 10 s and 10 min of a small video")
    given = parser.parse_args()
    if given.clip and given.command:
        with tempfile.TemporaryDirectory() as folder:
            score = [sys.executable, "-m", "mer.cli", "-q", "score", str(given.clip), "--out", folder]
            for peak in command_cost.measure_memory(score)._asdict().items():
                print("{1:7.1f} {0}".format(*peak))
            costs = [command_cost.measure(score) for _ in range(N_RUNS)]
        for name, *values in zip(command_cost.Cost._fields, *costs):
            runs = ", ".join(f"{value:.1f}" for value in values)
            print(f"{statistics.median(values):7.1f} {name}, median of {runs}")
    elif given.clip:
        *spent, (_, frames) = stages(given.clip)
        print("\n".join([f"{seconds:7.2f} s  {stage}" for stage, seconds in spent] + [f"{frames} frames"]))
        print(
            f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB, all frames held "
            "for the stages"
        )
    if given.memory:
        for seconds in (10, 600):
            print("{:d} s: {:d} frames, {:d} MB".format(seconds, *memory(seconds)))


if __name__ == "__main__":
    main()
