"""What `mer score` measures in a film whose content is known; the bundle is asked later."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.label_films import Shot
from mer.bundle import Bundle
from mer.inference import onset_apex, reliability, spotting
from mer.inference.motion import AlignedPair, align_moment, measure_pair
from mer.inference.no_label import NoLabel
from mer.inference.onset_apex import Moment
from mer.inference.recorder import track_clip
from mer.inference.reliability import Conditions
from mer.recipe import Recipe
from mer_core.io import read_npz, write_npz


class Reading(NamedTuple):
    """What `mer score` measures in a film before the bundle comes in."""

    shown: str  # an emotion's label, or something else
    strength: float  # true, per cent of the inter-ocular distance
    is_found: bool
    moment: Moment
    conditions: Conditions
    flow: np.ndarray  # (S, S, 2) float32 px, as the bundle reads it
    landmarks: np.ndarray  # (478, 2) px


def read_film(film: Path, shown: str, shot: Shot, recipe: Recipe) -> Reading:
    """Read a film; the pair of faces that is found in it is kept beside it as .npz."""
    measured = film.with_suffix(".npz")
    if not measured.is_file():
        write_npz(measured, **measure(film, recipe))
    return _read(read_npz(measured), recipe, shown, shot)


def measure(film: Path, recipe: Recipe) -> dict[str, np.ndarray]:
    """Measure a film as `mer score` does, up to the pair of faces."""
    frames, track = track_clip(film)
    intervals = spotting.find_intervals(track)
    moment = onset_apex.choose_moment(track, intervals, str(film))
    images = frames.pick([int(track.number[row]) for row in moment[:2]])
    aligned = align_moment(images, track, moment[:2], recipe.clip_input.face_size)
    known = {
        "apex_s": moment.interval.apex_s if moment.interval else math.nan,
        "reason": moment.reason,
        "is_one_way": moment.is_one_way,
        "conditions": asdict(reliability.measure_conditions(film, track, moment, intervals, math.nan)),
    }
    pair = {name: value for name, value in aligned._asdict().items() if value is not None}
    return {"known": np.array(json.dumps(known)), **pair}


def _read(values: dict[str, np.ndarray], recipe: Recipe, shown: str, shot: Shot) -> Reading:
    """Measure the motion of a stored pair of faces."""
    known = json.loads(str(values.pop("known")))
    aligned = AlignedPair(
        list(values["faces"]), values["matrix"], values["landmarks"], values.get("apex_landmarks")
    )
    pair = measure_pair(aligned, recipe)
    return Reading(
        shown=shown,
        strength=shot.strength,
        is_found=shot.shows(known["apex_s"]),
        moment=Moment(0, 0, None, known["reason"] and NoLabel(*known["reason"]), known["is_one_way"]),
        conditions=Conditions(**known["conditions"] | {"motion": pair.facial.strength}),
        flow=pair.input_flow,
        landmarks=values["landmarks"],
    )


def ask(reading: Reading, fitted: Bundle) -> tuple[str | None, NoLabel | None, dict[str, float]]:
    """Return the label or None, the reason if there is none, and the probability of each label."""
    recipe = fitted.recipe
    both = [fitted.extract(flow, reading.landmarks) for flow in (reading.flow, -reading.flow)]
    p, opposite = (dict(zip(recipe.labels, map(float, row))) for row in fitted.predict_proba(np.stack(both)))
    label, reason = reliability.find_label(reading.moment, reading.conditions, p, opposite, recipe)
    return label, reason, p
