"""Make the patterns of action units that ship, from the scanned expressions of a head model.

    python -m benchmarks.unit_patterns PORTRAITS HEAD_MODEL.npz --cache FITS --work FOLDER

What the flow network reads differs from what the scans show: motion is smoothed, and a lip that rolls in
shows as one that moves. So portraits and rendered people show each unit alone, and the median difference is
added to its pattern. FOLDER keeps what was read of each person. The people are others than those of
unit_naming.py.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from scipy.spatial import cKDTree

from benchmarks import unit_naming
from benchmarks.unit_naming import Recorder
from data_prep.landmarks import interocular
from flow.estimate import Method
from flow.splatting.head_fit import fit_head
from flow.splatting.head_model import HeadModel, load_head_model
from flow.splatting.scanned_units import UNIT_EXPRESSIONS, expression_weights
from flow.splatting.template import LOWER_LID, LOWER_LIP, UPPER_LID, UPPER_LIP, template
from mer.inference import models
from mer.inference.head_motion import POINTS, fit_camera, head_motion_basis, subtract_head_motion
from mer.inference.unit_patterns import BOTH_SIDES, FILE
from mer_core.io import atomic_replace, read_npz, write_npz
from mer_core.progress import track

PX_PER_CM = 100.0  # large enough that rounding does not matter
N_NEIGHBOURS = 4  # vertices that a point takes its motion from
MOVING = 0.3  # fraction of the largest motion above which a vertex belongs to the lip or lid that moves
READ_PORTRAITS = range(5)  # of those that the flow network may be trained on
READ_ACTORS = range(100, 105)  # numbers of rendered people, as in unit_naming.actor
LEAST_COSINE = 0.3  # between read and scanned pattern; below, the reading is noise


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


def read_people(
    portraits: Path, model: HeadModel, cache: Path, work: Path
) -> Iterator[dict[str, np.ndarray]]:
    """Yield what `read_units` gives of each person, from `work` where it is known."""
    method = models.get_method("srflownet", {"network": "compact"})
    faces = unit_naming.portraits_of(portraits, model, cache, READ_PORTRAITS, "train")
    people = [(f"portrait-{i}", i, record) for i, _, record in faces]
    people += [(f"rendered-{i}", i, unit_naming.actor(model, i)) for i in READ_ACTORS]
    for name, person, record in track(people, "People"):
        path = work / f"units-{name}-{method.weights}.npz"
        if not path.is_file():
            write_npz(path, **read_units(record, person, method))
        yield read_npz(path)


def read_units(record: Recorder, person: int, method: Method) -> dict[str, np.ndarray]:
    """Read each unit that a person shows alone, on one side: names (N,), landmarks and their motion, px."""
    rng = np.random.default_rng([person, 72])
    names, read = [], []
    for unit in UNIT_EXPRESSIONS:
        side = "both" if unit in BOTH_SIDES else ("right", "left")[int(rng.integers(2))]
        action = unit + {"right": "R", "left": "L", "both": ""}[side]
        if (seen := unit_naming.read(record({action: 1.0}, rng)[1], method)) is not None:
            names.append(f"{unit}:{side}")
            read.append(seen)
    landmarks, motion = map(np.stack, zip(*read))
    return {"names": np.array(names), "landmarks": landmarks, "motion": motion}


def as_read(names: list[str], patterns: np.ndarray, read: Iterable[dict[str, np.ndarray]]) -> np.ndarray:
    """Add the median difference between patterns (K, 468, 3) and what `read_units` gave, over people."""
    found: dict[str, list[np.ndarray]] = {}
    for person in read:
        for name, landmarks, motion in zip(person["names"], person["landmarks"], person["motion"]):
            difference = _difference(patterns[names.index(name)], landmarks[:POINTS].astype(float), motion)
            if difference is not None:
                unit, side = name.split(":")
                found.setdefault(unit, []).append(_mirrored(difference) if side == "left" else difference)
    out = patterns.copy()
    for i, (unit, side) in enumerate(name.split(":") for name in names):
        if unit in found:
            change = np.median(found[unit], axis=0)
            out[i, :, :2] += _mirrored(change) if side == "left" else change
    return out


def _mirrored(motion: np.ndarray) -> np.ndarray:
    """Return the motion (468, 2) of the other side of the face."""
    return (motion * [-1, 1])[template().mirror[:POINTS]]


def _difference(pattern: np.ndarray, points: np.ndarray, motion: np.ndarray) -> np.ndarray | None:
    """Return motion (468, 2) px at full strength less pattern (468, 3), in its unit; None for noise."""
    camera = fit_camera(points)
    expected = subtract_head_motion(head_motion_basis(points), pattern @ camera.T)
    shared, length = (expected * motion).sum(), np.linalg.norm(expected)
    if shared < LEAST_COSINE * length * np.linalg.norm(motion):
        return None
    return (motion * length**2 / shared - expected) @ np.linalg.pinv(camera[:, :2]).T


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.unit_patterns", description=__doc__.split("\n")[0]
    )
    parser.add_argument("portraits", type=Path)
    parser.add_argument("head_model", type=Path, help="NPZ of mer flow head-model")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps fits of the portraits")
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps what was read of people")
    parser.add_argument("--out", type=Path, default=FILE)
    given = parser.parse_args()
    model = load_head_model(given.head_model)
    names, patterns = make(model)
    read = as_read(names, patterns, read_people(given.portraits, model, given.cache, given.work))
    tensors = {"scanned": patterns.astype(np.float16), "as_read": read.astype(np.float16)}
    with atomic_replace(given.out) as temporary:
        save_file(tensors, temporary, metadata={"names": " ".join(names)})


if __name__ == "__main__":
    main()
