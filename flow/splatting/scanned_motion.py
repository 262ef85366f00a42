"""Random motion of a head model's skin: expressions, combined and varied between people, and head turns.

An expression is scaled, bent, restricted to a part of its region or sharpened, and its two sides differ.
"""

import numpy as np

from flow.sampling import log_uniform
from flow.splatting.head_fit import HeadFit
from flow.splatting.head_model import HeadModel
from flow.splatting.held_out import Split, in_split

MAX_EXPRESSIONS = 4  # at once; two sides count as one
RELEASE_FRACTION = 0.15  # of the expressions fade instead of forming
ONE_SIDED_FRACTION = 0.3  # of the paired expressions show on one side


def skin_expressions(model: HeadModel, split: Split) -> list[str]:
    """Return the names of the expressions of `split` that move skin: all but those of eyeballs and pupils."""
    names = in_split("expression", model.expression_names, split)
    return [name for name in names if not name.startswith(("eyeLook", "Pupil"))]


def random_expression(
    rng: np.random.Generator,
    model: HeadModel,
    fit: HeadFit,
    unit: float,
    split: Split,
    vertices: np.ndarray | slice = slice(None),
    as_scanned: float = 0.0,
) -> tuple[np.ndarray, list[str]]:
    """Draw a combination of expressions as motion of the skin's vertices, of arbitrary size.

    Parameters
    ----------
    unit : float
        Inter-ocular distance in the portrait, px.
    vertices : ndarray or slice
        Subset of vertices; `fit` contains only these.
    as_scanned : float
        Fraction of draws with unvaried expressions.

    Returns
    -------
    motion : (N, 2) float32 portrait px
    names : the expressions in it
    """
    varied = not as_scanned or rng.random() >= as_scanned
    names = skin_expressions(model, split)
    kinds = sorted({name.removesuffix("_L").removesuffix("_R") for name in names})
    total, used = np.zeros((len(fit.places), 2), np.float32), []
    for kind in rng.choice(kinds, min(rng.integers(1, MAX_EXPRESSIONS + 1), len(kinds)), replace=False):
        sides = [name for name in names if name.removesuffix("_L").removesuffix("_R") == kind]
        if len(sides) == 2 and rng.random() < ONE_SIDED_FRACTION:
            sides = [sides[rng.integers(2)]]
        strength = rng.uniform(0.3, 1) * (-1 if rng.random() < RELEASE_FRACTION else 1)
        parts = [strength * rng.uniform(0.6, 1) * _vertex_motion(model, name)[vertices] for name in sides]
        motion = fit.project(np.sum(parts, axis=0))
        peak = np.linalg.norm(motion, axis=1).max()
        if peak > 0:  # an expression inside the mouth moves no skin
            motion = motion / peak
            total += rng.uniform(0.3, 1) * (
                _vary_motion(rng, motion, fit.places / unit) if varied else motion
            )
            used += sides
    return total, used


def random_turn(rng: np.random.Generator, fit: HeadFit) -> np.ndarray:
    """Draw a small rotation and shift of the head as motion (N, 2) float32 portrait px, of arbitrary size."""
    neck = np.array([0.0, -8.0, 0.0], np.float32)  # cm
    turn = rng.normal(0, 1, 3).astype(np.float32) * np.array([0.05, 0.05, 0.03], np.float32)
    shift = rng.normal(0, 0.3, 3).astype(np.float32)
    return fit.project(np.cross(turn, fit.vertices - neck) + shift)


def _vertex_motion(model: HeadModel, name: str) -> np.ndarray:
    """Return an expression's motion of the skin, (N, 3) float32 cm."""
    return model.skin_expression[model.expression_index(name)]


def _vary_motion(rng: np.random.Generator, motion: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Vary a motion (N, 2) of peak 1 as people differ; `places` in inter-ocular distances."""
    if rng.random() < 0.5:  # vary strength and direction smoothly
        scale = 1 + rng.uniform(0, 0.5) * random_waves(rng, places)
        angle = rng.uniform(0, 0.5) * random_waves(rng, places)
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        motion = np.stack(
            [cos * motion[:, 0] - sin * motion[:, 1], sin * motion[:, 0] + cos * motion[:, 1]], axis=1
        )
    length = np.linalg.norm(motion, axis=1)
    if rng.random() < 0.4:  # widen or narrow around its peak
        motion = motion * np.power(np.maximum(length, 1e-3), rng.uniform(-0.3, 1.0))[:, None]
    if rng.random() < 0.35:  # restrict to a part of its region
        middle = places[rng.choice(len(places), p=length / length.sum())]
        reach = log_uniform(rng, 0.15, 0.7)
        motion = motion * np.exp(-((places - middle) ** 2).sum(axis=1) / (2 * reach**2))[:, None]
    return (motion / max(np.linalg.norm(motion, axis=1).max(), 1e-6)).astype(np.float32)


def random_waves(rng: np.random.Generator, places: np.ndarray, count: int = 5) -> np.ndarray:
    """Draw a smooth function (N,) of mean about 0 and deviation about 1, with waves 0.4 to 2 units long."""
    length, angle, phase = (
        log_uniform(rng, 0.4, 2, count),
        *rng.uniform(0, 2 * np.pi, (2, count)),
    )
    wave = 2 * np.pi / length * np.stack([np.cos(angle), np.sin(angle)])
    return np.sqrt(2 / count) * np.cos(places @ wave + phase).sum(axis=1)
