"""Pairs of portraits animated by expressions of scanned people: the most lifelike motion of the benchmark.

People and expressions are those that `flow/splatting/held_out.csv` keeps from training. Without portraits,
scikit-image's astronaut and rendered faces replace them; without a head model, the shipped reduced one, whose
expressions are those of training. `ScannedSource.describe` states which of these was measured.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import skimage.data

from data_prep.frames import read_image
from data_prep.landmarks import FaceMesh, interocular
from flow.benchmark.analytic_motion import to_uint8
from flow.benchmark.limit import expected_error
from flow.benchmark.pairs import (
    AT_REST,
    MAX_BIAS,
    MAX_DRIFT_PX,
    MAX_GAIN_CHANGE,
    NOISE_LEVELS,
    RENDER_SEED_OFFSET,
    BenchmarkPair,
    spread_peaks,
)
from flow.splatting.dense_motion import area_ratio
from flow.splatting.head_fit import fit_head
from flow.splatting.head_model import HeadModel, load_head_model
from flow.splatting.held_out import Split, in_split
from flow.splatting.portrait_motion import (
    MARGIN_PX,
    MAX_FOLDED_FRACTION,
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
from mer_core.errors import NotFound

GRAIN_LEVELS = (1.0, 4.0)  # grey levels of added skin grain, which small portraits lack
N_RENDERED_FACES = 5  # beside the astronaut, without portraits
N_MOTION_SAMPLES = 900  # samples of the family of motions, for the limit
MAX_LIMIT_POINTS = 1200  # vertices at which the limit is computed


@dataclass(frozen=True)
class ScannedSource:
    """The material of the pairs.

    Attributes
    ----------
    portraits : path or None
        Folder of portraits, or None for scikit-image's astronaut and rendered faces.
    head_model : path or None
        File of `mer flow head-model`, or None for the reduced model.
    """

    portraits: Path | None = None
    head_model: Path | None = None

    @property
    def model(self) -> HeadModel:
        """The head model."""
        return load_reduced_head() if self.head_model is None else load_head_model(self.head_model)

    @property
    def split(self) -> Split:
        """The split of the expressions."""
        return "train" if self.head_model is None else "held_out"

    def names(self) -> list[str]:
        """Return the portraits that are held out from training; none without a folder."""
        if self.portraits is None:
            return []
        files = sorted(
            path.name for path in self.portraits.iterdir() if path.suffix.lower() in (".jpg", ".png")
        )
        names = in_split("portrait", files, "held_out")
        if not names:
            raise NotFound(
                f"None of the {len(files)} pictures in {self.portraits} shows a person held out from "
                "training. flow/splatting/held_out.csv lists them by file name (congress-images-225x275)."
            )
        return names

    def describe(self) -> list[str]:
        """Return who and what moves, for the head of a table."""
        names = skin_expressions(self.model, self.split)
        kinds = sorted({name.removesuffix("_L").removesuffix("_R") for name in names})
        people = (
            "scikit-image's astronaut and rendered faces"
            if self.portraits is None
            else f"{len(self.names())} portraits held out from training (flow/splatting/held_out.csv)"
        )
        motion = (
            "expressions of the shipped reduced head model, which training uses as well"
            if self.head_model is None
            else "expressions held out from training"
        )
        return [f"People: {people}", f"Motion: {motion}, varied and combined: {', '.join(kinds)}"]


def scanned_pairs(
    size: int, count: int, seed: int, source: ScannedSource, still: bool = False, limit: bool = False
) -> Iterator[BenchmarkPair]:
    """Yield `count` pairs of (size, size) frames, reproducible from the arguments; faces take turns.

    Parameters
    ----------
    still : bool
        The same frame twice, with independent noise and no change of light.
    limit : bool
        Compute the limit of each pair.
    """
    rng = np.random.default_rng([seed, size, still, 14])
    peaks, faces = spread_peaks(rng, count), _fit_faces(source)
    for index, peak in enumerate(peaks):
        face = faces[index % len(faces)]
        yield _scanned_pair(source, face, size, 0.0 if still else peak, rng, limit and not still)


@lru_cache(maxsize=2)
def _fit_faces(source: ScannedSource) -> list[FittedPortrait]:
    """Fit the head model to every face."""
    folder = source.portraits or Path()
    pictures = {name: read_image(folder / name) for name in source.names()} or _substitute_portraits()
    with FaceMesh() as mesh:
        detections = [(name, picture, mesh.landmarks(picture)) for name, picture in pictures.items()]
    model = source.model
    return [
        FittedPortrait(name, picture, points, fit_head(model, points))
        for name, picture, points in detections
        if points is not None
    ]


def _substitute_portraits() -> dict[str, np.ndarray]:
    """Return pictures available on every install: scikit-image's astronaut and faces rendered at rest."""
    from flow.splatting.scenes import PAIRS_PER_FACE, render_pair

    pictures = {"astronaut": skimage.data.astronaut()}
    for number in range(N_RENDERED_FACES):
        pair = render_pair(RENDER_SEED_OFFSET, PAIRS_PER_FACE * number, 448, **AT_REST, sensor=False)
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
    view = frame_portrait(
        face, size, rng.uniform(0.30, 0.37), np.deg2rad(rng.uniform(-8, 8)), rng.uniform(-0.03, 0.03, 2)
    )
    flow, mask = _random_motion(source, face, view, peak * size / 224, rng)
    grain = skin_grain(int(rng.integers(N_GRAINS)))
    texture = portrait_texture(face, view, MARGIN_PX)
    texture = add_grain(texture, view, grain, rng.uniform(*GRAIN_LEVELS), rng.integers(0, len(grain), 2))
    onset, apex, residual = warp_texture(texture, MARGIN_PX, flow)
    mask = mask & visible_mask(flow, residual)
    gain, bias = 1.0, 0.0
    if peak:
        gain, bias = 1 + rng.uniform(-MAX_GAIN_CHANGE, MAX_GAIN_CHANGE), rng.uniform(-MAX_BIAS, MAX_BIAS)
    noise = rng.uniform(*NOISE_LEVELS)
    frames = (to_uint8(frame + rng.normal(0, noise, frame.shape)) for frame in (onset, apex * gain + bias))
    error_limit = _error_limit(source, face, view, mask, onset, noise, peak * size / 224) if limit else None
    name = face.name if source.portraits is None else "portraits"
    frame1, frame2 = frames
    return BenchmarkPair(frame1, frame2, flow, mask, peak, name, view.landmarks, error_limit)


def _random_motion(
    source: ScannedSource, face: FittedPortrait, view: PortraitView, peak: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a motion (size, size, 2) float32 px with an expression of `peak` px, and the mask of its skin."""
    for _ in range(20):
        expression, turn = _vertex_motions(source, face, rng)
        field, covered = dense_motion(source.model, face, view, np.concatenate([expression, turn], axis=1))
        mask = skin_mask(view, covered)
        if not peak:
            return np.zeros_like(field[..., :2]), mask
        flow = scale_to_peak(field[..., :2], mask, peak)
        if turn.any():
            flow = flow + scale_to_peak(field[..., 2:], mask, rng.uniform(0, MAX_DRIFT_PX) * view.size / 224)
        if flow[mask].any() and (area_ratio(flow) < MIN_AREA_RATIO)[mask].mean() <= MAX_FOLDED_FRACTION:
            break
    return flow, mask


def _vertex_motions(
    source: ScannedSource,
    face: FittedPortrait,
    rng: np.random.Generator,
    vertices: np.ndarray | slice = slice(None),
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the motion (N, 2) of vertices by an expression and, in half of the draws, by the head."""
    unit, fit = interocular(face.landmarks), face.fit.part(vertices)
    expression, _ = random_expression(rng, source.model, fit, unit, source.split, vertices)
    turn = random_turn(rng, fit)
    return expression, turn * (rng.random() < 0.5)


def _error_limit(
    source: ScannedSource,
    face: FittedPortrait,
    view: PortraitView,
    mask: np.ndarray,
    frame: np.ndarray,
    noise: float,
    peak: float,
) -> float:
    """Return the limit of a pair, px, from motions of the same peak on this face."""
    rng = np.random.default_rng(0)  # separate, so that pairs do not depend on `limit`
    places = face.fit.places @ view.matrix[:, :2].T + view.matrix[:, 2]
    column, row = np.clip(np.rint(places), 0, view.size - 1).astype(int).T
    inside = np.flatnonzero(mask[row, column])
    inside = rng.choice(inside, min(MAX_LIMIT_POINTS, len(inside)), replace=False)
    linear = view.matrix[:, :2].T
    family = []
    for _ in range(N_MOTION_SAMPLES):
        expression, turn = (motion @ linear for motion in _vertex_motions(source, face, rng, inside))
        expression_peak, turn_peak = (np.linalg.norm(motion, axis=1).max() for motion in (expression, turn))
        motion = expression * peak / max(expression_peak, 1e-6)
        if turn_peak:
            motion = motion + turn * rng.uniform(0, MAX_DRIFT_PX) * view.size / 224 / turn_peak
        family.append(motion)
    return expected_error(frame, noise, mask, places[inside], np.array(family))
