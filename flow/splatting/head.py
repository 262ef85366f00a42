"""A procedural head: skin, eyeballs behind lids, mouth and teeth behind lips, and surroundings.

A `Head` is built once from an identity's landmarks; `vertices` gives its meshes in any state of the face.
"""

from dataclasses import dataclass, field

import numpy as np

from flow.splatting import muscles, surroundings
from flow.splatting.camera import HeadPose
from flow.splatting.gaussians import MeshPart
from flow.splatting.mesh import grid_triangles
from flow.splatting.surroundings import HeadStyle
from flow.splatting.template import EYE, MOUTH, OVAL, template

EYE_RADIUS_CM = 1.2  # cm, an adult eyeball


@dataclass(frozen=True)
class FaceState:
    """State of a face at one moment.

    Attributes
    ----------
    actions : dict
        AU name ("12", or one side "12L") -> intensity; 1 is an adult's full strength.
    gaze : (float, float)
        Right and down in the picture, degrees.
    pose : HeadPose
        Of the head.
    """

    actions: dict[str, float] = field(default_factory=dict)
    gaze: tuple[float, float] = (0.0, 0.0)
    pose: HeadPose = HeadPose()


class Head:
    """All meshes of one identity; `parts` are at rest, in the order of `vertices(state)`.

    Parameters
    ----------
    landmarks : (478, 3) cm at rest, facing the viewer
    looks : HeadStyle
        Style of everything but the skin.
    turn : (3, 3) pose of the head in a portrait
    surround : MeshPart or None
        Sheet that replaces everything around the face of a portrait; by default a whole head is built.
    """

    def __init__(
        self,
        landmarks: np.ndarray,
        looks: HeadStyle = HeadStyle(),
        turn: np.ndarray | None = None,
        surround: MeshPart | None = None,
    ) -> None:
        self.turn = np.eye(3) if turn is None else turn
        self.looks = looks
        mesh = template()
        self.eyes = {side: _eyeball_centre(landmarks, side) for side in ("right", "left")}
        self.landmarks = landmarks.copy()
        self.landmarks[:468] = push_out_of_eyes(landmarks[:468], self.eyes)
        self.rest = self.landmarks[:468]
        self.middle = (self.rest[13] + self.rest[14]) / 2
        skin = MeshPart(
            "skin", mesh.surface @ self.rest, mesh.fine_triangles, mesh.uv, fine=_fine_triangles()
        )
        self.parts = [skin]
        self.parts += [_eyeball(side, centre) for side, centre in self.eyes.items()]
        self.parts += [_socket(self.rest, side) for side in ("right", "left")]
        self.parts += [_mouth(self.rest), *_teeth(self.middle)]
        if surround is not None:
            self.parts.append(surround)
        else:
            self.parts += surroundings.build_surroundings(self.rest, looks)

    def shape(self, actions: dict[str, float]) -> np.ndarray:
        """Return the landmarks (468, 3) cm after `actions`."""
        return muscles.move_landmarks(self.rest, actions)

    def vertices(self, state: FaceState) -> np.ndarray:
        """Return the posed vertices (V, 3) cm of all parts in `state`."""
        moved = self.shape(state.actions)
        moved = push_out_of_eyes(moved, self.eyes)
        jaw = muscles.jaw_motion(self.rest, state.actions)
        stacked = []
        for part in self.parts:
            points = part.vertices
            if part.name == "skin":
                points = template().surface @ moved
                points = push_out_of_eyes(points, self.eyes)
            elif part.name == "surround":
                points = points @ self.turn + self._drag(points @ self.turn, moved)
            elif part.name in ("scalp", "hair"):
                points = points + surroundings.shell_motion(self.rest, moved)
            elif part.name.startswith("eye "):
                points = turn_eyeball(points, self.eyes[part.name[4:]], state.gaze)
            elif part.name.startswith("socket"):
                points = _socket(moved, part.name[7:]).vertices
            elif part.name == "mouth":
                points = _mouth(moved).vertices
            elif part.name == "teeth lower":
                points = jaw(points)
            stacked.append(state.pose.move(points @ self.turn.T, part.follow))
        return np.concatenate(stacked)

    def _drag(self, points: np.ndarray, moved: np.ndarray) -> np.ndarray:
        """Return the motion of the surroundings: that of the nearest edge of the face, fading over 3 cm."""
        edge = self.rest[OVAL]
        square = ((points[:, None, :2] - edge[None, :, :2]) ** 2).sum(2)
        fraction = np.exp(-(square - square.min(1, keepdims=True)) / 1.0)
        fraction *= np.exp(-0.5 * square.min(1, keepdims=True) / 3.0**2) / fraction.sum(1, keepdims=True)
        return fraction @ (moved[OVAL] - edge)


def _fine_triangles() -> np.ndarray:
    """Return the triangles near eyes, brows and lips, where small shapes matter."""
    mesh = template()
    middle = mesh.uv[mesh.fine_triangles].mean(1)
    points = mesh.uv[:468]
    near = np.zeros(len(middle), bool)
    for ring in (EYE, mesh.left_of(EYE), MOUTH):
        box = points[ring]
        low, high = box.min(0) - [0.9, 0.75], box.max(0) + [0.9, 0.75]
        near |= ((middle > low) & (middle < high)).all(1)
    return near


def _eyeball_centre(landmarks: np.ndarray, side: str) -> np.ndarray:
    """Return the centre of the eyeball, such that the cornea lies just behind the lids."""
    ring = EYE if side == "right" else template().left_of(EYE)
    lids = landmarks[ring]
    centre = lids[[0, 8]].mean(0) * 0.5 + lids.mean(0) * 0.5
    front = np.median(lids[[3, 4, 5, 11, 12, 13], 2]) + 0.05
    return np.array([centre[0], lids[[4, 12], 1].mean(), front + EYE_RADIUS_CM])


def push_out_of_eyes(
    points: np.ndarray, eyes: dict[str, np.ndarray], thickness: float = 0.10, radius: float = EYE_RADIUS_CM
) -> np.ndarray:
    """Push points (N, 3) inside an eyeball softly out to its surface, along the ray from its centre."""
    points = points.copy()
    for centre in eyes.values():
        away = points - centre
        distance = np.linalg.norm(away, axis=1)
        near = (distance < radius + 0.4) & (away[:, 2] < 0.3)
        gap = distance[near] - (radius + thickness)
        soft = 0.03  # cm from contact over which the push fades in, so that motion stays smooth
        soft_gap = 0.5 * (gap + np.sqrt(gap**2 + soft**2))
        pushed = radius + thickness + np.minimum(np.maximum(gap, soft_gap), 0.4)
        points[near] = centre + away[near] * (pushed / distance[near])[:, None]
    return points


def _eyeball(side: str, centre: np.ndarray) -> MeshPart:
    """Return the front of a sphere with a slightly raised cornea; uv is the angle from the pupil."""
    polar = np.radians(np.linspace(0, 85, 14))[:, None]
    around = np.linspace(0, 2 * np.pi, 28, endpoint=False)[None]
    raised = EYE_RADIUS_CM + 0.04 * np.clip(1 - (polar / np.radians(30)) ** 2, 0, 1) * np.ones_like(around)
    vertices = np.stack(
        [
            raised * np.sin(polar) * np.cos(around),
            raised * np.sin(polar) * np.sin(around),
            -raised * np.cos(polar) * np.ones_like(around),
        ],
        2,
    )
    uv = EYE_RADIUS_CM * polar[..., None] * np.stack([np.cos(around), np.sin(around)], 2)
    return MeshPart(
        f"eye {side}",
        vertices.reshape(-1, 3) + centre,
        grid_triangles(14, 28, wrap=True)[:, ::-1],
        uv.reshape(-1, 2),
        density=4.0,
    )


def turn_eyeball(points: np.ndarray, centre: np.ndarray, gaze: tuple[float, float]) -> np.ndarray:
    """Rotate an eyeball's points about its centre by gaze (right, down) in degrees."""
    return (points - centre) @ HeadPose(yaw=gaze[0], pitch=gaze[1]).rotation().T + centre


def _socket(moved: np.ndarray, side: str) -> MeshPart:
    """Return the wet rim behind the lids: a strip from the lid's edge backwards."""
    ring = EYE if side == "right" else template().left_of(EYE)[::-1]
    edge = moved[ring]
    middle = edge.mean(0)
    rows = np.stack(
        [
            edge + [0, 0, 0.03],
            middle + (edge - middle) * 0.92 + [0, 0, 0.35],
            middle + (edge - middle) * 0.6 + [0, 0, 0.9],
        ]
    )
    angle = np.arange(16) / 16 * 2 * np.pi
    uv = np.array([1.4, 1.0, 0.5])[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return MeshPart(
        f"socket {side}",
        rows.reshape(-1, 3),
        grid_triangles(3, 16, wrap=True),
        uv.reshape(-1, 2),
        two_sided=True,
    )


def _mouth(moved: np.ndarray) -> MeshPart:
    """Return the mouth's interior: a sack behind the inner rim of the lips."""
    ring = moved[MOUTH]
    middle = ring.mean(0)
    rows = [ring + [0, 0, 0.06]]
    for narrow, flat, back in ((0.95, 0.95, 0.7), (0.8, 0.9, 1.8), (0.3, 0.3, 2.6), (0.0, 0.0, 2.7)):
        rows.append(middle + (ring - middle) * [narrow, flat, 0.5] + [0, 0, back])
    angle = np.arange(20) / 20 * 2 * np.pi
    uv = np.array([3.2, 2.5, 1.6, 0.6, 0.0])[:, None, None] * np.stack(
        [np.cos(angle), 0.6 * np.sin(angle)], 1
    )
    return MeshPart(
        "mouth",
        np.stack(rows).reshape(-1, 3),
        grid_triangles(5, 20, wrap=True),
        uv.reshape(-1, 2),
        density=0.6,
        two_sided=True,
    )


def _teeth(middle: np.ndarray) -> list[MeshPart]:
    """Return two arches of teeth behind the lips."""
    angle = np.radians(np.linspace(-62, 62, 25))
    parts = []
    for name, top, bottom, back in (("upper", -0.85, 0.22, 0.55), ("lower", 0.16, 0.95, 0.72)):
        height = np.linspace(top, bottom, 5)[:, None]
        x = 2.5 * np.sin(angle)[None] * np.ones_like(height)
        z = (
            middle[2]
            + back
            + 2.5 * (1 - np.cos(angle))[None]
            + 0.25 * ((height - top) / (bottom - top) - 0.5) ** 2
        )
        vertices = np.stack([x + middle[0], middle[1] + height * np.ones_like(x), z], 2)
        uv = np.stack([2.5 * angle[None] * np.ones_like(height), height * np.ones_like(x)], 2)
        parts.append(
            MeshPart(
                f"teeth {name}",
                vertices.reshape(-1, 3),
                grid_triangles(5, 25),
                uv.reshape(-1, 2),
                density=0.8,
                two_sided=True,
            )
        )
    return parts
