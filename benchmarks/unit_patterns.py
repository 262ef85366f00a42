"""Make the patterns of action units that ship, from the scanned expressions of a head model.

python -m benchmarks.unit_patterns HEAD_MODEL.npz
"""

import argparse
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from scipy.spatial import cKDTree

from data_prep.landmarks import interocular
from flow.splatting.head_fit import fit_head
from flow.splatting.head_model import HeadModel, load_head_model
from flow.splatting.scanned_units import UNIT_EXPRESSIONS, expression_weights
from flow.splatting.template import LOWER_LID, LOWER_LIP, UPPER_LID, UPPER_LIP, template
from mer.inference.unit_patterns import BOTH_SIDES, FILE
from mer_core.io import atomic_replace

POINTS = 468
PX_PER_CM = 100.0  # large enough that rounding does not matter
N_NEIGHBOURS = 4  # vertices that a point takes its motion from
MOVING = 0.3  # fraction of the largest motion above which a vertex belongs to the lip or lid that moves


def make(model: HeadModel) -> tuple[list[str], np.ndarray]:
    """Return names "unit:side" and patterns (K, 468, 3) float32 in inter-ocular distances."""
    mean = template().mean
    vertices = _vertices_of_points(model, mean)
    names, patterns = [], []
    for unit in UNIT_EXPRESSIONS:
        for side in ("both",) if unit in BOTH_SIDES else ("right", "left"):
            action = unit + {"right": "R", "left": "L", "both": ""}[side]
            motion = np.tensordot(expression_weights(model, {action: 1.0}), model.skin_expression, 1)
            names.append(f"{unit}:{side}")
            patterns.append(vertices @ motion * [1, -1, -1])
    return names, (np.stack(patterns) / interocular(mean[:, :2])).astype(np.float32)


def _vertices_of_points(model: HeadModel, mean: np.ndarray) -> np.ndarray:
    """Return weights (468, V) of the skin's vertices in each point of the mean face.

    Lips and lids touch: points of the lower lip and the upper lid take only vertices that move as the jaw
    drops or the eye shuts, points of the others only vertices that do not.
    """
    places = fit_head(model, (PX_PER_CM * mean[:, :2]).astype(np.float32)).places
    every = np.ones(len(places), bool)
    jaw = np.linalg.norm(model.skin_expression[model.expression_index("jawOpen")], axis=1)
    lid = sum(
        np.linalg.norm(model.skin_expression[model.expression_index(f"eyeBlink_{s}")], axis=1) for s in "RL"
    )
    masks: dict[int, np.ndarray] = {}
    for points, mask in ((LOWER_LIP, jaw > MOVING * jaw.max()), (UPPER_LIP, jaw <= MOVING * jaw.max())):
        masks |= dict.fromkeys(points, mask)
    for rows, mask in ((UPPER_LID, lid > MOVING * lid.max()), (LOWER_LID, lid <= MOVING * lid.max())):
        masks |= dict.fromkeys([*rows[0], *template().left_of(rows[0])], mask)
    frontal = _facing(model)
    weights = np.zeros((POINTS, len(places)))
    for point in range(POINTS):
        known = np.flatnonzero(masks.get(point, every) & frontal)
        distance, nearest = cKDTree(places[known]).query(PX_PER_CM * mean[point, :2], k=N_NEIGHBOURS)
        closeness = 1 / (distance + 1.0) ** 2
        weights[point, known[nearest]] = closeness / closeness.sum()
    return weights


def _facing(model: HeadModel) -> np.ndarray:
    """Return which vertices (V,) bool belong to triangles that face the viewer.

    Without this, points could take their motion from the neck or the back of the ears.
    """
    vertices, triangles = model.neutral[: model.skin_vertices], model.skin_triangles
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    facing = np.zeros(len(vertices), bool)
    facing[np.unique(triangles[np.cross(b - a, c - a)[:, 2] > 0])] = True
    return facing


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.unit_patterns", description=__doc__.split("\n")[0]
    )
    parser.add_argument("head_model", type=Path, help="NPZ of mer flow head-model")
    parser.add_argument("--out", type=Path, default=FILE)
    given = parser.parse_args()
    names, patterns = make(load_head_model(given.head_model))
    with atomic_replace(given.out) as temporary:
        save_file({"patterns": patterns.astype(np.float16)}, temporary, metadata={"names": " ".join(names)})


if __name__ == "__main__":
    main()
