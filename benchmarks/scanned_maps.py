"""Motion maps of scanned expressions, labelled by emotion: training data of the bundle that ships.

A head model of scans (flow/splatting/head_model.py) gives the motion of a random person's skin under each
expression; sums of expressions, head motion, lids, stray units, blur and noise make a map. No picture is
rendered, so a map takes 15 ms. All 57 expressions are used, including those that flow/splatting/held_out.csv
keeps from training of the flow network: no flow network is trained here.

The recipes and the noise were designed with the labels of the 238 clips of docs/results/real-flow-dev.md in
view; nothing was fitted to them.

References
----------
Emotions as action units: W. Friesen, P. Ekman, EMFACS-7, 1983; what coders of micro-expressions ask for and
how often units occur: W.-J. Yan et al., CASME II, PLoS ONE 9(1), 2014, tables 1 and 2; A. Davison et al.,
SAMM, IEEE Transactions on Affective Computing 9(1), 2018; S. Du, Y. Tao, A. Martinez, Compound facial
expressions of emotion, PNAS 111(15), 2014.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from flow.sampling import log_uniform
from flow.splatting.dense_motion import extrapolate, rasterize
from flow.splatting.head_model import LANDMARK_VERTICES, REGIONS, HeadModel
from flow.splatting.scanned_units import expression_weights
from flow.strain import strain
from mer.features.flow_image import BOX
from mer_core.progress import track

# Label -> frequency: a quarter shows no emotion, the rest follows the square roots of the composite's 250,
# 109 and 83 clips, between the frequencies of the data and equal ones.
FREQUENCY = {"negative": 0.336, "positive": 0.221, "surprise": 0.193, "other": 0.25}
LABELS = tuple(FREQUENCY)
CLIPS_PER_PERSON = 20
GRID = 56  # px, side of the flow before it becomes a map
N_IDENTITY = 60  # components of identity that vary
CAMERA_CM = 60.0  # distance from the camera
NECK = np.array([0.0, -8.0, -4.0])  # cm, pivot of the head
SKIN = REGIONS["head_and_neck"][1]

# Label -> [(frequency, action units)], rounded from the sources above.
RECIPES = {
    "positive": [(0.6, "12"), (0.4, "12 6")],
    "surprise": [(0.3, "1 2"), (0.2, "1 2 5"), (0.2, "2"), (0.15, "1 2 5 25"), (0.15, "1 2 5 25 26")],
    "negative": [
        *[(0.22, "4"), (0.22, "4 7"), (0.1, "7"), (0.08, "9"), (0.08, "10"), (0.06, "14")],
        *[(0.06, "15"), (0.08, "17"), (0.04, "15 17"), (0.06, "4 9 10")],
    ],
}
STRAY_UNITS = ("1", "2", "4", "7", "10", "14", "15", "17", "24", "25")
OTHERS = {
    **{"speech": 0.3, "gaze": 0.14, "blink": 0.18, "head": 0.14, "chewing": 0.12},
    **{"yawn": 0.06, "smirk": 0.06},
}
SPEECH = (
    *("jawOpen", "jawForward", "mouthFunnel", "mouthPucker", "mouthClose", "mouthLowerDown", "mouthUpperUp"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugUpper"),
)


@dataclass(frozen=True)
class PersonBasis:
    """Flow of one person's face under each expression and each degree of freedom of the head."""

    expression: np.ndarray  # (E, 2, GRID, GRID) float32 px at full strength
    head: (
        np.ndarray
    )  # (6, 2, GRID, GRID) float32 px: shift by 1 cm along x, y, z and turn by 1 degree about them


def make_maps(model: HeadModel, count: int, seed: int, size: int = 28) -> tuple[np.ndarray, np.ndarray]:
    """Return maps (count, 3, size, size) float32 of u, v and strain, and their labels (count,) str.

    `CLIPS_PER_PERSON` maps share a person. They are cropped to the face's box (`mer.features.flow_image`).
    """
    people = -(-count // CLIPS_PER_PERSON)
    maps, names = [], []
    for i in track(range(people), f"{count} maps of scanned expressions"):
        rng = np.random.default_rng([seed, i])
        basis = person_basis(model, rng)
        for _ in range(CLIPS_PER_PERSON):
            names.append(str(rng.choice(LABELS, p=list(FREQUENCY.values()))))
            maps.append(as_map(degrade(draw_motion(model, basis, names[-1], rng), rng), size))
    return np.stack(maps[:count]), np.array(names[:count])


def person_basis(model: HeadModel, rng: np.random.Generator) -> PersonBasis:
    """Draw a person, a view and a crop, and return the flow of each expression."""
    weights = rng.normal(size=N_IDENTITY).astype(np.float32)
    identity = model.identity[:N_IDENTITY, :SKIN].astype(np.float32)
    face = model.neutral[:SKIN] + np.tensordot(weights, identity, 1)
    turn = _rotation(rng.normal(0, [5.0, 6.0, 2.0]))
    posed = (face @ turn.T).astype(np.float64)
    scale, shift = _crop(_project(posed)[LANDMARK_VERTICES], rng)
    still = _project(posed) * scale + shift
    motions = [
        *(model.skin_expression @ turn.T.astype(np.float32)),
        *np.eye(3)[:, None],
        *(((posed - NECK) @ _rotation(axis).T + NECK - posed) for axis in np.eye(3)),
    ]
    small = 0.02  # motion is linear in so small a part
    flows = [(_project(posed + small * motion) * scale + shift - still) / small for motion in motions]
    values = np.concatenate(flows, axis=1).astype(np.float32)
    dense, known = rasterize(still, posed[:, 2], values, model.skin_triangles, (GRID, GRID))
    dense = np.moveaxis(extrapolate(dense, known), -1, 0).reshape(len(motions), 2, GRID, GRID)
    return PersonBasis(dense[:-6], dense[-6:])


def draw_motion(model: HeadModel, basis: PersonBasis, label: str, rng: np.random.Generator) -> np.ndarray:
    """Draw the flow (2, GRID, GRID) of one clip; the expression alone has a peak of 1."""
    kind, weights = draw_weights(model, label, rng)
    flow = _peak_one(np.tensordot(weights, basis.expression, 1))
    for actions, reach in draw_company(kind, rng):
        flow = flow + reach * _peak_one(np.tensordot(expression_weights(model, actions), basis.expression, 1))
    motion = np.tensordot(rng.normal(0, [0.15, 0.15, 0.3, 0.6, 0.6, 0.3]), basis.head, 1)
    return flow + draw_head_reach(kind, rng) * motion / np.abs(motion).max()


def draw_weights(model: HeadModel, label: str, rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """Draw the kind of motion, the label or one of `OTHERS`, and the weights (E,) of the expressions."""
    kind, actions = draw_actions(label, rng)
    weights = expression_weights(model, actions)
    return kind, weights if label == "other" else personal_weights(weights, rng)


def personal_weights(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vary the weights (E,) of expressions: people differ from the mean of the scans."""
    return weights * np.exp(rng.normal(0, 0.3, len(weights)))


def draw_actions(label: str, rng: np.random.Generator) -> tuple[str, dict[str, float]]:
    """Draw the kind of motion, the label or one of `OTHERS`, and its actions (`expression_weights`)."""
    if label != "other":
        return label, _emotion_actions(label, rng)
    kind = str(rng.choice(list(OTHERS), p=list(OTHERS.values())))
    return kind, other_actions(kind, rng)


def label_of(kind: str) -> str:
    """Return the label of a kind of motion."""
    return "other" if kind in OTHERS else kind


def draw_company(kind: str, rng: np.random.Generator) -> list[tuple[dict[str, float], float]]:
    """Draw what moves along with an expression: actions, and how far compared with the expression."""
    company: list[tuple[dict[str, float], float]] = []
    if kind not in ("blink", "gaze", "head") and rng.uniform() < 0.4:  # a lid closes or opens meanwhile
        company.append(({"43": 1.0}, rng.uniform(0.1, 1.0) * (1 if rng.uniform() < 0.65 else -1)))
    if rng.uniform() < 0.4:
        stray = str(rng.choice(STRAY_UNITS)) + str(rng.choice(["R", "L", ""]))
        company.append(({stray: 1.0}, rng.uniform(0.1, 0.3 if kind in OTHERS else 0.5)))
    return company


def draw_head_reach(kind: str, rng: np.random.Generator) -> float:
    """Draw how far the head moves compared with the expression."""
    return 1.0 if kind == "head" else log_uniform(rng, 0.05, 1.0)


def degrade(flow: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Degrade a flow (2, GRID, GRID) as an estimator might: displaced, blurred, with fine and slow noise.

    In half of the cases the rows above the aligned face (data_prep/align.py) repeat its first row, as in maps
    made from aligned faces.
    """
    habit = _smooth_noise(rng, 8.0) * rng.uniform(0, 2.0)  # px: muscles differ in place from person to person
    places = np.mgrid[:GRID, :GRID] + habit[::-1]
    flow = np.stack([map_coordinates(channel, places, order=1, mode="nearest") for channel in flow])
    blur = rng.uniform(1, 6)
    flow = gaussian_filter(flow, (0, blur, blur))
    flow = _peak_one(flow)
    flow = flow + log_uniform(rng, 0.01, 0.3) * _smooth_noise(rng, rng.uniform(1, 3))
    flow = flow + log_uniform(rng, 0.05, 0.6) * _smooth_noise(rng, rng.uniform(4, 14))
    if rng.uniform() < 0.5:
        first = round(rng.uniform(0.1, 0.2) * GRID)
        flow[:, :first] = flow[:, first : first + 1]
    return flow


def as_map(flow: np.ndarray, size: int) -> np.ndarray:
    """Return u, v and strain magnitude, (3, size, size) float32, of flow (2, GRID, GRID)."""
    field = np.moveaxis(flow, 0, -1)
    maps = np.dstack([field, strain(field).magnitude]).astype(np.float32)
    return np.moveaxis(cv2.resize(maps, (size, size), interpolation=cv2.INTER_AREA), -1, 0)


def _emotion_actions(label: str, rng: np.random.Generator) -> dict[str, float]:
    frequencies, recipes = zip(*RECIPES[label])
    chosen = str(rng.choice(recipes, p=np.array(frequencies) / sum(frequencies)))
    one_sided, strong = rng.uniform() < 0.15, str(rng.choice(["R", "L"]))
    actions = {}
    for unit in chosen.split():
        strength = rng.uniform(0.5, 1.0)
        for side in "RL":
            weak = one_sided and side != strong
            actions[unit + side] = strength * (rng.uniform(0, 0.3) if weak else rng.uniform(0.75, 1.0))
    return actions


def other_actions(kind: str, rng: np.random.Generator) -> dict[str, float]:
    """Draw motion that shows no emotion; expressions that are no unit go by their own names."""
    if kind == "speech":
        return {
            shape: rng.uniform(-0.5, 1) * (0.15 if shape == "jawOpen" else 1.0)
            for shape in map(str, rng.choice(SPEECH, 3, replace=False))
        }
    if kind == "chewing":
        jaw = rng.uniform(-0.3, 0.3)
        sideways = str(rng.choice(["jawLeft", "jawRight"]))
        return {"jawOpen": jaw, sideways: rng.uniform(0, 0.7), "mouthClose": rng.uniform(0, 0.3)}
    if kind == "gaze":
        vertical = rng.uniform(-1, 1)
        outward = str(rng.choice(["R", "L"]))
        return {
            "eyeLookUp" if vertical > 0 else "eyeLookDown": abs(vertical),
            "eyeLookOut" + outward: 0.7,
            "eyeLookIn" + ("L" if outward == "R" else "R"): 0.7,
        }
    if kind == "yawn":
        return {"26": rng.uniform(0.5, 1.0), "43": rng.uniform(0.3, 1.0)}
    if kind == "smirk":  # half a smile, with the lips pressed
        return {"12" + str(rng.choice(["R", "L"])): rng.uniform(0.5, 1.0), "24": rng.uniform(0.3, 1.0)}
    if kind == "blink":
        return {"43": float(rng.choice([-1, 1]))}
    return {}


def _crop(landmarks: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw scale and shift (2,) each from projected cm to px of the map: the face's box, slightly varied."""
    right, left = landmarks[36:42].mean(0), landmarks[42:48].mean(0)
    eyes, mouth = (right + left) / 2, landmarks[[48, 54]].mean(0)
    scale = GRID * np.array([
        BOX.interocular / np.linalg.norm(left - right),
        (BOX.mouth - BOX.eyes) / (mouth[1] - eyes[1]),
    ])  # fmt: skip
    scale = scale * (1 + rng.normal(0, 0.05, 2))
    return scale, GRID * np.array([0.5, BOX.eyes]) - 0.5 + rng.normal(0, 0.02 * GRID, 2) - scale * eyes


def _project(points: np.ndarray) -> np.ndarray:
    """Project points (N, 3) cm to (N, 2) cm in the picture, x right, y down."""
    return points[:, :2] * [1, -1] * (CAMERA_CM / (CAMERA_CM - points[:, 2:]))


def _rotation(degrees: np.ndarray) -> np.ndarray:
    """Return the rotation matrix (3, 3) for angles about x, y and z, in this order."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()


def _peak_one(flow: np.ndarray) -> np.ndarray:
    """Scale a flow (2, h, w) so that its longest vector is 1; zero flow stays zero."""
    return flow / max(float(np.sqrt((flow**2).sum(0)).max()), 1e-6)


def _smooth_noise(rng: np.random.Generator, width: float) -> np.ndarray:
    """Draw noise (2, GRID, GRID) of standard deviation 1, smooth over `width` px."""
    noise = gaussian_filter(rng.normal(size=(2, GRID, GRID)), (0, width, width), mode="reflect")
    return noise / noise.std()
