"""`mer spot` by the rules of the micro-expression grand challenges, on the films of busy_films.py.

    python -m benchmarks.spotting_challenge --out FOLDER

Each film is written as frames and read by the code behind `mer spot --megc`; the file that would be submitted
is scored. FOLDER keeps what each film gave, so that the command goes on where it was stopped.

References
----------
Rules: an interval counts as found if it overlaps a known one of its type by an IoU of .5 or more, each known
one once; F1 from the counts of all videos; STRS is the F1 of spotting micro-expressions times the macro F1 of
the emotions of those found. X. Fan et al., MEGC2025, arXiv 2506.15298.
"""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.busy_films import BusyFilm
from benchmarks.rendered_people import LABELS
from benchmarks.spotting import f1, matches
from data_prep.image_files.images import write_image
from mer.evaluation import metrics
from mer.inference import predict
from mer.report import megc
from mer_core import markdown
from mer_core.io import atomic_replace, write_text
from mer_core.progress import say

FPS, FILMS = 30, 4
BEST_UNSEEN = 0.09  # STRS, best entry on the unseen videos of MEGC 2025
DISTRACTORS = ("speech", "hand", "head", "blink")


class Spotted(NamedTuple):
    """A row of a submission, or a known interval, frames."""

    onset: float
    offset: float
    emotion: str


def spot_film(seed: int, out: Path) -> None:
    """Write the known intervals of a film, and add what is spotted to the submission."""
    film, name = BusyFilm(seed), f"film-{seed}"
    frames = out / "frames" / name
    frames.mkdir(parents=True, exist_ok=True)
    for frame in film.recording(FPS):
        write_image(frames / f"{frame.number:05d}.png", frame.image)
    known = [
        (name, FPS * event.onset, FPS * event.offset, event.kind, event.label) for event in film.plan.events
    ]
    with atomic_replace(out / f"{name}.csv") as temporary:
        pd.DataFrame(known, columns=megc.COLUMNS).to_csv(temporary, index=False)
    _, found = predict.spot(frames, fps=FPS)
    megc.add_to_submission(found, name, out / "submission.csv")
    write_text(out / f"{name}.done", "")


def score(known: pd.DataFrame, submission: pd.DataFrame) -> dict[str, Any]:
    """Score a submission: counts per type, emotions of the expressions found, places of false rows."""
    result: dict[str, Any] = {"emotions": [], "false": dict.fromkeys((*DISTRACTORS, "elsewhere"), 0)}
    for kind, type_ in megc.TYPES.items():
        counts = np.zeros(3, int)
        for video, events in known.groupby("vid"):
            there = _spotted(events[events["type"] == kind])
            rows = _spotted(submission[(submission["vid"] == video) & (submission["type"] == type_)])
            pairs = matches(there, rows)
            counts += [len(pairs), len(there), len(rows)]
            if kind == "micro":
                result["emotions"] += [(there[i].emotion, rows[j].emotion) for i, j in pairs]
            matched = {j for _, j in pairs}
            for j in set(range(len(rows))) - matched:
                result["false"][_where(rows[j], events)] += 1
        result[kind] = counts.tolist()
    return result


def _spotted(table: pd.DataFrame) -> list[Spotted]:
    return [Spotted(row.pred_onset, row.pred_offset, row.emotion) for row in table.itertuples()]


def _where(row: Spotted, events: pd.DataFrame) -> str:
    """Return the distractor that a false interval overlaps most."""
    inside = [
        (min(row.offset, event.pred_offset) - max(row.onset, event.pred_onset), event.type)
        for event in events.itertuples()
        if event.type in DISTRACTORS
    ]
    overlap, kind = max(inside, default=(0, ""))
    return kind if overlap > 0 else "elsewhere"


def strs(result: dict) -> tuple[float, float, float]:
    """Return F1 of spotting micro-expressions, macro F1 of the emotions of those found, and their product."""
    spotting = f1(result["micro"])
    if not result["emotions"]:
        return spotting, 0.0, 0.0
    truth, named = zip(*result["emotions"])
    # A row without an emotion is wrong for all.
    counts = metrics.confusion_matrix(truth, named, [*LABELS, ""])
    recognition = float(metrics.compute_scores(counts, np.array([True] * len(LABELS) + [False]))["uf1"])
    return spotting, recognition, spotting * recognition


def table(result: dict) -> str:
    """Return the result as Markdown."""
    spotting, recognition, product = strs(result)
    rows = [[kind, *result[kind], f"{f1(result[kind]):.2f}"] for kind in megc.TYPES]
    both = (np.array(result["micro"]) + result["macro"]).tolist()
    rows.append(["both", *both, f"{f1(both):.2f}"])
    false = ", ".join(f"{where} {n}" for where, n in result["false"].items())
    unnamed = sum(not label for _, label in result["emotions"])
    return "\n".join(
        [
            markdown.format_table(["expressions", "found correctly", "shown", "submitted", "F1"], rows),
            "",
            f"Emotions of the micro-expressions found: macro F1 {recognition:.2f} ({unnamed} of "
            f"{len(result['emotions'])} without a label, which counts as wrong). **STRS {product:.2f}**; the "
            f"best entry on the unseen videos of MEGC 2025 has {BEST_UNSEEN:.2f}.",
            "",
            f"Submitted rows that match nothing lie in: {false}.",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.spotting_challenge", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--films", type=int, default=FILMS)
    given = parser.parse_args()
    for seed in range(given.films):
        if not (given.out / f"film-{seed}.done").is_file():
            say(f"film {seed + 1} of {given.films}")
            spot_film(seed, given.out)
    known = pd.concat(
        [pd.read_csv(given.out / f"film-{seed}.csv", keep_default_na=False) for seed in range(given.films)]
    )
    text = table(score(known, megc.read_submission(given.out / "submission.csv")))
    write_text(given.out / "table.md", text + "\n")
    print(text)


if __name__ == "__main__":
    main()
