"""Makes `flow/weights/facial-basis.safetensors` from a head model of scans.

python -m benchmarks.facial_basis MODEL OUT

No expression that `flow/splatting/held_out.csv` lists goes into it, and no portrait at all.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial import Delaunay

from flow.splatting.head_model import LANDMARK_VERTICES, HeadModel, load_head_model
from flow.splatting.scanned_motion import skin_expressions
from mer_core.io import atomic_replace

POINTS = 2000
IDENTITY = 30
COMPONENTS = 256  # expressions as scanned, then what variants add
SAMPLES = 4000
FACE = 9409  # vertices of the face; the others are head, neck and what lies inside
RIM = 0.03  # cm around an opening that belong to it
GRID = 0.08  # cm, of the depth map that tells which vertices are seen
# Prior deviation of the peak of a motion, px of a face with 75 px between the eyes.
SCANNED, VARIED = 2.0, 1.5


def build(model: HeadModel, seed: int = 0) -> tuple[dict[str, np.ndarray], int]:
    """Return the arrays of a `FacialBasis` and the number of unvaried expressions."""
    eyes = [model.neutral[LANDMARK_VERTICES[part]].mean(axis=0) for part in (slice(36, 42), slice(42, 48))]
    pixel = np.linalg.norm(eyes[1] - eyes[0]) / 75
    vertices = _spread_out(model, _seen_from_front(model), POINTS)
    points = model.neutral[vertices].astype(float)
    names = skin_expressions(model, "train")
    numbers = [model.expression_index(name) for name in names]
    expressions = model.expression[numbers][:, vertices].astype(float)
    peaks = np.linalg.norm(expressions, axis=2).max(axis=1) / pixel
    expressions /= peaks[:, None, None]

    rng = np.random.default_rng(seed)
    samples = np.array(
        [_variant(rng, names, expressions, points, 75 * pixel).ravel() for _ in range(SAMPLES)]
    )
    samples *= pixel / np.linalg.norm(samples.reshape(SAMPLES, -1, 3), axis=2).max(axis=1)[:, None]
    span = np.linalg.qr(expressions.reshape(len(names), -1).T)[0]
    samples -= samples @ span @ span.T
    values, vectors = np.linalg.eigh(samples @ samples.T)
    count = COMPONENTS - len(names)
    variants = (vectors[:, ::-1][:, :count].T @ samples).reshape(count, -1, 3) / np.sqrt(SAMPLES)
    print(f"{count} components hold {values[::-1][:count].sum() / values.sum():.3f} of what variants add")
    landmark_shapes = np.concatenate(
        [model.identity[:IDENTITY, LANDMARK_VERTICES], model.expression[numbers][:, LANDMARK_VERTICES]]
    )
    return {
        "neutral": points,
        "identity": model.identity[:IDENTITY, vertices],
        "motion": np.concatenate([SCANNED * expressions, VARIED * variants]),
        "triangles": _triangles(points, model.neutral[LANDMARK_VERTICES]),
        "landmarks": model.neutral[LANDMARK_VERTICES],
        "landmark_shapes": landmark_shapes,
        "resting": peaks / SCANNED,
    }, len(names)


def _seen_from_front(model: HeadModel) -> np.ndarray:
    """Return the vertices of the face that no other part hides from the viewer."""
    along, down = (axis.ravel()[:, None, None] for axis in np.meshgrid(*[np.linspace(0, 1, 7)] * 2))
    a, b, c, d = np.moveaxis(model.neutral[model.faces].astype(float), 1, 0)
    skin = ((1 - along) * ((1 - down) * a + down * d) + along * ((1 - down) * b + down * c)).reshape(-1, 3)
    low = model.neutral.min(axis=0)[:2]
    cells = ((skin[:, :2] - low) / GRID).astype(int)
    nearest = np.full(cells.max(axis=0) + 1, -np.inf)
    np.maximum.at(nearest, tuple(cells.T), skin[:, 2])
    own = ((model.neutral[:FACE, :2] - low) / GRID).astype(int)
    seen = model.neutral[:FACE, 2] >= nearest[tuple(own.T)] - 0.12
    normals = np.zeros_like(model.neutral)
    facing = np.cross(c - a, d - b)
    for corner in model.faces.T:
        np.add.at(normals, corner, facing)
    return np.flatnonzero(seen & (normals[:FACE, 2] > 0.1 * np.linalg.norm(normals[:FACE], axis=1)))


def _spread_out(model: HeadModel, vertices: np.ndarray, count: int) -> np.ndarray:
    """Choose `count` vertices far from each other, closer together around eyes and lips."""
    flat = model.neutral[vertices, :2].astype(float)
    rims = model.neutral[LANDMARK_VERTICES[36:], :2]
    away = np.linalg.norm(flat[:, None] - rims[None], axis=2).min(axis=1)
    density = 1 + 1.5 * np.exp(-(away**2))
    chosen, far = [0], np.full(len(flat), np.inf)
    while len(chosen) < count:
        last = chosen[-1]
        step = np.linalg.norm(flat - flat[last], axis=1) * np.minimum(density, density[last])
        far = np.minimum(far, step)
        chosen.append(int(far.argmax()))
    return vertices[np.sort(chosen)]


def _triangles(points: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Return triangles (T, 3) int32 between the points seen from the front, none across openings."""
    triangles = Delaunay(points[:, :2]).simplices
    sides = np.linalg.norm(points[triangles, :2] - points[np.roll(triangles, 1, axis=1), :2], axis=2)
    kept = sides.max(axis=1) < 1.2
    middles = points[triangles, :2].mean(axis=1).astype(np.float32)
    for rim in (slice(36, 42), slice(42, 48), slice(60, 68)):  # eyes, and between the lips
        outline = landmarks[rim, None, :2].astype(np.float32)
        away = [cv2.pointPolygonTest(outline, tuple(map(float, middle)), True) for middle in middles]
        kept &= np.array(away) < -RIM
    return triangles[kept].astype(np.int32)


def _variant(
    rng: np.random.Generator, names: list[str], expressions: np.ndarray, points: np.ndarray, unit: np.floating
) -> np.ndarray:
    """Draw a random motion (V, 3): one to three expressions, each varied, and sometimes a pull somewhere."""
    kinds = [name.removesuffix("_L").removesuffix("_R") for name in names]
    total = np.zeros_like(points)
    for kind in rng.choice(sorted(set(kinds)), rng.integers(1, 4), replace=False):
        sides = [number for number, other in enumerate(kinds) if other == kind]
        if len(sides) == 2 and rng.random() < 0.4:
            sides = [sides[rng.integers(2)]]
        motion = sum(rng.uniform(0.6, 1) * expressions[side] for side in sides)
        total += rng.uniform(0.3, 1) * rng.choice([-1, 1]) * _bend(rng, motion, points[:, :2] / unit)
    peak = np.linalg.norm(total, axis=1).max()
    for _ in range(rng.integers(0, 4)):
        middle, reach = points[rng.integers(len(points))], unit * np.exp(rng.uniform(*np.log([0.08, 0.5])))
        way = 0.35 * peak * rng.normal(0, 1, 3) * [1, 1, 0.3]
        total += np.exp(-((points - middle) ** 2).sum(axis=1) / (2 * reach**2))[:, None] * way
    return total


def _bend(rng: np.random.Generator, motion: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Draw a variant of a motion (V, 3) of peak 1: bent, sharpened or widened, confined to a part."""
    length = np.linalg.norm(motion, axis=1)
    if rng.random() < 0.6:
        scale = 1 + rng.uniform(0, 0.6) * _waves(rng, places)
        angle = rng.uniform(0, 0.6) * _waves(rng, places)
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        x, y, z = motion.T
        motion = np.column_stack([cos * x - sin * y, sin * x + cos * y, scale * z])
    if rng.random() < 0.4:
        motion = motion * np.maximum(length / length.max(), 1e-3)[:, None] ** rng.uniform(-0.3, 1)
    if rng.random() < 0.4:
        middle = places[rng.choice(len(places), p=length / length.sum())]
        reach = np.exp(rng.uniform(*np.log([0.12, 0.7])))
        motion = motion * np.exp(-((places - middle) ** 2).sum(axis=1) / (2 * reach**2))[:, None]
    return motion / max(np.linalg.norm(motion, axis=1).max(), 1e-9)


def _waves(rng: np.random.Generator, places: np.ndarray, count: int = 5) -> np.ndarray:
    """Draw a smooth random function (V,) of mean 0 and SD 1 with waves of 0.4 to 2 units."""
    low, high = np.log([0.4, 2])
    length = np.exp(rng.uniform(low, high, count))
    angle, phase = rng.uniform(0, 2 * np.pi, (2, count))
    waves = 2 * np.pi / length * np.stack([np.cos(angle), np.sin(angle)])
    return np.sqrt(2 / count) * np.cos(places @ waves + phase).sum(axis=1)


if __name__ == "__main__":
    from safetensors.numpy import save_file

    arrays, scanned = build(load_head_model(sys.argv[1]))
    half = {
        name: np.ascontiguousarray(array.astype(np.int16 if name == "triangles" else np.float16))
        for name, array in arrays.items()
    }
    with atomic_replace(Path(sys.argv[2])) as path:
        save_file(half, str(path), {"scanned": str(scanned)})
