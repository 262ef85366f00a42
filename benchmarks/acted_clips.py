"""Labels of the shipped bundle for acted expressions of real people: large motion, outside its purpose.

    python -m benchmarks.acted_clips CLIPS --out docs/results/acted-clips.md

CLIPS holds films and expressions.csv (file, kind, onset, offset, what), annotated by eye. Each expression is
read twice: from the frame before its onset to the strongest frame, and to the first frame that is a fifth as
strong. A label is given where `mer score` would between these frames.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from data_prep.align import fit_similarity, transform_points
from data_prep.frames import Frames
from data_prep.landmarks import FaceMesh, interocular
from mer import bundle
from mer.bundle import Bundle
from mer.inference import reliability, spotting
from mer.inference.motion import align_moment
from mer.inference.onset_apex import Moment
from mer.inference.pair_reading import read_pair
from mer.inference.recorder import track_clip
from mer.inference.track import Track
from mer_core import markdown
from mer_core.io import write_text

EARLY = 0.2  # of the strongest frame's motion
BEFORE = 2  # frames, between the frame that is read as neutral and the onset
# What was acted -> what a person would call it; None: no emotion, or one of two.
EXPECTED = {"grin": "positive", "laugh": "positive", "smile": "positive", "corners down": "negative"}
EXPECTED |= {"sneer": "negative", "grimace": "negative", "mouth open": "surprise"}


class Reading(NamedTuple):
    """What the bundle makes of two frames."""

    motion: float  # per cent of the inter-ocular distance
    label: str | None  # None where none is given
    outside: list[str]  # conditions that are outside the bundle's ranges
    probabilities: dict[str, float]

    @property
    def likeliest(self) -> str:
        return max(self.probabilities, key=self.probabilities.__getitem__)


def read_expression(
    film: Path, frames: Frames, track: Track, onset: int, offset: int, fitted: Bundle
) -> tuple[Reading, Reading] | None:
    """Return the decisions on the strongest and an early frame, or None where no face is found."""
    neutral = onset - BEFORE if onset > BEFORE else offset  # one begins before its film: it is read backwards
    numbers = [neutral, *range(onset, offset + 1, 2)]
    images = frames.pick(numbers)
    with FaceMesh() as mesh:
        points = [mesh.landmarks(images[number]) for number in numbers]
    if points[0] is None or track.row(neutral) is None:
        return None
    start = _aligned(points[0], points[0])
    moved = [0.0 if p is None else _distance(_aligned(p, p), start) for p in points]
    strongest = int(np.argmax(moved))
    order = range(1, strongest + 1) if neutral < onset else range(len(numbers) - 1, strongest - 1, -1)
    early = next(k for k in order if moved[k] >= EARLY * moved[strongest])
    first, second = (_read(film, images, track, (neutral, numbers[k]), fitted) for k in (strongest, early))
    return first, second


def _aligned(points: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return transform_points(points, fit_similarity(reference, 100))


def _distance(points: np.ndarray, start: np.ndarray) -> float:
    """Return the 90th percentile of the points' displacement, in inter-ocular distances."""
    return float(np.quantile(np.linalg.norm(points - start, axis=1), 0.9)) / interocular(start)


def _read(
    film: Path, images: dict[int, np.ndarray], track: Track, numbers: tuple[int, int], fitted: Bundle
) -> Reading:
    onset, apex = (track.row(number) for number in numbers)
    assert onset is not None and apex is not None  # `read_expression` asks for faces that are there
    moment = Moment(onset, apex)
    shown = read_pair(fitted, align_moment(images, track, moment[:2], fitted.recipe.clip_input.face_size))
    conditions = reliability.measure_conditions(
        film, track, moment, spotting.find_intervals(track), shown.pair.facial.strength
    )
    label, _ = reliability.find_label(moment, conditions, shown.probabilities, {}, fitted.recipe)
    outside = [
        name
        for name, (low, high) in fitted.recipe.validated_ranges.items()
        for value, _ in [conditions.by_name()[name]]
        if value < low or value > high
    ]
    return Reading(shown.pair.facial.strength, label, outside, shown.probabilities)


class Acted(NamedTuple):
    """An acted expression and its readings: at the strongest frame and early, None where no face is found."""

    film: str
    what: str
    expected: str | None
    readings: tuple[Reading, Reading] | None


def read_all(clips: Path) -> list[Acted]:
    """Read every acted expression that `expressions.csv` lists."""
    fitted = bundle.load()
    rows = pd.read_csv(clips / "expressions.csv")
    rows = rows[rows["kind"] == "expression"]
    films = {name: track_clip(clips / name) for name in rows["file"].unique()}
    return [
        Acted(
            row.file,
            row.what,
            next((label for key, label in EXPECTED.items() if key in row.what), None),
            read_expression(clips / row.file, *films[row.file], row.onset, row.offset, fitted),
        )
        for row in rows.itertuples()
    ]


def table(found: list[Acted]) -> str:
    """Return a Markdown table: one row per acted expression, and how many are named as expected."""
    header = ["film", "acted", "expected"]
    header += ["strongest frame", "motion, %", "early frame", "motion, %"]
    cells = []
    for one in found:
        read = [
            cell for reading in one.readings or () for cell in (_worded(reading), f"{reading.motion:.1f}")
        ]
        read = read or ["no face", "", "", ""]
        cells.append([one.film, one.what, one.expected or "-", *read])
    judged = [(one.readings, one.expected) for one in found if one.expected and one.readings]
    lines = [markdown.format_table(header, cells), ""]
    for k, name in enumerate(("strongest frame", "early frame")):
        labels = [(readings[k].label, expected) for readings, expected in judged]
        likeliest = [(readings[k].likeliest, expected) for readings, expected in judged]
        lines.append(
            f"- **{name.capitalize()}**: of {len(judged)} emotions {sum(a == b for a, b in labels)} are "
            f"named as expected, {sum(a not in (None, b) for a, b in labels)} otherwise, the rest get no "
            f"label. Without the bundle's ranges and least confidence, {sum(a == b for a, b in likeliest)} "
            f"would be named as expected, {sum(a not in ('other', b) for a, b in likeliest)} as another "
            "emotion."
        )
    return "\n".join(lines)


def _worded(reading: Reading) -> str:
    odds = f"{reading.likeliest} {reading.probabilities[reading.likeliest]:.2f}"
    if reading.label:
        return odds
    outside = f"; outside: {', '.join(reading.outside)}" if reading.outside else ""
    return f"no label ({odds}{outside})"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.acted_clips", description=__doc__.split("\n")[0]
    )
    parser.add_argument("clips", type=Path, help="folder of the films and expressions.csv")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    text = table(read_all(given.clips))
    print(text)
    if given.out:
        write_text(given.out, f"# What the bundle says of acted expressions\n\n{text}\n")


if __name__ == "__main__":
    main()
