"""How many rendered clips get a label inside the bundle's ranges, and how many outside of them?

    python -m benchmarks.label_rates --films FOLDER --page docs/results/label-rates.md

Every film goes the whole way of `mer score`: file, landmarks, interval, flow, label. Inside, all conditions
lie within the bundle's ranges; outside, one does not. FOLDER keeps the films, and the pairs of faces that
tracker and spotter choose in them: delete the .npz files after a change of these. Flow and labels are
estimated again in each run, with the bundle that ships or --bundle.
"""

import argparse
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from benchmarks.bundle_card import MOTION
from benchmarks.film_readings import ask, read_film
from benchmarks.label_films import (
    FIRST_PERSON,
    OUTSIDE,
    PLAIN,
    conditions,
    draw_shot,
    render,
    shown_label,
    write_film,
)
from mer import bundle
from mer.bundle import Bundle
from mer.inference.no_label import NoLabel
from mer.recipe import Recipe
from mer_core import markdown
from mer_core.io import write_text
from mer_core.progress import track

INSIDE, NEAR_END = "inside", "below the detection limit, or near the upper end"
MARGIN = 0.15  # of the upper end: measured and true motion differ by as much
REASONS = {
    "no-expression": "no expression found",
    "no-motion": "pair below the least motion",
    "no-emotion": "resembles no emotion",
    "low-probability": "probability too low",
    "outside-validated-range": "outside a range",
    "neutral-not-seen": "begins within an expression",
    "implausible-face": "landmarks implausible",
    "not-comparable": "faces do not compare",
}
BINS = (0.2, 0.7, 1.0, 1.5, 3.0)  # per cent of the inter-ocular distance, rows of clips inside


class Outcome(NamedTuple):
    """What `mer score` said of one film."""

    condition: str
    strength: float  # true, per cent of the inter-ocular distance
    shown: str
    label: str | None
    reason: NoLabel | None
    is_found: bool = False  # the spotter finds the expression


def outcomes(folder: Path, fitted: Bundle) -> list[Outcome]:
    """Score every film, which is rendered first where `folder` does not hold it."""
    found = []
    for condition, number in track(list(conditions()), "Films"):
        path, shown = folder / f"{number:03d}.mp4", shown_label(number)
        shot, rng = draw_shot(condition, number)
        if not path.is_file():
            write_film(path, shot, render(FIRST_PERSON + number, shown, shot, rng))
        reading = read_film(path, shown, shot, fitted.recipe)
        label, reason, _ = ask(reading, fitted)
        place = place_in_range(shot.strength, fitted.recipe) if condition == PLAIN else condition
        found.append(Outcome(place, shot.strength, shown, label, reason, reading.is_found))
    return found


def place_in_range(strength: float, recipe: Recipe) -> str:
    """Return whether a motion is above the detection limit and below the upper end of the bundle's range."""
    low, high = (
        (recipe.validation.detection_limit if recipe.validation else 0.0),
        recipe.validated_ranges[MOTION][1],
    )
    return INSIDE if low <= strength <= high * (1 - MARGIN) else NEAR_END


def summary(found: list[Outcome]) -> str:
    """Return Markdown: rows for films inside, by motion, and for each condition outside."""
    header = ["films", "number", "found", "given a label", "of these right", "most frequent reason for none"]
    inside = [one for one in found if one.condition == INSIDE]
    groups = {INSIDE: inside}
    for low, high in zip(BINS[:-1], BINS[1:]):
        groups[f"{INSIDE}, {low:g} to {high:g} %"] = [one for one in inside if low <= one.strength < high]
    groups |= {name: [one for one in found if one.condition == name] for name in (NEAR_END, *OUTSIDE)}
    groups["all outside"] = [one for one in found if one.condition in OUTSIDE]
    return markdown.format_table(header, [_cells(name, part) for name, part in groups.items() if part])


def _cells(name: str, part: list[Outcome]) -> list[str]:
    given = [one for one in part if one.label]
    right = sum(one.label == one.shown for one in given)
    reasons = [_short(one.reason) for one in part if one.reason]
    most = max(set(reasons), key=reasons.count, default="")
    return [
        name,
        str(len(part)),
        str(sum(one.is_found for one in part)),
        f"{len(given)} ({len(given) / len(part):.0%})",
        str(right) if given and (name.startswith(INSIDE) or name == NEAR_END) else "",
        f"{most} ({reasons.count(most)})" if most else "",
    ]


def _short(reason: NoLabel) -> str:
    """Return the reason in a few words."""
    return REASONS.get(reason.code, "another")


PAGE = """# Are labels given inside the validated ranges, and only there?

Inside, {given} of {inside} rendered films get a label ({rate:.0%}; aim: at least 90 %); {right} of them are
right. Outside, {wrong} of {outside} get one ({false:.0%}; aim: at most 5 %).

{table}

- Motion counts as inside from {limit:.2f} %, the detection limit that docs/results/label-validation.md
  finds with films of other people. There {low:g} % are measured in most films, where the bundle's range of
  motion begins.
- Films inside that get no label: {reasons}.

**Data**: {films} films of as many rendered people whom nothing was fitted or validated on, coded as H.264
and read as `mer score` reads a file. Inside: motion from the detection limit to {top:.2f} % ({margin:.0%}
below the upper end; other films count neither way), 25 to 50 frames per second, 0.2 to 0.5 s long, heads
turned by up to 12 degrees, CRF 14 to 25. Outside: one condition is not met, the motion is 1.5 % otherwise.
Emotions are sets of action units, played by muscles like those of some people in training. Bundle weights
{weights}, flow weights {flow}.

```
python -m benchmarks.label_rates --films FOLDER --page docs/results/label-rates.md
```
"""


def page(found: list[Outcome], fitted: Path) -> str:
    """Return the results page."""
    from flow.estimate import file_digest, load_method

    recipe = bundle.read_recipe(fitted)
    assert recipe.validation, "run label_validation first"
    low, high = recipe.validated_ranges[MOTION]
    inside = [one for one in found if one.condition == INSIDE]
    outside = [one for one in found if one.condition in OUTSIDE]
    given, wrong = ([one for one in part if one.label] for part in (inside, outside))
    reasons = Counter(_short(one.reason) for one in inside if one.reason)
    return PAGE.format(
        given=len(given),
        inside=len(inside),
        rate=len(given) / len(inside),
        right=sum(one.label == one.shown for one in given),
        wrong=len(wrong),
        outside=len(outside),
        false=len(wrong) / len(outside),
        table=summary(found),
        low=low,
        limit=recipe.validation.detection_limit,
        top=high * (1 - MARGIN),
        reasons=", ".join(f"{reason} ({n})" for reason, n in reasons.most_common()) or "none",
        films=len(found),
        margin=MARGIN,
        weights=file_digest(fitted / bundle.WEIGHTS_FILE)[:8],
        flow=(load_method(recipe.clip_input.method, **recipe.method_options).weights or "none")[:8],
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
    found = outcomes(given.films, bundle.load(given.bundle))
    for one in found:
        print(*one, sep=" | ")
    print(summary(found))
    if given.page:
        write_text(given.page, page(found, given.bundle))


if __name__ == "__main__":
    main()
