"""Onset and apex of real portraits that scanned expressions move, seen as `mer score` sees a clip.

Each pair is recorded by a random camera, found by the face mesh, aligned by its onset, and measured by the
flow method; nothing of the truth is used but the label. What the bundle that ships is measured on. The people
are those that flow/splatting/held_out.csv keeps from training of the flow network; the expressions are not.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmarks.rendered_people import FACE, MOVES, REST, Pair
from benchmarks.scanned_maps import LABELS, draw_weights
from data_prep.align import fit_similarity, transform_points, warp_face
from data_prep.landmarks import FaceMesh
from flow.estimate import estimate_batch, load_method
from flow.splatting.head_model import HeadModel, load_head_model
from flow.splatting.portrait_motion import PortraitFace, View, dense_motion, move, texture_of, view
from flow.splatting.scanned_motion import random_turn
from flow.splatting.scanned_units import expression_weights
from flow.srflownet.data.animated_portraits import MARGIN, fit_portraits, load_face
from flow.srflownet.data.generic import camera
from mer_core.progress import track

SHARE = (0.25, 0.4)  # inter-ocular distance as a part of the frame
TURN = (0.0005, 0.02)  # inter-ocular distances, motion of the head at the farthest point
SMALL, LARGE = (
    MOVES,
    (MOVES[1], 0.3),
)  # inter-ocular distances, of the expression; none larger than the scans'
# Large motion that no recipe of the fitted maps plays: action units, each at 0.5 to 1 of its full strength.
UNFITTED = {"laugh": "6 12 25 26", "yawn": "26 43", "crying": "4 7 9 20 25 43"}


def pairs(
    portraits: Path,
    head_model: Path,
    cache: Path,
    people: int,
    seed: int,
    method: str,
    moves: tuple[float, float] = SMALL,
) -> Iterator[Pair]:
    """Every person shows each label once, and is at rest once (`SMALL` motion) or shows each of `UNFITTED`.
    `Pair.person` counts the people.

    portraits : folder of frontal portraits; head_model : NPZ of `mer flow head-model`; cache : folder that
        keeps fits; moves : `SMALL` or `LARGE`
    """
    model = load_head_model(head_model)
    names = fit_portraits(portraits, model, cache, "held_out")[:people]
    for person, name in enumerate(track(names, "People")):
        yield from _of_person(model, load_face(portraits, name, cache), person, seed, method, moves)


def _of_person(
    model: HeadModel, face: PortraitFace, person: int, seed: int, method: str, moves: tuple[float, float]
) -> list[Pair]:
    """The pairs of one person; none of those in whose onset the face mesh finds no face."""
    rng = np.random.default_rng([seed, person])
    found, frames = [], []
    for label in (*LABELS, *(UNFITTED if moves == LARGE else [REST])):
        seen = view(face, 2 * FACE, rng.uniform(*SHARE), rng.normal(0, 0.05), rng.uniform(-0.03, 0.03, 2))
        weights = _weights(model, label, rng)
        reach, head_reach = (float(np.exp(rng.uniform(*np.log(limits)))) for limits in (moves, TURN))
        onset, apex = recorded_motion(
            model, face, seen, weights, reach, head_reach, rng, as_scanned=moves == LARGE
        )
        points = _mesh().landmarks(onset)
        if points is not None:
            matrix = fit_similarity(points, FACE)
            frames.append([warp_face(picture, matrix, FACE) for picture in (onset, apex)])
            found.append((label, transform_points(points, matrix)))
    flows = estimate_batch(load_method(method), *(np.stack(side) for side in zip(*frames))) if frames else []
    return [Pair(person, label, flow, marks) for (label, marks), flow in zip(found, flows)]


def _weights(model: HeadModel, label: str, rng: np.random.Generator) -> np.ndarray:
    """Draw the weight of each expression, (E,), of what is shown."""
    if label == REST:
        return np.zeros(len(model.expression_names))
    if label in UNFITTED:
        return expression_weights(model, {unit: rng.uniform(0.5, 1.0) for unit in UNFITTED[label].split()})
    return draw_weights(model, label, rng)[1]


def recorded_motion(
    model: HeadModel,
    face: PortraitFace,
    seen: View,
    weights: np.ndarray,
    reach: float,
    head_reach: float,
    rng: np.random.Generator,
    as_scanned: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Return onset and apex (S, S, 3) uint8 of a portrait that expressions of `weights` (E,) move.

    reach, head_reach : inter-ocular distances, motion of the point that the expression, or the head, moves
        farthest
    as_scanned : an expression is made smaller, but never larger than `weights` say
    """
    expression = face.fit.project(np.tensordot(weights.astype(np.float32), model.skin_expression, 1))
    field, _ = dense_motion(model, face, seen, np.concatenate([expression, random_turn(rng, face.fit)], 1))
    peak = seen.unit * reach
    if as_scanned:
        peak = min(peak, float(np.linalg.norm(field[..., :2], axis=2).max()))
    flow = _brought_to(field[..., :2], peak) + _brought_to(field[..., 2:], seen.unit * head_reach)
    onset, apex, _ = move(texture_of(face, seen, MARGIN), MARGIN, flow)
    return camera(rng, onset, apex)


def _brought_to(field: np.ndarray, peak: float) -> np.ndarray:
    """`field` (H, W, 2) px whose longest vector is `peak` px; no motion stays none."""
    longest = float(np.linalg.norm(field, axis=2).max())
    return field * np.float32(peak / longest) if longest > 1e-4 else np.zeros_like(field)


@lru_cache
def _mesh() -> FaceMesh:
    """The face mesh of this process: loading it takes longer than a person."""
    return FaceMesh()
