"""Are action units named rightly where scanned expressions move real portraits?

    python -m benchmarks.unit_naming PORTRAITS HEAD_MODEL.npz --cache FITS --out CASES

Each person shows every unit on both sides, every unit that has sides on one of them and unevenly on both, and
random pairs and triples of units, with a turn of the head and a camera's faults; the flow network reads the
motion. CASES keeps a file for each person and flow weights, so that the command goes on where it was stopped.

The people are held out; the patterns (unit_patterns.py) come from the same scans, so this says what the path
from camera to name loses, not how people differ.
"""

import argparse
import dataclasses
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.portrait_clips import recorded_motion
from benchmarks.rendered_people import FACE
from data_prep.align import fit_similarity, transform_points, warp_face
from flow.estimate import Method, estimate
from flow.splatting.head_model import HeadModel, load_head_model
from flow.splatting.portrait_motion import FittedPortrait, frame_portrait
from flow.splatting.scanned_units import UNIT_EXPRESSIONS, expression_weights
from flow.srflownet.data.animated_portraits import fit_portraits, load_fitted_portrait
from mer.inference import models
from mer.inference.action_units import Unit, find_units
from mer.inference.motion import subtract_head
from mer.inference.unit_patterns import BOTH_SIDES
from mer_core import markdown
from mer_core.io import read_json, write_json, write_text
from mer_core.progress import track

REACH = (0.015, 0.06)  # inter-ocular distances, motion of the farthest point
HEAD_REACH = 0.004  # inter-ocular distances, motion of the head at the farthest point
COMBINATIONS = 15  # pairs and triples of units that each person shows
PEOPLE = 6


@dataclass(frozen=True)
class Case:
    """What one person shows, and the units that are named.

    actions : unit, or unit and side, -> strength;  motion : % of the inter-ocular distance, farthest point
    named   : by falling evidence
    """

    actions: dict[str, float]
    motion: float
    named: list[Unit]

    @property
    def units(self) -> set[str]:
        return {name.rstrip("RL") for name in self.actions}

    @property
    def asymmetry(self) -> float:
        """Strength of the right side less that of the left over their sum; 0 for both sides alike."""
        sides = {name[-1]: value for name, value in self.actions.items() if name[-1] in "RL"}
        right, left = sides.get("R", 0.0), sides.get("L", 0.0)
        return (right - left) / (right + left) if sides else 0.0

    def first(self) -> Unit | None:
        """Return the unit with most evidence where it is the one shown, else None."""
        return self.named[0] if self.named and self.named[0].unit in self.units else None


def draw_actions(rng: np.random.Generator) -> list[dict[str, float]]:
    """Draw what one person shows."""
    shown = [{unit: 1.0} for unit in UNIT_EXPRESSIONS]
    for unit in UNIT_EXPRESSIONS:
        if unit not in BOTH_SIDES:
            strong, weak = rng.permutation(["R", "L"])
            shown.append({f"{unit}{strong}": 1.0})
            shown.append({f"{unit}{strong}": 1.0, f"{unit}{weak}": rng.uniform(0.2, 0.8)})
    for _ in range(COMBINATIONS):
        units = rng.choice(list(UNIT_EXPRESSIONS), rng.integers(2, 4), replace=False)
        shown.append({str(unit): rng.uniform(0.5, 1.0) for unit in units})
    return shown


def cases(model: HeadModel, face: FittedPortrait, person: int, method: Method) -> list[Case]:
    """Record what one person shows and read it as `mer score` does; cases without a face are left out."""
    rng = np.random.default_rng([person, 71])
    found = []
    for actions in draw_actions(rng):
        seen = frame_portrait(face, 2 * FACE, rng.uniform(0.28, 0.4), rng.normal(0, 0.03), np.zeros(2))
        reach = float(np.exp(rng.uniform(*np.log(REACH))))
        weights = expression_weights(model, actions)
        frames = recorded_motion(model, face, seen, weights, reach, HEAD_REACH, rng)
        points = models.mesh().landmarks(frames[0])
        if points is None:
            continue
        matrix = fit_similarity(points, FACE)
        landmarks = transform_points(points, matrix)
        flow = estimate(method, *(warp_face(picture, matrix, FACE) for picture in frames), landmarks)
        motion = subtract_head(flow, landmarks)
        found.append(Case(actions, 100 * reach, find_units(landmarks, motion.points)))
    return found


def measure(portraits: Path, head_model: Path, cache: Path, out: Path, people: int) -> list[Case]:
    """Return the cases of all people; those that `out` holds are read from there."""
    model, method = load_head_model(head_model), models.method("srflownet", {"network": "compact"})
    found: list[Case] = []
    names = fit_portraits(portraits, model, cache, "held_out")[:people]
    for person, name in enumerate(track(names, "People")):
        path = out / f"{Path(name).stem}-{method.weights}.json"
        if not path.is_file():
            made = cases(model, load_fitted_portrait(portraits, name, cache), person, method)
            write_json(path, {"cases": [dataclasses.asdict(case) for case in made]})
        for row in read_json(path)["cases"]:
            found.append(Case(row["actions"], row["motion"], [Unit(**unit) for unit in row["named"]]))
    return found


def summary(found: list[Case]) -> str:
    """Markdown: single units, sides, magnitude and asymmetry, then F1 by unit in combinations."""
    single = [case for case in found if len(case.units) == 1]
    right = [(case, case.first()) for case in single]
    named = [(case, unit) for case, unit in right if unit]
    one_sided = [(case, unit) for case, unit in named if abs(case.asymmetry) == 1]
    uneven = [(case, unit) for case, unit in named if 0 < abs(case.asymmetry) < 1]
    ratio = np.quantile([unit.motion / case.motion for case, unit in named], [0.25, 0.5, 0.75])
    error = np.abs([unit.asymmetry - case.asymmetry for case, unit in uneven])
    sides = np.mean([unit.side == _side(case) for case, unit in one_sided])
    stronger = np.mean([unit.asymmetry * case.asymmetry > 0 for case, unit in uneven])
    missed = Counter(next(iter(case.units)) for case, unit in right if not unit)
    lines = [
        f"- Single units: {len(named)} of {len(single)} named first ({len(named) / len(single):.1%}). Missed: "
        + (", ".join(f"AU {unit} ({n})" for unit, n in missed.most_common()) or "none")
        + ".",
        f"- Shown on one side: the right side named in {sides:.1%} of {len(one_sided)}. Shown unevenly on both: the "
        f"stronger side found in {stronger:.1%} of {len(uneven)}; error of the asymmetry, median {np.median(error):.2f}, "
        f"90th percentile {np.quantile(error, 0.9):.2f} (range of the asymmetry: -1 to 1).",
        f"- Motion read over motion shown: median {ratio[1]:.2f}, quartiles {ratio[0]:.2f} and {ratio[2]:.2f}.",
        "",
        _combinations([case for case in found if len(case.units) > 1]),
    ]
    return "\n".join(lines)


def _side(case: Case) -> str:
    return "right" if case.asymmetry > 0 else "left"


def _combinations(found: list[Case]) -> str:
    """Return the table of F1 by unit shown or named; a unit is named where `nearest` lists it."""
    pairs = [(case.units, {unit.unit for unit in case.named}) for case in found]
    rows, scores = [], []
    for unit in UNIT_EXPRESSIONS:
        shown, named = (sum(unit in pair[side] for pair in pairs) for side in (0, 1))
        both = sum(unit in shown_units and unit in named_units for shown_units, named_units in pairs)
        if shown or named:
            scores.append(2 * both / (shown + named))
            rows.append([unit, f"{scores[-1]:.2f}", shown, named, both])
    rows.append([f"mean of {len(scores)}", f"{np.mean(scores):.2f}", "", "", ""])
    return markdown.format_table(
        ["unit", f"F1 in {len(found)} pairs and triples", "shown", "named", "shown and named"], rows
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.unit_naming", description=__doc__.split("\n")[0]
    )
    parser.add_argument("portraits", type=Path)
    parser.add_argument("head_model", type=Path, help="NPZ of mer flow head-model")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps fits of the portraits")
    parser.add_argument("--out", type=Path, required=True, help="folder that keeps the cases")
    parser.add_argument("--people", type=int, default=PEOPLE)
    given = parser.parse_args()
    found = measure(given.portraits, given.head_model, given.cache, given.out, given.people)
    write_text(given.out / "table.md", summary(found) + "\n")
    print(summary(found))


if __name__ == "__main__":
    main()
