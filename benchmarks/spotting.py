"""`mer spot` on long synthetic videos, beside a plain frame-difference spotter.

    python -m benchmarks.spotting --out spot-benchmark

The rules of the micro-expression grand challenges: an interval counts as found if it overlaps a known one by
an IoU of 0.5 or more, each known one once; F1 comes from the counts of all videos; STRS is F1 of spotting
times F1 of recognition on what was found. It goes on where it was stopped.
"""

import argparse
import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from benchmarks.rendered_people import LABELS
from benchmarks.spotting_films import SECONDS, Film
from data_prep.frames import Frame
from mer import bundle
from mer.evaluation import metrics
from mer.inference import spotting
from mer.inference.face_tracker import FaceTracker
from mer.inference.motion import align_pair
from mer.inference.pair_reading import read_pair
from mer.inference.recorder import MAX_FPS, track_video
from mer.report.coding import match_intervals
from mer_core.io import write_json, write_text

RATES = (30, 100, 200)
FILMS = 4
KINDS = ("micro", "macro", "blink", "head")


class Found(NamedTuple):
    """An interval that a spotter found, s."""

    kind: str
    onset: float
    apex: float
    offset: float


class FrameDifference:
    """A plain spotter: intervals in which the middle of the frame changes by a fraction of the maximum.

    Grey levels are compared over `LAG_S`. `LIMIT` lies between the mean and the maximum, as is usual;
    intervals closer than the lag are one.
    """

    LAG_S, LIMIT, SIDE = 0.2, 0.3, 64

    def __init__(self):
        self.times: list[float] = []
        self.changes: list[float] = []

    def seeing(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Yield the frames on, and measure them."""
        recent: deque[tuple[float, np.ndarray]] = deque()
        for frame in frames:
            height, width = frame.image.shape[:2]
            part = frame.image[height // 8 : -height // 8, width // 6 : -width // 6]
            small = cv2.GaussianBlur(
                cv2.resize(
                    cv2.cvtColor(part, cv2.COLOR_RGB2GRAY),
                    (self.SIDE, self.SIDE),
                    interpolation=cv2.INTER_AREA,
                ),
                (0, 0),
                1,
            ).astype(float)
            recent.append((frame.time_s, small))
            while recent[0][0] < frame.time_s - self.LAG_S - 1e-6:
                recent.popleft()
            self.times.append(frame.time_s)
            self.changes.append(np.abs(small - recent[0][1]).mean())
            yield frame

    def found(self) -> list[Found]:
        times, changes = np.array(self.times), np.convolve(self.changes, np.ones(3) / 3, mode="same")
        above = changes > changes.mean() + self.LIMIT * (changes.max() - changes.mean())
        edges = np.flatnonzero(np.diff(np.concatenate([[0], above, [0]])))
        found: list[tuple[float, float]] = []
        for first, end in zip(edges[::2], edges[1::2]):
            onset, offset = times[first] - self.LAG_S, times[end - 1]
            if found and onset - found[-1][1] < self.LAG_S:
                onset = found.pop()[0]
            found.append((onset, offset))
        return [Found("micro" if b - a < spotting.MICRO_S else "macro", a, (a + b) / 2, b) for a, b in found]


def matches(known: Sequence[Any], found: Sequence[Any]) -> list[tuple[int, int]]:
    """Return the positions (known, found) of matching intervals, objects with `onset` and `offset`."""
    ends = [[(interval.onset, interval.offset) for interval in intervals] for intervals in (known, found)]
    return match_intervals(ends[0], ends[1])


def measure_film(seed: int, fps: int) -> dict:
    """Return counts of both spotters on one film at one rate, and the labels of the expressions found."""
    film, plain = Film(seed), FrameDifference()
    every = max(1, int(fps / MAX_FPS + 1e-6))  # only measured frames are drawn
    track = track_video(plain.seeing(film.recording(fps, every)), FaceTracker(), fps)
    ours = [Found(i.kind, i.onset_s, i.apex_s, i.offset_s) for i in spotting.find_intervals(track)]
    counts: dict[str, Any] = {"seed": seed, "fps": fps, "frames": len(track.number)}
    for name, found in (("mer", ours), ("frame difference", plain.found())):
        rows = {
            kind: _counts(
                [e for e in film.plan.events if e.kind == kind], [f for f in found if f.kind == kind]
            )
            for kind in KINDS
        }
        faces = [[e for e in events if e.kind in ("micro", "macro")] for events in (film.plan.events, found)]
        counts[name] = rows | {"expressions": _counts(*faces)}
    known = [event for event in film.plan.events if event.label]
    expressions = [f for f in ours if f.kind in ("micro", "macro")]
    counts["labels"] = [
        (known[i].label, _label(film, track, expressions[j])) for i, j in matches(known, expressions)
    ]
    return counts


def _counts(known: list, found: list) -> list[int]:
    """Return the numbers of matched, known and found intervals."""
    return [len(matches(known, found)), len(known), len(found)]


def _label(film: Film, track, interval: Found) -> str:
    fitted = bundle.load()
    at = [int(np.abs(track.time - time).argmin()) for time in (interval.onset, interval.apex)]
    images = [np.clip(np.rint(film.picture(track.time[i]) * 255), 0, 255).astype(np.uint8) for i in at]
    aligned = align_pair(images, track.box[at[0]], fitted.recipe.clip_input.face_size)
    probabilities = read_pair(fitted, aligned, with_explanation=False).probabilities
    return max(probabilities, key=probabilities.__getitem__)


def f1(counts: list[int]) -> float:
    right, known, found = counts
    return 2 * right / max(known + found, 1)


def table(rows: list[dict]) -> str:
    """Return Markdown, per rate and spotter: F1 of each kind, recall of expressions, F1 of labels, STRS."""
    lines = [
        "| fps | spotter | micro F1 | macro F1 | expressions F1 | precision | recall | blink F1 | head F1 | "
        "labels F1 | STRS |",
        "|" + "---|" * 11,
    ]
    for fps in sorted({row["fps"] for row in rows}):
        part = [row for row in rows if row["fps"] == fps]
        for name in ("frame difference", "mer"):
            total = {
                kind: np.sum([row[name][kind] for row in part], axis=0) for kind in (*KINDS, "expressions")
            }
            right, known, found = total["expressions"]
            cells = [f"{f1(total[kind]):.2f}" for kind in ("micro", "macro", "expressions")] + [
                f"{right / max(found, 1):.2f}",
                f"{right / known:.2f}",
            ]
            if name == "mer":
                pairs = np.array([pair for row in part for pair in row["labels"]])
                named = (
                    metrics.compute_scores(metrics.confusion_matrix(pairs[:, 0], pairs[:, 1], list(LABELS)))[
                        "uf1"
                    ]
                    if len(pairs)
                    else 0.0
                )
                cells += [
                    f"{f1(total['blink']):.2f}",
                    f"{f1(total['head']):.2f}",
                    f"{named:.2f}",
                    f"{named * f1(total['expressions']):.2f}",
                ]
            else:
                cells += ["", "", "", ""]
            lines.append(f"| {fps} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.spotting", description="Measure the spotter on synthetic films."
    )
    parser.add_argument("--out", type=Path, default=Path("spot-benchmark"))
    parser.add_argument("--films", type=int, default=FILMS)
    parser.add_argument("--at-most", type=int, help="measure only so many more recordings now")
    given = parser.parse_args()
    todo = [
        (seed, fps)
        for seed in range(given.films)
        for fps in RATES
        if not (given.out / f"{seed}-{fps}.json").is_file()
    ]
    for seed, fps in todo[: given.at_most]:
        write_json(given.out / f"{seed}-{fps}.json", measure_film(seed, fps))
    rows = [json.loads(path.read_text()) for path in sorted(given.out.glob("*-*.json"))]
    films = len({row["seed"] for row in rows})
    write_text(
        given.out / "table.md",
        f"{len(rows)} recordings of {films} films of {SECONDS:g} s.\n\n{table(rows)}\n",
    )
    print(table(rows))


if __name__ == "__main__":
    main()
