"""Pairs of portraits moved by expressions of scanned people: the flow benchmark's hardest and most lifelike
motion.

People and expressions are those that `flow/splatting/held_out.csv` keeps away from training. Without
portraits, scikit-image's astronaut and rendered faces take their place; without a head model, the reduced
one that ships, whose expressions are those of training. `describe` says which of these was measured.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data

from data_prep.frames import read_image
from data_prep.landmarks import FaceMesh, interocular
from flow.benchmark.analytic_motion import to_uint8
from flow.benchmark.limit import expected_error
from flow.benchmark.pairs import (
    MAX_BIAS,
    MAX_DRIFT_PX,
    MAX_GAIN_CHANGE,
    NOISE_LEVELS,
    PEAK_PX,
    RENDER_SEED_OFFSET,
    BenchmarkPair,
)
from flow.splatting.dense_motion import area_ratio
from flow.splatting.head_fit import fit_head
from flow.splatting.head_model import HeadModel, load_head_model
from flow.splatting.held_out import Split, in_split
from flow.splatting.portrait_motion import (
    MIN_AREA_RATIO,
    FittedPortrait,
    PortraitView,
    add_grain,
    dense_motion,
    frame_portrait,
    portrait_texture,
    scale_to_peak,
    skin_mask,
    visible_mask,
    warp_texture,
)
from flow.splatting.reduced_head import load_reduced_head
from flow.splatting.scanned_motion import random_expression, random_turn, skin_expressions
from flow.srflownet.data.pulled_renders import N_GRAINS, skin_grain
from mer_core.errors import BadInput

MARGIN_PX = 12  # px kept around the frame, for what moves in
GRAIN_LEVELS = (1.0, 4.0)  # grey levels, of the skin's fine structure that small portraits lack
MAX_FOLDED_FRACTION = 0.03  # part of the face that may fold; a motion that folds more is drawn anew
N_RENDERED_FACES = 5  # stand in for portraits where there are none
N_MOTION_SAMPLES = 900  # of the family of motions, for the limit: it is wider than sums of pulls
MAX_LIMIT_POINTS = 1200  # vertices at which the limit is computed


@dataclass(frozen=True)
class ScannedSource:
    """What the pairs are made from.

    portraits  : folder of portraits, or None for scikit-image's astronaut and rendered faces
    head_model : the file that `mer flow head-model` writes, or None for the reduced model
    """

    portraits: Path | None = None
    head_model: Path | None = None

    @property
    def model(self) -> HeadModel:
        """The head model."""
        return load_reduced_head() if self.head_model is None else load_head_model(self.head_model)

    @property
    def split(self) -> Split:
        """Where the expressions come from."""
        return "train" if self.head_model is None else "held_out"

    def names(self) -> list[str]:
        """Files of the portraits that are kept from training; none without a folder."""
        if self.portraits is None:
            return []
        files = sorted(
            path.name for path in self.portraits.iterdir() if path.suffix.lower() in (".jpg", ".png")
        )
        names = in_split("portrait", files, "held_out")
        if not names:
            raise BadInput(
                f"None of the {len(files)} pictures in {self.portraits} is of a person kept from training. "
                "They are listed in flow/splatting/held_out.csv by the file names of congress-images-225x275."
            )
        return names

    def describe(self) -> list[str]:
        """Who and what moves, for the head of a table."""
        names = skin_expressions(self.model, self.split)
        kinds = sorted({name.removesuffix("_L").removesuffix("_R") for name in names})
        people = (
            "scikit-image's astronaut and rendered faces"
            if self.portraits is None
            else f"{len(self.names())} portraits kept from training (flow/splatting/held_out.csv)"
        )
        motion = (
            "expressions of the shipped reduced head model, which training used as well"
            if self.head_model is None
            else "expressions that are kept from training"
        )
        return [f"People: {people}", f"Motion: {motion}, varied and combined: {', '.join(kinds)}"]


def scanned_pairs(
    size: int, count: int, seed: int, source: ScannedSource, still: bool = False, limit: bool = False
) -> Iterator[BenchmarkPair]:
    """Yield `count` pairs of (size, size) frames, always the same for the same arguments.

    still : the same frame twice, with independent noise and no change of light
    limit : say how small the error could be
    """
    rng = np.random.default_rng([seed, size, still, 14])
    shares = rng.permutation((np.arange(count) + rng.random(count)) / count)
    faces = _fit_faces(source)
    for index, share in enumerate(shares):
        peak = 0.0 if still else PEAK_PX[0] * (PEAK_PX[1] / PEAK_PX[0]) ** share
        yield _scanned_pair(source, faces[index % len(faces)], size, peak, rng, limit and not still)


@lru_cache(maxsize=2)
def _fit_faces(source: ScannedSource) -> list[FittedPortrait]:
    """The faces, with the head model laid on each."""
    folder = source.portraits or Path()
    pictures = {name: read_image(folder / name) for name in source.names()} or _substitute_portraits()
    with FaceMesh() as mesh:
        found = [(name, picture, mesh.landmarks(picture)) for name, picture in pictures.items()]
    model = source.model
    return [
        FittedPortrait(name, picture, points, fit_head(model, points))
        for name, picture, points in found
        if points is not None
    ]


def _substitute_portraits() -> dict[str, np.ndarray]:
    """Pictures of faces that everybody has: scikit-image's astronaut and faces rendered at rest."""
    from flow.splatting.scenes import PAIRS_PER_FACE, render_pair

    pictures = {"astronaut": skimage.data.astronaut()}
    for number in range(N_RENDERED_FACES):
        rest: dict[str, Any] = dict(
            still_head=1.0, still_face=1.0, blink=0.0, gaze=0.0, shake=0.0, sensor=False
        )
        pair = render_pair(RENDER_SEED_OFFSET, PAIRS_PER_FACE * number, 448, **rest)
        pictures[f"rendered-{number}"] = pair.frame1
    return pictures


def _scanned_pair(
    source: ScannedSource,
    face: FittedPortrait,
    size: int,
    peak: float,
    rng: np.random.Generator,
    limit: bool,
) -> BenchmarkPair:
    seen = frame_portrait(
        face, size, rng.uniform(0.30, 0.37), np.deg2rad(rng.uniform(-8, 8)), rng.uniform(-0.03, 0.03, 2)
    )
    flow, mask = _random_motion(source, face, seen, peak * size / 224, rng)
    grain = skin_grain(int(rng.integers(N_GRAINS)))
    texture = portrait_texture(face, seen, MARGIN_PX)
    texture = add_grain(texture, seen, grain, rng.uniform(*GRAIN_LEVELS), rng.integers(0, len(grain), 2))
    onset, apex, residual = warp_texture(texture, MARGIN_PX, flow)
    mask = mask & visible_mask(flow, residual)
    gain, bias = (
        (1 + rng.uniform(-MAX_GAIN_CHANGE, MAX_GAIN_CHANGE), rng.uniform(-MAX_BIAS, MAX_BIAS))
        if peak
        else (1.0, 0.0)
    )
    noise = rng.uniform(*NOISE_LEVELS)
    frames = (to_uint8(frame + rng.normal(0, noise, frame.shape)) for frame in (onset, apex * gain + bias))
    least = _error_limit(source, face, seen, mask, onset, noise, peak * size / 224) if limit else None
    name = face.name if source.portraits is None else "portraits"
    first, second = frames
    return BenchmarkPair(first, second, flow, mask, peak, name, seen.landmarks, least)


def _random_motion(
    source: ScannedSource, face: FittedPortrait, seen: PortraitView, peak: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return a motion (size, size, 2) float32 px whose expression's peak is `peak` px, and where it is that
    of skin."""
    for _ in range(20):
        expression, turn = _vertex_motions(source, face, rng)
        field, covered = dense_motion(source.model, face, seen, np.concatenate([expression, turn], axis=1))
        mask = skin_mask(seen, covered)
        if not peak:
            return np.zeros_like(field[..., :2]), mask
        flow = scale_to_peak(field[..., :2], mask, peak)
        if turn.any():
            flow = flow + scale_to_peak(field[..., 2:], mask, rng.uniform(0, MAX_DRIFT_PX) * seen.size / 224)
        if flow[mask].any() and (area_ratio(flow) < MIN_AREA_RATIO)[mask].mean() <= MAX_FOLDED_FRACTION:
            break
    return flow, mask


def _vertex_motions(
    source: ScannedSource,
    face: FittedPortrait,
    rng: np.random.Generator,
    vertices: np.ndarray | slice = slice(None),
) -> tuple[np.ndarray, np.ndarray]:
    """Motion of vertices by an expression and by the head, which is at rest as often as not: (N, 2) each."""
    unit, fit = interocular(face.landmarks), face.fit.part(vertices)
    expression, _ = random_expression(rng, source.model, fit, unit, source.split, vertices)
    turn = random_turn(rng, fit)
    return expression, turn * (rng.random() < 0.5)


def _error_limit(
    source: ScannedSource,
    face: FittedPortrait,
    seen: PortraitView,
    mask: np.ndarray,
    frame: np.ndarray,
    noise: float,
    peak: float,
) -> float:
    """How small the error of this pair could be, px: of motions of this peak on this face, seen at its
    vertices."""
    rng = np.random.default_rng(
        0
    )  # of its own, so that pairs do not depend on whether the limit is asked for
    places = face.fit.places @ seen.matrix[:, :2].T + seen.matrix[:, 2]
    column, row = np.clip(np.rint(places), 0, seen.size - 1).astype(int).T
    inside = np.flatnonzero(mask[row, column])
    inside = rng.choice(inside, min(MAX_LIMIT_POINTS, len(inside)), replace=False)
    linear = seen.matrix[:, :2].T
    family = []
    for _ in range(N_MOTION_SAMPLES):
        expression, turn = (motion @ linear for motion in _vertex_motions(source, face, rng, inside))
        longest, turned = (np.linalg.norm(motion, axis=1).max() for motion in (expression, turn))
        motion = expression * peak / max(longest, 1e-6)
        if turned:
            motion = motion + turn * rng.uniform(0, MAX_DRIFT_PX) * seen.size / 224 / turned
        family.append(motion)
    return expected_error(frame, noise, mask, places[inside], np.array(family))
