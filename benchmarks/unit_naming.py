"""Are action units named correctly where scanned expressions move real portraits, or rendered scans?

    python -m benchmarks.unit_naming PORTRAITS HEAD_MODEL.npz --cache FITS --out CASES

Each person shows every unit on both sides, every unit that has sides on one of them and unevenly on both, and
random pairs and triples of units, with a turn of the head and a camera's faults; the flow network reads the
motion. CASES keeps a file for each person and flow weights, so that the command goes on where it was stopped.
With --rendered the people are random heads of the scans under painted skin, and no portrait is used. --first
chooses people with whom nothing was chosen.

The people are held out; the patterns (unit_patterns.py) come from the same scans, so this says what the path
from camera to name loses, not how people differ.
"""

import argparse
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import hard_composite
from benchmarks.portrait_clips import recorded_motion
from benchmarks.rendered_people import FACE
from data_prep.align import fit_similarity, transform_points, warp_face
from data_prep.landmarks import interocular
from flow.estimate import Method, estimate
from flow.splatting.actor import Actor
from flow.splatting.camera import HeadPose
from flow.splatting.head_model import HeadModel, load_head_model
from flow.splatting.held_out import Split
from flow.splatting.identity import scanned_face
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
FIRST_PERSON = 9_000_000  # the engine's number of the first rendered person
HEAD_DEGREES = 0.1  # standard deviation of a rendered head's turn about each axis

# Draws what a person shows: actions, random generator -> motion of the farthest point in inter-ocular
# distances, and onset and apex (S, S, 3) uint8 RGB.
Recorder = Callable[[dict[str, float], np.random.Generator], tuple[float, tuple[np.ndarray, np.ndarray]]]


@dataclass(frozen=True)
class Case:
    """What one person shows, and the units that are named.

    Attributes
    ----------
    actions : dict
        Unit, or unit and side, -> strength.
    motion : float
        Of the farthest point, % of the inter-ocular distance.
    named : list of Unit
        By decreasing evidence.
    """

    actions: dict[str, float]
    motion: float
    named: list[Unit]

    @property
    def units(self) -> set[str]:
        return {name.rstrip("RL") for name in self.actions}

    @property
    def asymmetry(self) -> float:
        """Return (right - left) / (right + left) of the strengths; 0 for equal sides."""
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


def record_portrait(
    model: HeadModel, face: FittedPortrait, actions: dict[str, float], rng: np.random.Generator
) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
    """Record a portrait that moves; a `Recorder` once model and face are given."""
    seen = frame_portrait(face, 2 * FACE, rng.uniform(0.28, 0.4), rng.normal(0, 0.03), np.zeros(2))
    reach = float(np.exp(rng.uniform(*np.log(REACH))))
    weights = expression_weights(model, actions)
    return reach, recorded_motion(model, face, seen, weights, reach, HEAD_REACH, rng)


def record_actor(
    actor: Actor, person: int, actions: dict[str, float], rng: np.random.Generator
) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
    """Render a scanned head that moves; a `Recorder` once actor and person are given."""
    reach = float(np.exp(rng.uniform(*np.log(REACH))))
    strength = actor.intensity(actions, reach * interocular(actor.landmarks()))
    begin = rng.normal(0, (5.0, 4.0, 2.0))
    frame = partial(actor.frame, sensor=hard_composite.camera(person), rng=rng)
    onset = frame(head=HeadPose(*begin), number=0)
    shown = {name: strength * value for name, value in actions.items()}
    apex = frame(shown, head=HeadPose(*(begin + rng.normal(0, HEAD_DEGREES, 3))), number=20)
    return reach, (onset, apex)


def cases(record: Recorder, person: int, method: Method) -> list[Case]:
    """Record what one person shows and read it as `mer score` does; cases without a face are left out."""
    rng = np.random.default_rng([person, 71])
    found = []
    for actions in draw_actions(rng):
        reach, frames = record(actions, rng)
        if (seen := read(frames, method)) is not None:
            found.append(Case(actions, 100 * reach, find_units(*seen)))
    return found


def read(frames: tuple[np.ndarray, np.ndarray], method: Method) -> tuple[np.ndarray, np.ndarray] | None:
    """Return landmarks (478, 2) and their motion (468, 2), px, as `mer score` does; None without a face."""
    points = models.get_mesh().landmarks(frames[0])
    if points is None:
        return None
    matrix = fit_similarity(points, FACE)
    landmarks = transform_points(points, matrix)
    onset, apex = (warp_face(picture, matrix, FACE) for picture in frames)
    return landmarks, subtract_head(estimate(method, onset, apex, landmarks), landmarks).points


def portraits_of(
    folder: Path, model: HeadModel, cache: Path, people: range, split: Split = "held_out"
) -> Iterator[tuple[int, str, Recorder]]:
    """Yield number, name and `Recorder` of portraits, held-out ones by default."""
    names = fit_portraits(folder, model, cache, split)
    for person in people:
        face = load_fitted_portrait(folder, names[person], cache)
        yield person, Path(names[person]).stem, partial(record_portrait, model, face)


def actors_of(model: HeadModel, people: range) -> Iterator[tuple[int, str, Recorder]]:
    """Yield number, name and `Recorder` of rendered scans, including expressions held out of training."""
    for person in people:
        yield person, f"rendered-{person}", actor(model, person)


def actor(model: HeadModel, person: int) -> Recorder:
    """Return the `Recorder` of a rendered scan."""
    seed = FIRST_PERSON + person
    identity = scanned_face(seed, model, split=None)
    return partial(record_actor, Actor(seed, 2 * FACE, face=hard_composite.FACE, identity=identity), person)


def measure(shown: Iterator[tuple[int, str, Recorder]], out: Path) -> list[Case]:
    """Return the cases of all people; those that `out` holds are read from there."""
    method = models.get_method("srflownet", {"network": "compact"})
    found: list[Case] = []
    for person, name, record in track(list(shown), "People"):
        path = out / f"{name}-{method.weights}.json"
        if not path.is_file():
            made = cases(record, person, method)
            write_json(path, {"cases": [dataclasses.asdict(case) for case in made]})
        for row in read_json(path)["cases"]:
            found.append(Case(row["actions"], row["motion"], [Unit(**unit) for unit in row["named"]]))
    return found


def summary(found: list[Case]) -> str:
    """Return Markdown: single units, sides, magnitude and asymmetry, then F1 by unit in combinations."""
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
        f"- Single units: {len(named)} of {len(single)} named first ({len(named) / len(single):.1%}). "
        "Missed: " + (", ".join(f"AU {unit} ({n})" for unit, n in missed.most_common()) or "none") + ".",
        f"- Shown on one side: the right side named in {sides:.1%} of {len(one_sided)}. Shown unevenly on "
        f"both: the stronger side found in {stronger:.1%} of {len(uneven)}; error of the asymmetry, median "
        f"{np.median(error):.2f}, 90th percentile {np.quantile(error, 0.9):.2f} (range of the asymmetry: "
        "-1 to 1).",
        f"- Motion read over motion shown: median {ratio[1]:.2f}, quartiles {ratio[0]:.2f} and "
        f"{ratio[2]:.2f}.",
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
    parser.add_argument("--first", type=int, default=0, help="number of the first person")
    parser.add_argument("--rendered", action="store_true", help="rendered scans in place of portraits")
    given = parser.parse_args()
    model = load_head_model(given.head_model)
    people = range(given.first, given.first + given.people)
    if given.rendered:
        shown = actors_of(model, people)
    else:
        shown = portraits_of(given.portraits, model, given.cache, people)
    found = measure(shown, given.out)
    write_text(given.out / ("table-rendered.md" if given.rendered else "table.md"), summary(found) + "\n")
    print(summary(found))


if __name__ == "__main__":
    main()
