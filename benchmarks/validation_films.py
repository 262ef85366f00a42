"""The films of label_validation.py, and what `mer score` measures in them before a bundle comes in."""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.label_films import Shot, render, write_film
from benchmarks.rendered_people import LABELS
from flow.sampling import log_uniform
from mer.inference import onset_apex, reliability, spotting
from mer.inference.motion import AlignedPair, align_pair, measure_pair
from mer.inference.onset_apex import Moment
from mer.inference.recorder import track_clip
from mer.inference.reliability import Conditions
from mer.recipe import Recipe
from mer_core.io import read_npz, write_npz
from mer_core.progress import track as show_progress

FIRST_PERSON = 5000  # seed of the first person; no other benchmark or fit uses these
N_EMOTIONS = 160  # films of emotions
# What should get no label -> number of films: a quarter, as when the bundle is fitted.
OTHERS = {"speech": 24, "gaze": 8, "blink": 10, "head": 8, "rest": 8}
EVERY = 2  # of these films every second is shown; the others are left for later
STRENGTH = (0.15, 4.0)  # of expressions and speech, per cent of the inter-ocular distance


class Reading(NamedTuple):
    """What `mer score` measures in a film before the bundle comes in."""

    shown: str  # an emotion's label or one of `OTHERS`
    strength: float  # true, per cent of the inter-ocular distance
    is_found: bool
    moment: Moment
    conditions: Conditions
    flow: np.ndarray  # (S, S, 2) float32 px, as the bundle reads it
    landmarks: np.ndarray  # (478, 2) px


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
    """What each film shows; the labels take turns."""
    emotions = [list(LABELS)[i % len(LABELS)] for i in range(N_EMOTIONS)]
    return emotions + [kind for kind, count in OTHERS.items() for _ in range(count)]


def readings(work: Path, recipe: Recipe) -> Iterator[Reading]:
    """Yield what is measured in each film, which is rendered first where `work` does not hold it."""
    for number, shown in show_progress(list(enumerate(shown_in_films()))[::EVERY], "Films"):
        film, shot = work / f"{number:03d}.mp4", draw_shot(number, shown)
        if not film.is_file():
            write_film(
                film, shot, render(FIRST_PERSON + number, shown, shot, np.random.default_rng([number, 5014]))
            )
        measured = film.with_suffix(".npz")
        if not measured.is_file():
            write_npz(measured, **measure(film, recipe))
        yield _read(read_npz(measured), recipe, shown, shot)


def measure(film: Path, recipe: Recipe) -> dict[str, np.ndarray]:
    """Measure a film as `mer score` does, up to the pair of faces."""
    frames, track = track_clip(film)
    intervals = spotting.find_intervals(track)
    moment = onset_apex.choose_moment(track, intervals, str(film))
    images = frames.pick([int(track.number[row]) for row in moment[:2]])
    onset_and_apex = [images[int(track.number[row])] for row in moment[:2]]
    aligned = align_pair(onset_and_apex, track.box[moment.onset], recipe.face_size)
    known = {
        "apex_s": moment.interval.apex_s if moment.interval else math.nan,
        "reason": moment.reason,
        "is_one_way": moment.is_one_way,
        "conditions": asdict(reliability.measure_conditions(film, track, moment, intervals, math.nan)),
    }
    return {"known": np.array(json.dumps(known)), **aligned._asdict()}


def _read(values: dict[str, np.ndarray], recipe: Recipe, shown: str, shot: Shot) -> Reading:
    """Measure the motion of a stored pair of faces."""
    known = json.loads(str(values.pop("known")))
    pair = measure_pair(AlignedPair(**values), recipe)
    return Reading(
        shown=shown,
        strength=shot.strength,
        is_found=shot.shows(known["apex_s"]),
        moment=Moment(0, 0, None, known["reason"], known["is_one_way"]),
        conditions=Conditions(**known["conditions"] | {"motion": pair.facial.strength}),
        flow=pair.input_flow,
        landmarks=values["landmarks"],
    )
