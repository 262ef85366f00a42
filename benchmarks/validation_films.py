"""The films of label_validation.py."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.film_readings import Reading, read_film
from benchmarks.label_films import Shot, render, write_film
from benchmarks.rendered_people import LABELS
from flow.sampling import log_uniform
from mer.recipe import Recipe
from mer_core.progress import track as show_progress

FIRST_PERSON = 5000  # seed of the first person; no other benchmark or fit uses these
N_EMOTIONS = 160  # films of emotions
# What should get no label -> number of films: a quarter, as when the bundle is fitted.
OTHERS = {"speech": 24, "gaze": 8, "blink": 10, "head": 8, "rest": 8}
# Of these films, the even ones are rendered, and of the odd ones below a number those that move enough:
# weak motion is hardly ever found, so fewer films tell as much of it.
N_ODD, ODD_FROM = 120, 0.45  # number of a film; per cent of the inter-ocular distance
STRENGTH = (0.15, 4.0)  # of expressions and speech, per cent of the inter-ocular distance


def draw_shot(number: int, shown: str) -> Shot:
    """Draw the conditions of film `number`."""
    rng = np.random.default_rng([number, 5013])
    return Shot(
        strength=log_uniform(rng, *STRENGTH) if shown in LABELS or shown == "speech" else 0.0,
        fps=float(rng.choice([24, 25, 30, 50, 60])),
        rise_s=rng.uniform(0.08, 0.3),
        hold_s=rng.uniform(0, 0.2),
        fall_s=rng.uniform(0.1, 0.3),
        yaw=rng.uniform(-18, 18),
        nod=rng.uniform(0.3, 3) if shown == "head" else 0.0,
        crf=int(rng.integers(14, 29)),
    )


def shown_in_films() -> list[str]:
    """Return what each film shows; the labels take turns."""
    emotions = [list(LABELS)[i % len(LABELS)] for i in range(N_EMOTIONS)]
    return emotions + [kind for kind, count in OTHERS.items() for _ in range(count)]


def readings(work: Path, recipe: Recipe) -> Iterator[Reading]:
    """Yield what is measured in each film, which is rendered first where `work` does not hold it."""
    for number, shown in show_progress(list(enumerate(shown_in_films())), "Films"):
        film, shot = work / f"{number:03d}.mp4", draw_shot(number, shown)
        if number % 2 and not (number < N_ODD and shot.strength >= ODD_FROM):
            continue
        if not film.is_file():
            write_film(
                film, shot, render(FIRST_PERSON + number, shown, shot, np.random.default_rng([number, 5014]))
            )
        yield read_film(film, shown, shot, recipe)
