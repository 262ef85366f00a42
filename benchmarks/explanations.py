"""Accuracy of explanations: do they point to the part of the face that moves?

    python -m benchmarks.explanations --people 4

Rendered people move one action unit at a time, on both sides or on one. Counted: whether the region that
moves most, the region that carries the decision, and the nearest action unit are those that moved. Each
unit may show in the regions listed in `SHOWS_IN`; for one side, the side must be right too.
"""

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from benchmarks.rendered_people import FACE, FRAME, TURN
from flow.sampling import log_uniform
from mer import bundle
from mer.inference import action_units, attribution, regions
from mer.inference.motion import subtract_head
from mer_core.progress import track

FIRST = 5000  # seed of the first person
MOVES_PX = (1.0, 4.0)  # px of the frame, of the point that moves farthest, evenly spread in its logarithm
# Unit -> the regions whose skin its muscle moves.
SHOWS_IN = {
    "1": ("brow",),
    "2": ("brow",),
    "4": ("brow",),
    "5": ("lids",),
    "6": ("cheek", "lids"),
    "7": ("lids",),
    "9": ("nose", "brow"),
    "10": ("nose", "lips", "lip corner"),
    "12": ("lip corner", "cheek"),
    "14": ("lip corner",),
    "15": ("lip corner",),
    "16": ("lips", "chin", "lip corner"),
    "17": ("chin", "lips"),
    "20": ("lip corner",),
    "23": ("lips", "lip corner"),
    "24": ("lips", "nose", "lip corner"),
    "25": ("lips", "chin"),
    "26": ("chin", "lips", "lip corner"),
    "28": ("lips", "lip corner"),
    "43": ("lids",),
}


class Shown(NamedTuple):
    """One unit shown by one person: side "", "R" or "L"; flow (FACE, FACE, 2) px, landmarks (478, 2) px."""

    person: int
    unit: str
    side: str
    landmarks: np.ndarray
    flow: np.ndarray


def shown(person: int) -> Iterator[Shown]:
    """Return the cases: every unit on both sides and on a random one, with camera noise and head motion."""
    from data_prep.align import fit_similarity, transform_points, warp_face
    from flow.estimate import estimate
    from flow.splatting.actor import Actor
    from flow.splatting.camera import HeadPose
    from flow.splatting.expression import GOOD_CAMERA
    from mer.inference import models

    actor, rng = Actor(person, FRAME), np.random.default_rng(person)
    onset = actor.frame(sensor=GOOD_CAMERA, rng=rng)
    points = models.get_mesh().landmarks(onset)
    if points is None:
        return
    matrix, method = fit_similarity(points, FACE), models.get_method("srflownet", {"network": "compact"})
    for unit in SHOWS_IN:
        for side in ("",) if unit == "26" else ("", "L" if rng.random() < 0.5 else "R"):
            strength = actor.intensity({unit + side: 1.0}, log_uniform(rng, *MOVES_PX))
            apex = actor.frame(
                {unit + side: strength},
                head=HeadPose(*rng.normal(0, TURN, 3)),
                sensor=GOOD_CAMERA,
                number=1,
                rng=rng,
            )
            yield Shown(
                person,
                unit,
                side,
                transform_points(points, matrix),
                estimate(method, *(warp_face(f, matrix, FACE) for f in (onset, apex))),
            )


def right_place(region: str, unit: str, side: str) -> bool:
    """Return whether `unit` shows in `region`, on the side where it was moved."""
    part = region.removesuffix(" right").removesuffix(" left")
    on_side = part == region or not side or region.endswith({"R": "right", "L": "left"}[side])
    return part in SHOWS_IN[unit] and on_side


def judge(case: Shown, fitted: bundle.Bundle) -> dict[str, bool]:
    """Return what the explanation of one case got right."""
    seen = subtract_head(case.flow, case.landmarks)
    moved = max(regions.measure_regions(seen.flow, case.landmarks), key=lambda region: region.motion).name
    share = attribution.decision_fractions(fitted, seen.flow, case.landmarks)
    named = action_units.find_units(case.landmarks, seen.points)
    side = {"": "both", "R": "right", "L": "left"}[case.side]
    return {
        "moves most": right_place(moved, case.unit, case.side),
        "decides most": right_place(max(share, key=share.__getitem__), case.unit, case.side),
        "nearest unit": bool(named) and named[0].unit == case.unit,
        "its side": bool(named) and named[0].side == side,
    }


def table(found: list[tuple[str, dict[str, bool]]]) -> str:
    """Return fractions as Markdown, per unit and over all."""
    names = list(found[0][1])
    lines = ["| unit | cases | " + " | ".join(names) + " |", "|" + "---|" * (len(names) + 2)]
    for unit in (*dict.fromkeys(unit for unit, _ in found), "all"):
        part = [right for shown_unit, right in found if unit in (shown_unit, "all")]
        lines.append(
            f"| {unit} | {len(part)} | "
            + " | ".join(f"{np.mean([right[name] for right in part]):.0%}" for name in names)
            + " |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.explanations", description="Check explanations against known motion."
    )
    parser.add_argument("--people", type=int, default=4)
    given = parser.parse_args()
    fitted = bundle.load()
    print(
        table(
            [
                (case.unit, judge(case, fitted))
                for person in track(range(FIRST, FIRST + given.people), "People")
                for case in shown(person)
            ]
        )
    )


if __name__ == "__main__":
    main()
