"""How many rendered clips get a label inside the bundle's ranges, and how many outside of them?

    python -m benchmarks.label_rates --films FOLDER --page docs/results/label-rates.md

Every film goes the whole way of `mer score`: file, landmarks, interval, flow, label. Inside, all conditions lie
within the bundle's ranges; outside, one does not. Films are kept in FOLDER, one rendered once per film; labels are
read again in each run, with the bundle that ships or --bundle.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

from benchmarks.rendered_people import LABELS
from data_prep.landmarks import interocular
from flow.sampling import log_uniform
from flow.splatting.actor import Actor
from flow.splatting.camera import HeadPose
from flow.splatting.head import FaceState
from flow.splatting.recipes import draw_actions
from flow.splatting.sensor import Sensor
from mer import bundle
from mer.bundle import Recipe
from mer.inference.predict import score
from mer.inference.site_motion import PER_CENT, at_sites, strength
from mer_core import markdown
from mer_core.io import atomic_replace, write_text
from mer_core.progress import track

INSIDE, OUTSIDE_EACH = 40, 5
FIRST_PERSON = 7000  # seed of the first person; no other benchmark or fit uses these
GAUSSIANS, FACE = 12_000, 0.8
SIDE = 224  # px of a frame; eyes are 70 px apart
REST_S, SWAY = 0.35, 0.4  # at rest before and after; degrees, deviation of the head's turn
MARGIN = 0.15  # of a range's ends, between which clips inside are drawn
# Part of a reason -> the reason in a few words.
REASONS = {
    "no expression was found": "no expression found",
    "cannot be told from noise": "pair below the least motion",
    "resembles no emotion": "resembles no emotion",
    "likeliest label has": "probability below .5",
    "not validated": "outside a range",
    "begins within": "begins within an expression",
    "do not look like a face": "landmarks implausible",
}
BINS = (0.2, 0.45, 0.7, 1.4, 3.0)  # per cent of the inter-ocular distance, rows of clips inside
SKIN = (176, 132, 110)  # of the hand that covers the mouth


@dataclass(frozen=True)
class Shot:
    """One film. Times in s, strength in per cent of the inter-ocular distance, angles in degrees."""

    strength: float
    fps: float = 30.0
    rise_s: float = 0.18
    hold_s: float = 0.0
    fall_s: float = 0.2
    yaw: float = 0.0
    nod: float = 0.0  # of the head from onset to apex
    side: int = SIDE
    crf: int = 18
    is_covered: bool = False

    def shows(self, time: float) -> bool:
        """Whether the expression shows at `time` s."""
        return REST_S < time < REST_S + self.rise_s + self.hold_s + self.fall_s


class Outcome(NamedTuple):
    """What `mer score` said of one film."""

    condition: str
    strength: float  # true, per cent of the inter-ocular distance
    shown: str
    label: str | None
    reason: str | None
    is_found: bool = False  # the spotter finds the expression


def draw_inside(rng: np.random.Generator, recipe: Recipe) -> Shot:
    """A clip with every condition inside the ranges."""
    low, high = recipe.validated_ranges["motion of the face"]
    low = max(low, recipe.min_motion)
    return Shot(
        strength=log_uniform(rng, low * (1 + MARGIN), high * (1 - MARGIN)),
        fps=float(rng.choice([25, 30, 50])),
        rise_s=rng.uniform(0.1, 0.25),
        fall_s=rng.uniform(0.12, 0.25),
        yaw=rng.uniform(-12, 12),
        crf=int(rng.integers(14, 26)),
    )


def _high(recipe: Recipe) -> float:
    return recipe.validated_ranges["motion of the face"][1]


# Condition -> a clip in which it alone is outside.
OUTSIDE: dict[str, Callable[[np.random.Generator, Recipe], Shot]] = {
    "frame rate, 10 to 15": lambda rng, recipe: Shot(
        1.5, fps=float(rng.integers(10, 16)), rise_s=0.3, fall_s=0.3
    ),
    "no motion of the face": lambda rng, recipe: Shot(0.0),
    "large motion": lambda rng, recipe: Shot(_high(recipe) * rng.uniform(1.3, 2.5), rise_s=0.3),
    "held 1.2 to 2 s": lambda rng, recipe: Shot(1.5, hold_s=rng.uniform(1.2, 2.0)),
    "head turned 30 to 40 degrees": lambda rng, recipe: Shot(
        1.5, yaw=rng.uniform(30, 40) * rng.choice([-1, 1])
    ),
    "head nods 5 to 8 degrees": lambda rng, recipe: Shot(1.5, nod=rng.uniform(5, 8)),
    "eyes 35 px apart": lambda rng, recipe: Shot(1.5, side=112),
    "H.264, CRF 48 to 51": lambda rng, recipe: Shot(1.5, crf=int(rng.integers(48, 52))),
    "mouth covered": lambda rng, recipe: Shot(1.5, is_covered=True),
}


def conditions() -> Iterator[tuple[str, int]]:
    """Condition and number of each film."""
    yield from (("inside", number) for number in range(INSIDE))
    for kind, condition in enumerate(OUTSIDE):
        yield from ((condition, INSIDE + kind * OUTSIDE_EACH + number) for number in range(OUTSIDE_EACH))


def shown_label(number: int) -> str:
    """What film `number` shows: the labels take turns."""
    return list(LABELS)[number % len(LABELS)]


def render(number: int, shot: Shot, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Frames (H, W, 3) uint8 RGB: rest, rise, hold, fall, rest, while the head sways."""
    actor = Actor(FIRST_PERSON + number, shot.side, gaussians=GAUSSIANS, face=FACE)
    actions = draw_actions(str(rng.choice(LABELS[shown_label(number)])), rng)
    full = find_intensity(actor, actions, shot.strength)
    apex, end = REST_S + shot.rise_s, REST_S + shot.rise_s + shot.hold_s
    times = np.arange(0, end + shot.fall_s + REST_S, 1 / shot.fps)
    phase = np.interp(times, [REST_S, apex, end, end + shot.fall_s], [0, 1, 1, 0])
    levels = (1 - np.cos(np.pi * phase)) / 2
    way = rng.normal(0, SWAY, 2)
    sensor = Sensor(blur=0.4, shot=1e-4, read=rng.uniform(0.001, 0.006), drift=0.004)
    for i, (time, level) in enumerate(zip(times, levels)):
        turn = way * np.sin(2 * np.pi * time / 5)
        pose = HeadPose(yaw=shot.yaw + turn[0], pitch=turn[1] + shot.nod * level)
        shown = {unit: full * level * value for unit, value in actions.items()}
        picture = actor.frame(shown, head=pose, sensor=sensor, number=i, rng=rng)
        yield _covered(picture, actor) if shot.is_covered else picture


def find_intensity(actor: Actor, actions: dict[str, float], target: float) -> float:
    """Factor on `actions` for which the parts that move most move by `target` per cent, as `mer` counts."""
    factor = 0.1
    for _ in range(3):
        shown = {unit: factor * value for unit, value in actions.items()}
        factor *= target / max(reached_strength(actor, shown), 1e-6) if target else 0.0
    return factor


def reached_strength(actor: Actor, actions: dict[str, float]) -> float:
    """How far the parts that move most move, per cent of the inter-ocular distance."""
    rest, moved = (actor.landmarks(FaceState(shown)) for shown in ({}, actions))
    return float(strength(at_sites(moved - rest)) / interocular(rest) * PER_CENT)


def _covered(picture: np.ndarray, actor: Actor) -> np.ndarray:
    """A hand-coloured patch over mouth and chin."""
    x, y = actor.landmarks()[[0, 17, 61, 291, 152]].mean(0).astype(int)
    reach = len(picture) // 6
    out = picture.copy()
    out[y - reach : y + reach, x - reach : x + reach] = SKIN
    return out


def write_film(path: Path, shot: Shot, frames: Iterator[np.ndarray]) -> None:
    with atomic_replace(path) as temporary, av.open(str(temporary), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=round(shot.fps), options={"crf": str(shot.crf)})
        stream.width = stream.height = shot.side
        stream.pix_fmt = "yuv420p"
        for image in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode())


def outcomes(folder: Path, fitted: Path) -> list[Outcome]:
    """Score every film, which is rendered first where `folder` does not hold it."""
    recipe = bundle.read_recipe(fitted)
    found = []
    for condition, number in track(list(conditions()), "Films"):
        rng = np.random.default_rng([number, 77])
        shot = (draw_inside if condition == "inside" else OUTSIDE[condition])(rng, recipe)
        path = (
            folder / f"{number:03d}-{shot.strength:.2f}.mp4"
        )  # ranges, and so the strength, follow the bundle
        if not path.is_file():
            write_film(path, shot, render(number, shot, rng))
        result = score(path, fitted)
        is_found = result.interval is not None and shot.shows(result.interval.apex_s)
        found.append(
            Outcome(condition, shot.strength, shown_label(number), result.label, result.reason, is_found)
        )
    return found


def summary(found: list[Outcome]) -> str:
    """Markdown: rows for clips inside, by motion, and for each condition outside."""
    header = ["clips", "number", "found", "given a label", "of these right", "most frequent reason for none"]
    inside = [one for one in found if one.condition == "inside"]
    groups = {"inside": inside}
    for low, high in zip(BINS[:-1], BINS[1:]):
        groups[f"inside, {low:g} to {high:g} %"] = [one for one in inside if low <= one.strength < high]
    groups |= {name: [one for one in found if one.condition == name] for name in OUTSIDE}
    groups["all outside"] = [one for one in found if one.condition != "inside"]
    return markdown.format_table(header, [_cells(name, part) for name, part in groups.items() if part])


def _cells(name: str, part: list[Outcome]) -> list[str]:
    given = [one for one in part if one.label]
    right = sum(one.label == one.shown for one in given)
    reasons = [_short(one.reason) for one in part if not one.label]
    most = max(set(reasons), key=reasons.count, default="")
    return [
        name,
        str(len(part)),
        str(sum(one.is_found for one in part)),
        f"{len(given)} ({len(given) / len(part):.0%})",
        str(right) if given and name.startswith("inside") else "",
        f"{most} ({reasons.count(most)})" if most else "",
    ]


def _short(reason: str | None) -> str:
    """Which kind of reason it is."""
    return next((short for part, short in REASONS.items() if part in (reason or "")), "another")


PAGE = """# Are labels given inside the validated ranges, and only there?

Inside, {given} of {inside} rendered clips get a label ({rate:.0%}; aim: at least 90 %); {right} of them are right. Outside, {wrong} of
{outside} get one ({false:.0%}; aim: at most 5 %).

{table}

- The spotter finds {found} of the {above} clips from {bin:g} %, and {below} of the {n_below} weaker ones: there a codec keeps too little
  of the motion ({low:.2f} % is a fifth of a pixel).
- Of the clips that are found, the bundle gives the rest no label: a chin that is raised, or lips that part, may be speech, and negative
  expressions are often the likeliest label with less than .5.

**Data**: {films} films of as many rendered people whom nothing was fitted on (`benchmarks/label_rates.py`), coded as H.264 and read as
`mer score` reads a file. Inside: {low:.2f} to {high:.2f} % of the inter-ocular distance (the bundle's range less {margin:.0%} at
either end), 25 to 50 frames per second, 0.2 to 0.5 s long, heads turned by up to 12 degrees, CRF 14 to 25. Outside: one condition is
not met, the motion is 1.5 % otherwise. Emotions are sets of action units, as in training, played by other muscles. Bundle weights {weights},
flow weights {flow}.

```
python -m benchmarks.label_rates --films FOLDER --page docs/results/label-rates.md
```
"""


def page(found: list[Outcome], fitted: Path) -> str:
    """The results page."""
    from flow.estimate import file_digest, load_method

    recipe = bundle.read_recipe(fitted)
    low, high = recipe.validated_ranges["motion of the face"]
    inside = [one for one in found if one.condition == "inside"]
    outside = [one for one in found if one.condition != "inside"]
    strong = [one for one in inside if one.strength >= BINS[1]]
    weak = [one for one in inside if one.strength < BINS[1]]
    given, wrong = ([one for one in part if one.label] for part in (inside, outside))
    return PAGE.format(
        given=len(given),
        inside=len(inside),
        rate=len(given) / len(inside),
        right=sum(one.label == one.shown for one in given),
        wrong=len(wrong),
        outside=len(outside),
        false=len(wrong) / len(outside),
        found=sum(one.is_found for one in strong),
        above=len(strong),
        bin=BINS[1],
        below=sum(one.is_found for one in weak),
        n_below=len(weak),
        table=summary(found),
        films=len(found),
        low=max(low, recipe.min_motion) * (1 + MARGIN),
        high=high * (1 - MARGIN),
        margin=MARGIN,
        weights=file_digest(fitted / bundle.WEIGHTS_FILE)[:8],
        flow=(load_method(recipe.method, **recipe.method_options).weights or "none")[:8],
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.label_rates", description=__doc__.split("\n")[0]
    )
    parser.add_argument(
        "--films", type=Path, required=True, help="folder of the films, made where it lacks some"
    )
    parser.add_argument("--bundle", type=Path, default=bundle.default_path())
    parser.add_argument("--page", type=Path, help="Markdown page to write")
    given = parser.parse_args()
    found = outcomes(given.films, given.bundle)
    for one in found:
        print(*one, sep=" | ")
    print(summary(found))
    if given.page:
        write_text(given.page, page(found, given.bundle))


if __name__ == "__main__":
    main()
