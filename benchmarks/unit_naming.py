"""Are action units named rightly where scanned expressions move real portraits?

    python -m benchmarks.unit_naming PORTRAITS HEAD_MODEL.npz --cache FITS --people 4

Each person shows every unit on both sides, every unit with sides on one of them, and random pairs and triples
of units, with a turn of the head and a camera's faults; the flow network reads the motion. The people are
held out; the patterns (unit_patterns.py) come from the same scans, so this says what the path from camera to
name loses, not how people differ.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.portrait_clips import recorded_motion
from benchmarks.rendered_people import FACE
from data_prep.align import similarity, transform_points, warp
from flow.estimate import estimate_batch
from flow.splatting.head_model import HeadModel, load_head_model
from flow.splatting.portrait_motion import PortraitFace, view
from flow.splatting.scanned_units import UNITS, expression_weights
from flow.srflownet.data.animated_portraits import fit_portraits, load_face
from mer.inference import models
from mer.inference.action_units import Unit, nearest
from mer.inference.motion import between
from mer.inference.unit_patterns import BOTH_SIDES
from mer_core.progress import track

REACH = (0.015, 0.06)  # inter-ocular distances, motion of the farthest point
COMBINATIONS = 20  # pairs and triples of units that each person shows
Case = tuple[
    dict[str, float], float, list[Unit]
]  # actions, motion in per cent of the inter-ocular distance, what was named


def cases(model: HeadModel, face: PortraitFace, person: int) -> Iterator[Case]:
    """Yield what one person shows and what is named."""
    rng = np.random.default_rng([person, 71])
    shown = [{unit: 1.0} for unit in UNITS]
    shown += [{unit + str(rng.choice(["R", "L"])): 1.0} for unit in UNITS if unit not in BOTH_SIDES]
    for _ in range(COMBINATIONS):
        units = rng.choice(list(UNITS), rng.integers(2, 4), replace=False)
        shown.append({str(unit): rng.uniform(0.5, 1.0) for unit in units})
    frames, found = [], []
    for actions in shown:
        seen = view(face, 2 * FACE, rng.uniform(0.28, 0.4), rng.normal(0, 0.03), np.zeros(2))
        reach = float(np.exp(rng.uniform(*np.log(REACH))))
        onset, apex = recorded_motion(
            model, face, seen, expression_weights(model, actions), reach, 0.004, rng
        )
        points = models.mesh().landmarks(onset)
        if points is not None:
            matrix = similarity(points, FACE)
            frames.append([warp(picture, matrix, FACE) for picture in (onset, apex)])
            found.append((actions, 100 * reach, transform_points(points, matrix)))
    method = models.method("srflownet", {"network": "compact"})
    flows = estimate_batch(method, *(np.stack(side) for side in zip(*frames)))
    for (actions, reach, landmarks), flow in zip(found, flows):
        motion = between([], np.zeros((2, 3)), landmarks, flow, own_motion=True)
        yield actions, reach, nearest(motion.points, motion.motion)


def summary(found: list[Case]) -> str:
    """Markdown: single units, sides, magnitude, and F1 by unit in combinations."""
    single = [case for case in found if len(case[0]) == 1]
    right, sides, ratio, missed = [], [], [], Counter()
    for actions, reach, named in single:
        name = next(iter(actions))
        unit, side = name.rstrip("RL"), {"R": "right", "L": "left"}.get(name[-1], "both")
        right.append(bool(named) and named[0].unit == unit)
        if not right[-1]:
            missed[unit] += 1
            continue
        sides.append(named[0].side == side)
        ratio.append(named[0].motion / reach)
    lines = [
        f"{len(single)} single units: the right one named first in {np.mean(right):.1%}, of these the right side in "
        f"{np.mean(sides):.1%}; motion read over motion shown {np.median(ratio):.2f} (quartiles "
        f"{np.quantile(ratio, 0.25):.2f} to {np.quantile(ratio, 0.75):.2f}).",
        "Missed: " + (", ".join(f"{unit} ({n})" for unit, n in missed.most_common()) or "none") + ".",
        "",
        "| unit | F1 in combinations | shown | named |",
        "|---|---|---|---|",
    ]
    combined = [({name.rstrip("RL") for name in a}, {u.unit for u in n}) for a, _, n in found if len(a) > 1]
    scores = []
    for unit in UNITS:
        shown, named = (sum(unit in case[k] for case in combined) for k in (0, 1))
        both = sum(unit in a and unit in b for a, b in combined)
        scores.append(2 * both / max(shown + named, 1))
        lines.append(f"| {unit} | {scores[-1]:.2f} | {shown} | {named} |")
    return "\n".join([*lines, f"| mean of {len(scores)} | {np.mean(scores):.2f} | | |"])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.unit_naming", description=__doc__.split("\n")[0]
    )
    parser.add_argument("portraits", type=Path)
    parser.add_argument("head_model", type=Path, help="NPZ of mer flow head-model")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps fits of the portraits")
    parser.add_argument("--people", type=int, default=4)
    given = parser.parse_args()
    model = load_head_model(given.head_model)
    names = fit_portraits(given.portraits, model, given.cache, "held_out")[: given.people]
    found = [
        case
        for person, name in enumerate(track(names, "People"))
        for case in cases(model, load_face(given.portraits, name, given.cache), person)
    ]
    print(summary(found))


if __name__ == "__main__":
    main()
