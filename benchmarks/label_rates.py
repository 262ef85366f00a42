"""How many rendered clips get a label inside the bundle's ranges, and how many outside of them?

    python -m benchmarks.label_rates --films FOLDER --page docs/results/label-rates.md

Every film goes the whole way of `mer score`: file, landmarks, interval, flow, label. Inside, all conditions
lie within the bundle's ranges; outside, one does not. Films are kept in FOLDER, one rendered once per film;
labels are read again in each run, with the bundle that ships or --bundle.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.label_films import (
    FIRST_PERSON,
    MARGIN,
    OUTSIDE,
    conditions,
    draw_inside,
    render,
    shown_label,
    write_film,
)
from mer import bundle
from mer.inference.predict import score
from mer_core import markdown
from mer_core.io import write_text
from mer_core.progress import track

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


class Outcome(NamedTuple):
    """What `mer score` said of one film."""

    condition: str
    strength: float  # true, per cent of the inter-ocular distance
    shown: str
    label: str | None
    reason: str | None
    is_found: bool = False  # the spotter finds the expression


def outcomes(folder: Path, fitted: Path) -> list[Outcome]:
    """Score every film, which is rendered first where `folder` does not hold it."""
    recipe = bundle.read_recipe(fitted)
    found = []
    for condition, number in track(list(conditions()), "Films"):
        rng = np.random.default_rng([number, 77])
        shot = (draw_inside if condition == "inside" else OUTSIDE[condition])(rng, recipe)
        # The strength follows the bundle's ranges.
        path = folder / f"{number:03d}-{shot.strength:.2f}.mp4"
        if not path.is_file():
            write_film(path, shot, render(FIRST_PERSON + number, shown_label(number), shot, rng))
        result = score(path, fitted)
        is_found = result.interval is not None and shot.shows(result.interval.apex_s)
        found.append(
            Outcome(condition, shot.strength, shown_label(number), result.label, result.reason, is_found)
        )
    return found


def summary(found: list[Outcome]) -> str:
    """Tabulate clips inside the ranges by motion, and each condition outside them, as Markdown."""
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
    """Return the kind of a reason."""
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
    """Return the results page."""
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
