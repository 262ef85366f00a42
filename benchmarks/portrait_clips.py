"""Onset and apex of real portraits that scanned expressions move, seen as `mer score` sees a clip.

Each pair is recorded by a random camera, found by the face mesh, aligned by its onset, and measured by the
flow method; nothing of the ground truth is used but the label. What the bundle that ships is measured on. The
people are those that flow/splatting/held_out.csv keeps from training of the flow network; the expressions are
not.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from benchmarks.rendered_people import FACE, MOVES, REST
from benchmarks.scanned_maps import LABELS, draw_weights
from data_prep.align import fit_similarity, transform_points, warp_face
from data_prep.landmarks import FaceMesh
from flow.estimate import Method, estimate_batch
from flow.splatting.head_model import HeadModel
from flow.splatting.portrait_motion import (
    MARGIN_PX,
    FittedPortrait,
    PortraitView,
    dense_motion,
    frame_portrait,
    portrait_texture,
    warp_texture,
)
from flow.splatting.scanned_motion import random_turn
from flow.splatting.scanned_units import expression_weights
from flow.srflownet.data.generic import simulate_camera

SHARE = (0.25, 0.4)  # inter-ocular distance as a part of the frame
TURN = (0.0005, 0.02)  # inter-ocular distances, motion of the head at the farthest point
# Inter-ocular distances, motion of the expression; none is larger than that of the scans.
SMALL, LARGE = MOVES, (MOVES[1], 0.3)
# Large motion that no recipe of the fitted maps plays: action units, each at 0.5 to 1 of its full strength.
UNFITTED = {"laugh": "6 12 25 26", "yawn": "26 43", "crying": "4 7 9 20 25 43"}


class Pair(NamedTuple):
    """Onset and apex as `mer score` measures them."""

    label: str  # or another name of what was shown
    flow: np.ndarray  # (FACE, FACE, 2) float32 px, onset to apex
    landmarks: np.ndarray  # (478, 2) px of the onset


def pairs_of_person(
    model: HeadModel,
    face: FittedPortrait,
    person: int,
    seed: int,
    method: Method,
    moves: tuple[float, float] = SMALL,
) -> list[Pair]:
    """Record a person who shows each label once, and is at rest once or shows each of `UNFITTED`.

    Parameters
    ----------
    person, seed : int
        Decide everything that is drawn.
    method : Method
        Flow method.
    moves : tuple of float
        `SMALL`, with a pair at rest, or `LARGE`, with `UNFITTED`.

    Returns
    -------
    list of Pair
        Without those in whose onset the face mesh finds no face.
    """
    rng = np.random.default_rng([seed, person])
    recorded = []
    for label in (*LABELS, *(UNFITTED if moves == LARGE else [REST])):
        seen = frame_portrait(
            face, 2 * FACE, rng.uniform(*SHARE), rng.normal(0, 0.05), rng.uniform(-0.03, 0.03, 2)
        )
        weights = _weights(model, label, rng)
        reach, head_reach = (float(np.exp(rng.uniform(*np.log(limits)))) for limits in (moves, TURN))
        frames = recorded_motion(
            model, face, seen, weights, reach, head_reach, rng, as_scanned=moves == LARGE
        )
        recorded.append((label, frames))
    return read_pairs(recorded, method)


def read_pairs(recorded: Iterable[tuple[str, tuple[np.ndarray, np.ndarray]]], method: Method) -> list[Pair]:
    """Read what was shown as `mer score` does; leave out what has no face.

    Onset and apex are (H, W, 3) uint8.
    """
    found, faces = [], []
    for label, frames in recorded:
        points = _mesh().landmarks(frames[0])
        if points is not None:
            matrix = fit_similarity(points, FACE)
            faces.append([warp_face(picture, matrix, FACE) for picture in frames])
            found.append((label, transform_points(points, matrix)))
    if not found:
        return []
    onsets, apexes = (np.stack(side) for side in zip(*faces))
    flows = estimate_batch(method, onsets, apexes, [landmarks for _, landmarks in found])
    return [Pair(label, flow, landmarks) for (label, landmarks), flow in zip(found, flows)]


def _weights(model: HeadModel, label: str, rng: np.random.Generator) -> np.ndarray:
    """Draw the weight of each expression, (E,), of what is shown."""
    if label == REST:
        return np.zeros(len(model.expression_names))
    if label in UNFITTED:
        return expression_weights(model, {unit: rng.uniform(0.5, 1.0) for unit in UNFITTED[label].split()})
    return draw_weights(model, label, rng)[1]


def recorded_motion(
    model: HeadModel,
    face: FittedPortrait,
    seen: PortraitView,
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
    flow = scale_motion(field[..., :2], seen.unit * reach, as_scanned)
    flow = flow + scale_motion(field[..., 2:], seen.unit * head_reach)
    onset, apex, _ = warp_texture(portrait_texture(face, seen, MARGIN_PX), MARGIN_PX, flow)
    return simulate_camera(rng, onset, apex)


def scale_motion(field: np.ndarray, peak: float, as_scanned: bool = False) -> np.ndarray:
    """Scale `field` (H, W, 2) px to a longest vector of `peak` px, or backwards where `peak` is negative.

    Zero motion stays zero, and with `as_scanned` nothing is enlarged.
    """
    longest = float(np.linalg.norm(field, axis=2).max())
    if longest <= 1e-4:
        return np.zeros_like(field)
    factor = peak / longest
    return field * np.float32(np.clip(factor, -1, 1) if as_scanned else factor)


@lru_cache
def _mesh() -> FaceMesh:
    """Return the face mesh of this process, cached: loading it takes longer than a person."""
    return FaceMesh()
