"""Does better flow make better recognition? One feature, one leave-one-subject-out; only the flow differs.

The claim of arXiv 2601.06479, in terms that can be repeated: UF1 of each flow method on both composites of
`benchmarks/hard_composite.py`, with intervals over subjects, beside its end-point error against ground truth.

    python -m benchmarks.claim_two FOLDER --head-model HEAD_MODEL.npz --raft released=raft-small.pth \\
        fine-tuned=FIRST_CLAIM/trainings/raft-b-0/weights.safetensors

Frames and flow are kept in FOLDER clip by clip, so that the command can be stopped and started again. Flow of
networks is kept under the hash of their weights: new weights are estimated anew, everything else stays.
`--prepare` draws clips and estimates flow, and scores nothing. The page is made by claim_two_page.py.
"""

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
import pandas as pd

from benchmarks import claim_two_page, hard_composite
from benchmarks.hard_composite import Clip, Frames
from flow import io
from flow.benchmark.entries import BenchmarkEntry
from flow.estimate import estimate, load_method
from mer.evaluation import finished_run, metrics, run
from mer.evaluation.config import CvConfig
from mer.features.flow_image import extract
from mer_core.io import atomic_replace, write_text
from mer_core.progress import say, track

CLASSIFIERS = ("logistic", "mer_net")  # nothing random in them, so that only the flow differs
GROUND_TRUTH = "ground truth"
BASELINE = "tvl1 (preset=opencv)"  # brightness matched: what a gap is measured from


@dataclass(frozen=True)
class Row:
    """One source of flow; `entrant` is None for ground truth."""

    label: str
    entrant: BenchmarkEntry | None = None

    @property
    def slug(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", self.label.lower()).strip("-")

    @property
    def folder(self) -> str:
        """Return its name in FOLDER/*/flow, maps and runs; networks carry the hash of their weights."""
        weights = self.entrant and self.entrant.method.weights
        return f"{self.slug}-{weights[:8]}" if weights else self.slug


@dataclass(frozen=True)
class Composite:
    """The clips of `hard_composite` with one kind of people, and the folder that keeps what is made of them.

    Attributes
    ----------
    head_model : path or None
        Scans that the people are made of; None: the engine's own.
    n_subjects : int
        The first so many of `hard_composite.SUBJECTS`.
    """

    people: str
    out: Path
    head_model: Path | None = None
    n_subjects: int = hard_composite.SUBJECTS

    @property
    def clips(self) -> list[Clip]:
        return [clip for clip in hard_composite.clips() if clip.subject < self.n_subjects]

    def frames(self, clip: Clip) -> Frames:
        return hard_composite.read(self.out / "frames", clip)

    def flow_path(self, row: Row, clip: Clip) -> Path:
        return self.out / "flow" / row.folder / f"{clip.name}.npz"


def rows(raft: Mapping[str, Path] = MappingProxyType({})) -> list[Row]:
    """Return the rows of the table: flow as the field gets it, then the others, ground truth last.

    `raft` maps the name of a row to weights of RAFT; frames are doubled, the method's default.
    """
    found = [
        BenchmarkEntry(load_method("tvl1", preset="opencv"), match_exposure=False),
        BenchmarkEntry(load_method("tvl1", preset="opencv")),
        *(BenchmarkEntry(load_method(name)) for name in ("farneback", "dis", "deepflow", "variational")),
    ]
    networks = {f"raft, {name}": load_method("raft", weights=weights) for name, weights in raft.items()}
    networks["srflownet"] = load_method("srflownet", network="compact")
    return [
        *(Row(one.label, one) for one in found),
        *(Row(label, BenchmarkEntry(method)) for label, method in networks.items()),
        Row(GROUND_TRUTH),
    ]


def prepare(composite: Composite, found: list[Row]) -> None:
    """Draw the clips and estimate their flow, all that is not there yet."""
    hard_composite.write(composite.out / "frames", composite.clips, composite.head_model)
    for row in found:
        if row.entrant:
            _estimate_missing(composite, row, row.entrant)


def _estimate_missing(composite: Composite, row: Row, entrant: BenchmarkEntry) -> None:
    for clip in track(composite.clips, f"{composite.people}: {row.label}"):
        path = composite.flow_path(row, clip)
        if not path.is_file():
            frames = composite.frames(clip)
            flow = estimate(entrant.method, frames.onset, frames.apex, match_exposure=entrant.match_exposure)
            io.write(path, flow)


def make_maps(composite: Composite, row: Row) -> float:
    """Write the maps that classifiers read, and their index.

    Returns the mean end-point error over faces and then clips, px.
    """
    errors, index = [], []
    maps = composite.out / "maps" / row.folder
    for clip in track(composite.clips, f"maps of {row.label}"):
        frames = composite.frames(clip)
        flow = io.read(composite.flow_path(row, clip)) if row.entrant else frames.flow
        errors.append(np.linalg.norm(flow - frames.flow, axis=-1)[frames.mask].mean())
        with atomic_replace(maps / f"{clip.name}.npy") as temporary:
            np.save(temporary, extract(flow, frames.landmarks))
        index.append(
            {
                "file": f"{clip.name}.npy",
                "dataset": "synthetic",
                "subject": f"{clip.subject:02d}",
                "clip": f"c{clip.index}",
                "label": clip.label,
            }
        )
    with atomic_replace(maps / "index.csv") as temporary:
        pd.DataFrame(index).to_csv(temporary, index=False)
    return float(np.mean(errors))


def measure(composite: Composite, found: list[Row]) -> pd.DataFrame:
    """Return one line per row and classifier.

    Columns: `people, classifier, label, network, folder, epe` (px), `uf1, low, high, uar`; `gain` over
    `BASELINE` and `gap`, the fraction of the gain of ground truth, each with its `_low` and `_high`.
    Intervals are 95 % over subjects, drawn together for all rows. `zero_epe` (px) and `majority_uf1` say how
    hard the composite is, `n_clips` and `n_subjects` how large.
    """
    prepare(composite, found)
    epe = [make_maps(composite, row) for row in found]
    still = [_mean_motion(composite.frames(clip)) for clip in composite.clips]
    lines = []
    for classifier in CLASSIFIERS:
        runs = [_cross_validate(composite, row, classifier) for row in found]
        table = pd.DataFrame(_scores(runs, [row.label for row in found]))
        table.insert(0, "epe", epe)
        table.insert(0, "folder", [row.folder for row in found])
        table.insert(0, "network", [row.folder != row.slug for row in found])
        table.insert(0, "label", [row.label for row in found])
        table.insert(0, "classifier", classifier)
        table["majority_uf1"] = runs[0].metrics["baselines"]["majority_of_training_subjects"]["uf1"]
        lines.append(table)
    table = pd.concat(lines, ignore_index=True)
    table.insert(0, "people", composite.people)
    table["n_clips"], table["n_subjects"] = len(composite.clips), composite.n_subjects
    table["zero_epe"] = float(np.mean(still))
    return table


def _cross_validate(composite: Composite, row: Row, classifier: str) -> finished_run.Run:
    say(f"{composite.people}: {classifier} on {row.label}")
    maps, out = composite.out / "maps" / row.folder, composite.out / "runs" / classifier / row.folder
    run.cross_validate_maps(
        maps, maps / "index.csv", CvConfig(classifier=classifier, seeds=1), out, synthetic=True
    )
    return finished_run.open_run(out)


def _scores(runs: list[finished_run.Run], labels: list[str]) -> list[dict[str, float]]:
    """Return UF1, gain and gap of each run, see `measure`."""
    counts = [metrics.confusion_by_subject(one.predictions, one.metrics["labels"]) for one in runs]
    uf1 = np.array([metrics.compute_scores(each.sum(1))["uf1"].mean() for each in counts])
    drawn = np.stack([metrics.bootstrap_scores(each)["uf1"] for each in counts])
    first, last = labels.index(BASELINE), labels.index(GROUND_TRUTH)
    gain, drawn_gain = uf1 - uf1[first], drawn - drawn[first]
    gap = gain / gain[last]
    drawn_gap = drawn_gain / drawn_gain[last]
    return [
        {
            **_with_interval("uf1", uf1[i], drawn[i]),
            "uar": runs[i].metrics["uar"],
            **_with_interval("gain", gain[i], drawn_gain[i]),
            **_with_interval("gap", gap[i], drawn_gap[i]),
        }
        for i in range(len(runs))
    ]


def _with_interval(name: str, value: float, drawn: np.ndarray) -> dict[str, float]:
    low, high = metrics.central_interval(drawn)
    return {name: float(value), f"{name}_low": low, f"{name}_high": high}


def _mean_motion(frames: Frames) -> float:
    return float(np.linalg.norm(frames.flow, axis=-1)[frames.mask].mean())


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.claim_two", description=__doc__.split("\n")[0]
    )
    parser.add_argument("out", type=Path, metavar="FOLDER")
    parser.add_argument("--head-model", type=Path, help="NPZ of mer flow head-model; adds people of scans")
    parser.add_argument("--scanned-subjects", type=int, default=hard_composite.SUBJECTS)
    parser.add_argument("--raft", nargs="*", default=[], metavar="NAME=FILE", help="weights, a row each")
    parser.add_argument("--prepare", action="store_true", help="draw clips and estimate flow only")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    composites = [Composite("rendered", given.out / "rendered")]
    if given.head_model:
        scanned = given.out / "scanned"
        composites.append(Composite("scanned", scanned, given.head_model, given.scanned_subjects))
    found = rows({name: Path(file) for name, file in (pair.split("=", 1) for pair in given.raft)})
    if given.prepare:
        for composite in composites:
            prepare(composite, found)
        return
    table = pd.concat([measure(composite, found) for composite in composites], ignore_index=True)
    with atomic_replace(given.out / "claim-two.csv") as temporary:
        table.to_csv(temporary, index=False)
    claim_two_page.figure(table, given.out / "claim-two.png")
    write_text(given.out / "claim-two.md", claim_two_page.page(table))
    print(claim_two_page.page(table))


if __name__ == "__main__":
    main()
