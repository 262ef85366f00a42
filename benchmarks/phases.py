"""What the way back is worth: the motion from onset to apex, that from apex to offset, and both, before the same classifiers.

    python -m benchmarks.phases FOLDER

Clips, frames and flow are those of `mer.flow_comparison` (benchmarks/hard_composite.py), whose FOLDER can be used again; the offset's frame
and its flow are added, clip by clip, so that it can be stopped and started again. Rendered people come back as they went, so that
the second phase is a second look at the same motion through other noise; how much else a real one says is not in here.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import hard_composite
from benchmarks.claim_two import Row, estimate_missing
from benchmarks.hard_composite import Clip
from flow import io
from flow.benchmark import Entrant
from flow.estimate import estimate, load_method
from mer.evaluation import compare, run
from mer.evaluation.config import CvConfig
from mer.features.flow_image import extract
from mer_core.io import replacing
from mer_core.progress import track

METHOD = "srflownet"
CLASSIFIERS = ("logistic", "mer_net")  # nothing random in either, so that one seed is enough
PHASES = {
    "onset-apex": slice(0, 3),
    "apex-offset": slice(3, 6),
    "both": slice(0, 6),
}  # channels of the joined maps


def make_maps(out: Path, row: Row, clip: Clip) -> np.ndarray:
    """(6, 28, 28) float32: `flow_image` of both phases of a clip, each in the landmarks of its first frame, as mer/evaluation/inputs.py joins them."""
    frames = hard_composite.read(out / "frames", clip)
    there = io.read(out / "flow" / row.folder / f"{clip.name}.npz")
    offset, landmarks = hard_composite.draw_offset(clip)
    back = estimate(row.entrant.method, frames.apex, offset, match_exposure=row.entrant.match_exposure)
    return np.concatenate([extract(there, frames.landmarks), extract(back, landmarks)])


def measure(out: Path) -> str:
    """Markdown: UF1 of each classifier on each phase and on both, with intervals over people, and what the others add to onset-apex."""
    clips, row = hard_composite.clips(), Row(METHOD, Entrant(load_method(METHOD)))
    hard_composite.write(out / "frames")
    estimate_missing(out, row, clips)
    for clip in track(clips, "the way back"):
        files_of = {name: out / "phases" / row.folder / name / f"{clip.name}.npy" for name in PHASES}
        if not all(path.is_file() for path in files_of.values()):
            maps = make_maps(out, row, clip)
            for name, path in files_of.items():
                with replacing(path) as temporary:
                    np.save(temporary, maps[PHASES[name]])
    index = out / "phases" / row.folder / "index.csv"
    named = [
        {
            "file": f"{clip.name}.npy",
            "dataset": "synthetic",
            "subject": f"{clip.subject:02d}",
            "clip": f"c{clip.index}",
            "label": clip.label,
        }
        for clip in clips
    ]
    with replacing(index) as temporary:
        pd.DataFrame(named).to_csv(temporary, index=False)

    lines = [
        "| classifier | phases | UF1 | 95 % over people | less onset-apex | 95 % |",
        "|---|---|---|---|---|---|",
    ]
    for classifier in CLASSIFIERS:
        runs = [out / "runs" / f"{row.folder}-{classifier}-{name}" for name in PHASES]
        for name, path in zip(PHASES, runs):
            run.cross_validate_maps(
                index.parent / name, index, CvConfig(classifier=classifier, seeds=1), path, synthetic=True
            )
        for name, one in zip(PHASES, compare.compare(runs)):
            less = (
                "| "
                if one.difference is None
                else f"{one.difference:+.3f} | {one.difference_interval[0]:+.3f} to {one.difference_interval[1]:+.3f}"
            )
            lines.append(
                f"| `{classifier}` | {name} | {one.uf1:.3f} | {one.interval[0]:.3f} to {one.interval[1]:.3f} | {less} |"
            )
    return "\n".join(lines)


def main() -> None:
    import cv2

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.phases",
        description="One phase of the motion, the other, and both, on synthetic clips.",
    )
    parser.add_argument("folder", type=Path, help="where frames, flow and runs are kept")
    cv2.setNumThreads(1)
    print(measure(parser.parse_args().folder))


if __name__ == "__main__":
    main()
