"""A head on a mesh of scans: skin, eyes, mouth, gums and teeth of the model, with hair and clothes.

The interface is that of `head.Head`, so scenes, actors and files work with either.
"""

from functools import lru_cache

import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.spatial import cKDTree

from flow.splatting import surroundings
from flow.splatting.gaussians import MeshPart
from flow.splatting.head import FaceState, push_out_of_eyes, turn_eyeball
from flow.splatting.head_fit import MEDIAPIPE_LANDMARKS
from flow.splatting.head_model import LANDMARK_VERTICES, REGIONS, HeadModel
from flow.splatting.held_out import Split, held_out_names
from flow.splatting.scanned_motion import random_waves
from flow.splatting.scanned_units import expression_weights
from flow.splatting.surroundings import SKULL_CENTRE, HeadStyle
from flow.splatting.template import template, unroll

# Part -> quads [first, last + 1) of the model and Gaussians per area relative to the face. Source of the
# ranges: README of ICT-VGL/ICT-FaceKit. Of the eyeballs only the sclera, which runs over the iris as the
# cornea does.
MODEL_PARTS = {
    "skin": (0, 9230, 1.0),
    "scalp": (9230, 11144, 0.2),
    "mouth": (11144, 13226, 0.3),
    "socket left": (13226, 13630, 0.6),
    "socket right": (13630, 14034, 0.6),
    "mouth gums": (14034, 17006, 0.3),
    "teeth upper": (17006, 19250, 0.8),
    "teeth lower": (19250, 21496, 0.8),
    "eye left": (21496, 22296, 2.0),
    "eye right": (23094, 23894, 2.0),
}
N_COMPONENTS = 60  # of identity; the others are below a tenth of a millimetre
IDENTITY_DEVIATION = 0.8  # standard deviations of each component
NECK_RANGE_CM = (12.0, 20.0)  # cm below the eyes between which the neck leaves the head's motion to the body
HAIR_CLEARANCE_CM, MAX_HAIR_LIFT_CM = 0.35, 1.0  # of hair above the skull


class ScannedHead:
    """All meshes of one identity of a head model; `parts` are at rest, in the order of `vertices(state)`.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws the person's variation of the expressions.
    looks : HeadStyle
        Hair, clothes and glasses.
    split : Split or None
        `train` excludes the expressions held out for measuring.
    strengths : (I,) of the identity components, standard deviations; drawn by default
    """

    turn = np.eye(3)

    def __init__(
        self,
        model: HeadModel,
        rng: np.random.Generator,
        looks: HeadStyle = HeadStyle(),
        split: Split | None = "train",
        strengths: np.ndarray | None = None,
    ) -> None:
        self.model, self.looks = model, looks
        if strengths is None:
            strengths = IDENTITY_DEVIATION * rng.standard_normal(min(N_COMPONENTS, len(model.identity)))
        identity = model.identity[: len(strengths)].astype(np.float32)
        head = model.neutral + np.tensordot(strengths.astype(np.float32), identity, 1)
        middle = np.mean([_fit_eyeball(head, side)[0] for side in ("left", "right")], axis=0)
        self.origin = np.array(
            [middle[0], middle[1], _fit_eyeball(head, "left")[0][2] + _fit_eyeball(head, "left")[1]]
        )
        self.head = self._to_engine(head)
        self.expression = _personal_expressions(model, rng, split)
        self.eyes = {side: _fit_eyeball(self.head, side) for side in ("right", "left")}
        self.rest = self.head[_landmark_vertices(model)]
        self.parts: list[MeshPart] = []
        self.sources: list = []
        self.painted: list = []
        for name in MODEL_PARTS:
            self._add_part(name)
        self.n_scanned = len(self.parts)
        self.parts += [
            self._raise_hair(part)
            for part in surroundings.build_surroundings(self.rest, looks)
            if part.name.split()[0] not in ("scalp", "ear", "neck")
        ]

    def shape(self, actions: dict[str, float]) -> np.ndarray:
        """Return the landmarks (468, 3) cm after `actions`."""
        return self._move_vertices(actions)[_landmark_vertices(self.model)]

    def vertices(self, state: FaceState) -> np.ndarray:
        """Return the posed vertices (V, 3) cm of all parts in `state`."""
        moved = self._move_vertices(state.actions)
        shift = moved[_landmark_vertices(self.model)] - self.rest
        stacked = []
        for number, part in enumerate(self.parts):
            if number < self.n_scanned:
                points = moved[self.sources[number]]
                if part.name.startswith("eye "):
                    points = turn_eyeball(points, self.eyes[part.name[4:]][0], state.gaze)
                elif part.name == "skin":
                    for centre, radius in self.eyes.values():
                        points = push_out_of_eyes(points, {"": centre}, thickness=0.02, radius=radius)
            elif part.name == "hair":
                points = part.vertices + surroundings.shell_motion(self.rest, self.rest + shift)
            else:
                points = part.vertices
            stacked.append(state.pose.move(points, part.follow))
        return np.concatenate(stacked)

    def _to_engine(self, points: np.ndarray) -> np.ndarray:
        """Convert the model's axes (y up, z to the viewer) to the engine's, origin between the pupils."""
        return (points - self.origin) * [1.0, -1.0, -1.0]

    def _move_vertices(self, actions: dict[str, float]) -> np.ndarray:
        """Return the model's vertices (V, 3) cm after `actions`."""
        weights = expression_weights(self.model, actions).astype(np.float32)
        used = np.flatnonzero(weights)
        return self.head + np.tensordot(weights[used], self.expression[used], 1) * [1.0, -1.0, -1.0]

    def _add_part(self, name: str) -> None:
        """Add a part of the model, cut along the seams of its texture."""
        first, last, density = MODEL_PARTS[name]
        corners = np.stack([self.model.faces[first:last], self.model.face_uv[first:last]], axis=-1)
        unique, index = np.unique(corners.reshape(-1, 2), axis=0, return_inverse=True)
        quads = index.reshape(-1, 4)
        # The engine's triangles have the opposite orientation.
        triangles = np.concatenate([quads[:, [0, 2, 1]], quads[:, [0, 3, 2]]])
        triangles = triangles[[len(set(triangle)) == 3 for triangle in triangles.tolist()]]
        source = unique[:, 0]
        vertices, uv = self.head[source], self.model.uv[unique[:, 1]].astype(float)
        area = _triangle_areas(vertices, triangles).sum() / max(_triangle_areas(uv, triangles).sum(), 1e-9)
        uv = uv * np.sqrt(area)
        below = np.clip((NECK_RANGE_CM[1] - vertices[:, 1]) / (NECK_RANGE_CM[1] - NECK_RANGE_CM[0]), 0, 1)
        follow = below**2 * (3 - 2 * below)
        two_sided = name.split()[0] in ("mouth", "socket")
        fine = self._fine_triangles(vertices, triangles) if name == "skin" else None
        self.parts.append(MeshPart(name, vertices, triangles, uv, density, two_sided, follow, fine))
        self.sources.append(source)
        self.painted.append(self._paint_places(name, vertices))

    def _fine_triangles(self, vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
        """Return the triangles near eyes, brows and lips, where small shapes matter."""
        middle = vertices[triangles].mean(axis=1)
        marks = self.head[LANDMARK_VERTICES]
        near = np.zeros(len(middle), bool)
        for points in (marks[36:42], marks[42:48], marks[48:68], marks[17:22], marks[22:27]):
            low, high = points[:, :2].min(axis=0) - 0.6, points[:, :2].max(axis=0) + 0.6
            near |= ((middle[:, :2] > low) & (middle[:, :2] < high)).all(axis=1) & (middle[:, 2] < 6)
        return near

    def _paint_places(self, name: str, vertices: np.ndarray) -> np.ndarray:
        """Return the positions (N, 2) cm at which `paint.py` reads the colour of each vertex."""
        kind, _, side = name.partition(" ")
        if kind == "skin":
            return unroll(_to_template(self.model, self.head)(vertices))
        if kind == "scalp":
            away = vertices - SKULL_CENTRE
            polar = np.arctan2(np.hypot(away[:, 0], away[:, 1]), -away[:, 2])
            around = np.arctan2(away[:, 1], away[:, 0])
            return 8.5 * polar[:, None] * np.column_stack([np.cos(around), np.sin(around)])
        if kind == "eye":
            centre, radius = self.eyes[side]
            x, y, z = (vertices - centre).T
            polar, around = np.arctan2(np.hypot(x, y), -z), np.arctan2(y, x)
            return radius * polar[:, None] * np.column_stack([np.cos(around), np.sin(around)])
        if kind == "socket":
            return (vertices - self.eyes[side][0])[:, :2]
        if kind == "teeth":
            return np.tile([0.0 if side == "lower" else 0.43, 0.3], (len(vertices), 1))
        lips = self.head[LANDMARK_VERTICES[60:68]].mean(axis=0)
        deep = np.clip(vertices[:, 2] - lips[2], 0, 4)
        return np.column_stack([np.clip(3.2 - 0.8 * deep, 0, None), 0 * deep])

    def _raise_hair(self, part: MeshPart) -> MeshPart:
        """Raise the cap of hair where the skull would show through."""
        if part.name != "hair":
            return part
        skull = self.head[: REGIONS["head_and_neck"][1]] - SKULL_CENTRE
        skull_length = np.linalg.norm(skull, axis=1)
        offset = part.vertices - SKULL_CENTRE
        length = np.linalg.norm(offset, axis=1)
        nearest = cKDTree(skull / skull_length[:, None]).query(offset / length[:, None])[1]
        raised = np.clip(skull_length[nearest] + HAIR_CLEARANCE_CM - length, 0, MAX_HAIR_LIFT_CM)
        part.vertices = part.vertices + offset * (raised / length)[:, None]
        return part


def _triangle_areas(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return the areas (T,) of triangles between points (N, 2) or (N, 3)."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    return np.abs(cross) / 2 if cross.ndim == 1 else np.linalg.norm(cross, axis=1) / 2


def _fit_eyeball(head: np.ndarray, side: str) -> tuple[np.ndarray, float]:
    """Fit a sphere to the back of an eyeball's sclera: centre (3,) and radius, cm."""
    first = REGIONS["eyeballs"][0] + (0 if side == "left" else 1570)
    points = head[first : first + 770].astype(float)
    system = np.column_stack([2 * points, np.ones(len(points))])
    solution = np.linalg.lstsq(system, (points**2).sum(axis=1), rcond=None)[0]
    return solution[:3], float(np.sqrt(solution[3] + (solution[:3] ** 2).sum()))


def _personal_expressions(model: HeadModel, rng: np.random.Generator, split: Split | None) -> np.ndarray:
    """Vary the expressions for one person, (E, V, 3) float32, smoothly over the skin."""
    personal = model.expression.astype(np.float32)
    last = REGIONS["head_and_neck"][1]
    places = model.neutral[:last, :2] / 6.3  # inter-ocular distances
    for name, shape in zip(model.expression_names, personal):
        if split and (name in held_out_names("expression")) == (split == "train"):
            shape[:] = 0
        elif not name.startswith("eye"):  # unvaried, because lids must meet
            shape *= rng.uniform(0.75, 1.2)
            shape[:last] *= (1 + 0.15 * random_waves(rng, places))[:, None]
    return personal


@lru_cache(maxsize=2)
def _landmark_vertices(model: HeadModel) -> np.ndarray:
    """Return the vertices (468,) of the model's face that correspond to MediaPipe's points."""
    engine = (model.neutral * [1, -1, -1]).astype(float)
    mean = template().mean
    to_model = RBFInterpolator(mean[MEDIAPIPE_LANDMARKS], engine[LANDMARK_VERTICES], kernel="linear")
    return cKDTree(engine[: REGIONS["face"][1]]).query(to_model(mean[:468]))[1]


def _to_template(model: HeadModel, head: np.ndarray) -> RBFInterpolator:
    """Return the smooth map from a head's surface to the painted mean face, (N, 3) cm to (N, 3) cm."""
    vertices, chosen = np.unique(_landmark_vertices(model), return_index=True)
    return RBFInterpolator(
        head[vertices], template().mean[chosen], kernel="linear", smoothing=0.05, neighbors=40
    )
