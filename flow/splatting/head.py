"""What surrounds the face: eyeballs, lids' backing, mouth and teeth, scalp, ears, neck, hair, clothes, glasses.

A `Head` is built once from an identity's landmarks; `vertices` then gives every mesh of it for any state of the face.
"""

from dataclasses import dataclass, field

import numpy as np

from flow.splatting import muscles
from flow.splatting.camera import Pose
from flow.splatting.gaussians import Part
from flow.splatting.mesh import grid
from flow.splatting.noise import curve
from flow.splatting.template import EYE, IRIS, MOUTH, OVAL, template

EYE_RADIUS = 1.2  # cm, an adult eyeball
SKULL_CENTRE, SKULL_RADII = np.array([0.0, -1.6, 7.0]), np.array([7.3, 9.6, 10.0])  # cm, fitted by eye to the mean face


@dataclass(frozen=True)
class Looks:
    """The shape of what is not skin. hair : length in cm below the ears (0: short, negative: none); lift : cm of volume."""

    hair: float = 0.0
    lift: float = 1.0
    ears: float = 1.0
    neck: float = 5.4
    glasses: float = 0.0  # 0: none, else the half-height of a lens, cm
    glasses_round: float = 0.5


@dataclass(frozen=True)
class State:
    """What a face does at one moment.

    actions : AU name ("12", or one side "12L") -> intensity, 1 = as strong as an adult can
    gaze : degrees right and down in the picture; pose : of the head
    """

    actions: dict[str, float] = field(default_factory=dict)
    gaze: tuple[float, float] = (0.0, 0.0)
    pose: Pose = Pose()


class Head:
    """All meshes of one identity.

    landmarks : (478, 3) cm at rest, facing the viewer; turn : (3, 3) the pose in which it was seen, if any
    surround : a sheet that stands for all that is not the face (portraits), else None and a whole head is built
    `parts` are at rest; `vertices(state)` stacks theirs in the same order.
    """

    def __init__(self, landmarks: np.ndarray, looks: Looks = Looks(), turn: np.ndarray | None = None,
                 surround: Part | None = None) -> None:
        self.turn = np.eye(3) if turn is None else turn
        self.looks = looks
        mesh = template()
        self.eyes = {side: _eyeball_centre(landmarks, side) for side in ("right", "left")}
        self.landmarks = landmarks.copy()
        self.landmarks[:468] = _outside_eyes(landmarks[:468], self.eyes)
        self.rest = self.landmarks[:468]
        self.middle = (self.rest[13] + self.rest[14]) / 2
        skin = Part("skin", mesh.surface @ self.rest, mesh.fine_triangles, mesh.uv, fine=_fine_triangles())
        self.parts = [skin]
        self.parts += [_eyeball(side, centre) for side, centre in self.eyes.items()]
        self.parts += [_socket(self.rest, side) for side in ("right", "left")]
        self.parts += [_mouth(self.rest), *_teeth(self.middle)]
        if surround is not None:
            self.parts.append(surround)
        else:
            self.parts += [_shell(self.rest), *_ears(self.rest, looks), _neck(looks), _clothes()]
            self.parts += _hair(self.rest, looks) + _glasses(self.rest, looks)

    def vertices(self, state: State) -> np.ndarray:
        """Vertices (V, 3) cm of all parts in `state`, posed."""
        moved = muscles.move(self.rest, state.actions)
        moved = _outside_eyes(moved, self.eyes)
        jaw = muscles.jaw_motion(self.rest, state.actions)
        stacked = []
        for part in self.parts:
            points = part.vertices
            if part.name == "skin":
                points = template().surface @ moved
                points = _outside_eyes(points, self.eyes)
            elif part.name == "surround":
                points = points @ self.turn + self._drag(points @ self.turn, moved)
            elif part.name in ("scalp", "hair"):
                points = points + _shell_follow(_ring(moved[OVAL]) - _ring(self.rest[OVAL]))
            elif part.name.startswith("eye "):
                points = _look(points, self.eyes[part.name[4:]], state.gaze)
            elif part.name.startswith("socket"):
                points = _socket(moved, part.name[7:]).vertices
            elif part.name == "mouth":
                points = _mouth(moved).vertices
            elif part.name == "teeth lower":
                points = jaw(points)
            stacked.append(state.pose.move(points @ self.turn.T, part.follow))
        return np.concatenate(stacked)

    def _drag(self, points: np.ndarray, moved: np.ndarray) -> np.ndarray:
        """How the face's edge drags what is around it: the motion of the nearest edge points, fading over 3 cm."""
        edge = self.rest[OVAL]
        square = ((points[:, None, :2] - edge[None, :, :2]) ** 2).sum(2)
        share = np.exp(-(square - square.min(1, keepdims=True)) / 1.0)
        share *= np.exp(-0.5 * square.min(1, keepdims=True) / 3.0**2) / share.sum(1, keepdims=True)
        return share @ (moved[OVAL] - edge)


def _fine_triangles() -> np.ndarray:
    """Triangles near the eyes, brows and lips, where small shapes matter."""
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
    """Centre of the eyeball: behind the middle of the lids, so that the cornea lies just inside them."""
    ring = EYE if side == "right" else template().left_of(EYE)
    lids = landmarks[ring]
    centre = lids[[0, 8]].mean(0) * 0.5 + lids.mean(0) * 0.5
    front = np.median(lids[[3, 4, 5, 11, 12, 13], 2]) + 0.05
    return np.array([centre[0], lids[[4, 12], 1].mean(), front + EYE_RADIUS])


def _outside_eyes(points: np.ndarray, eyes: dict[str, np.ndarray], thickness: float = 0.10) -> np.ndarray:
    """Push lids (points (N, 3)) that lie inside an eyeball out to its surface, softly, along the ray from its centre."""
    points = points.copy()
    for centre in eyes.values():
        away = points - centre
        distance = np.linalg.norm(away, axis=1)
        near = (distance < EYE_RADIUS + 0.4) & (away[:, 2] < 0.3)
        gap = distance[near] - (EYE_RADIUS + thickness)
        soft = 0.03  # cm: within this of contact the push fades in, so that motion stays smooth
        kept = 0.5 * (gap + np.sqrt(gap**2 + soft**2))
        points[near] = centre + away[near] * ((EYE_RADIUS + thickness + np.minimum(np.maximum(gap, kept), 0.4)) / distance[near])[:, None]
    return points


def _eyeball(side: str, centre: np.ndarray) -> Part:
    """The front of a sphere with a slightly raised cornea, painted by angle from the pupil."""
    polar = np.radians(np.linspace(0, 85, 14))[:, None]
    around = np.linspace(0, 2 * np.pi, 28, endpoint=False)[None]
    raised = EYE_RADIUS + 0.04 * np.clip(1 - (polar / np.radians(30)) ** 2, 0, 1) * np.ones_like(around)
    vertices = np.stack([raised * np.sin(polar) * np.cos(around), raised * np.sin(polar) * np.sin(around),
                         -raised * np.cos(polar) * np.ones_like(around)], 2)
    uv = EYE_RADIUS * polar[..., None] * np.stack([np.cos(around), np.sin(around)], 2)
    return Part(f"eye {side}", vertices.reshape(-1, 3) + centre, grid(14, 28, wrap=True)[:, ::-1], uv.reshape(-1, 2), density=4.0)


def _look(points: np.ndarray, centre: np.ndarray, gaze: tuple[float, float]) -> np.ndarray:
    """Turn an eyeball's points about its centre by gaze (right, down) in degrees."""
    return (points - centre) @ Pose(yaw=gaze[0], pitch=gaze[1]).rotation().T + centre


def _socket(moved: np.ndarray, side: str) -> Part:
    """The wet rim behind the lids: a strip from the lid's edge backwards, which fills the corners of the eye."""
    ring = EYE if side == "right" else template().left_of(EYE)[::-1]
    edge = moved[ring]
    middle = edge.mean(0)
    rows = np.stack([edge + [0, 0, 0.03], middle + (edge - middle) * 0.92 + [0, 0, 0.35],
                     middle + (edge - middle) * 0.6 + [0, 0, 0.9]])
    angle = np.arange(16) / 16 * 2 * np.pi
    uv = np.array([1.4, 1.0, 0.5])[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return Part(f"socket {side}", rows.reshape(-1, 3), grid(3, 16, wrap=True), uv.reshape(-1, 2), two_sided=True)


def _mouth(moved: np.ndarray) -> Part:
    """The mouth's interior: a sack that hangs from the inner rim of the lips."""
    ring = moved[MOUTH]
    middle = ring.mean(0)
    rows = [ring + [0, 0, 0.06]]
    for narrow, flat, back in ((0.95, 0.95, 0.7), (0.8, 0.9, 1.8), (0.3, 0.3, 2.6), (0.0, 0.0, 2.7)):
        rows.append(middle + (ring - middle) * [narrow, flat, 0.5] + [0, 0, back])
    angle = np.arange(20) / 20 * 2 * np.pi
    uv = np.array([3.2, 2.5, 1.6, 0.6, 0.0])[:, None, None] * np.stack([np.cos(angle), 0.6 * np.sin(angle)], 1)
    return Part("mouth", np.stack(rows).reshape(-1, 3), grid(5, 20, wrap=True), uv.reshape(-1, 2), density=0.6, two_sided=True)


def _teeth(middle: np.ndarray) -> list[Part]:
    """Two arches of teeth behind the lips."""
    angle = np.radians(np.linspace(-62, 62, 25))
    parts = []
    for name, top, bottom, back in (("upper", -0.85, 0.22, 0.55), ("lower", 0.16, 0.95, 0.72)):
        height = np.linspace(top, bottom, 5)[:, None]
        x = 2.5 * np.sin(angle)[None] * np.ones_like(height)
        z = middle[2] + back + 2.5 * (1 - np.cos(angle))[None] + 0.25 * ((height - top) / (bottom - top) - 0.5) ** 2
        vertices = np.stack([x + middle[0], middle[1] + height * np.ones_like(x), z], 2)
        uv = np.stack([2.5 * angle[None] * np.ones_like(height), height * np.ones_like(x)], 2)
        parts.append(Part(f"teeth {name}", vertices.reshape(-1, 3), grid(5, 25), uv.reshape(-1, 2), density=0.8, two_sided=True))
    return parts


def _polar(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Direction of points from the skull's centre: angle from straight ahead, and angle around it (0 = picture right)."""
    x, y, z = (points - SKULL_CENTRE).T
    return np.arctan2(np.hypot(x, y), -z), np.arctan2(y, x)


def _skull(polar: np.ndarray, around: np.ndarray, lift: float | np.ndarray = 0.0) -> np.ndarray:
    """Points of the skull's ellipsoid, `lift` cm above it."""
    direction = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), -np.cos(polar)], -1)
    return SKULL_CENTRE + direction * (SKULL_RADII + np.asarray(lift)[..., None])


SHELL_ROWS, SHELL_COLUMNS = 14, 108


def _ring(edge: np.ndarray) -> np.ndarray:
    """The face's oval (36, 3) as a smooth closed line of `SHELL_COLUMNS` points (Catmull-Rom)."""
    return curve(np.concatenate([edge[-2:], edge, edge[:3]]), (len(edge) + 4) * 3 + 1)[6 : 6 + SHELL_COLUMNS]


def _shell_points(rest: np.ndarray, lift: float, inset: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of a shell from the face's oval (moved inwards by `inset` radians) to the back of the head."""
    edge = _ring(rest[OVAL])
    polar, around = _polar(edge)
    t = np.linspace(0, 1, SHELL_ROWS)[:, None] ** 1.3
    rows = polar - inset + t * (1.9 - polar + inset)
    fade = np.clip(1 - (rows - polar) / 0.9, 0, 1) ** 2
    start = edge - _skull(polar, around)
    rise = lift * np.clip((rows - polar + inset) / 0.35, 0, 1) ** 0.5
    points = _skull(rows, around[None] * np.ones_like(rows), rise) + fade[..., None] * start
    return points, rows, around[None] * np.ones_like(rows)


def _shell(rest: np.ndarray) -> Part:
    """Scalp, temples and the underside of the jaw: from the edge of the face back round the skull."""
    points, polar, around = _shell_points(rest, 0.0, 0.0)
    uv = 8.5 * polar[..., None] * np.stack([np.cos(around), np.sin(around)], 2)
    return Part("scalp", points.reshape(-1, 3), grid(SHELL_ROWS, SHELL_COLUMNS, wrap=True)[:, ::-1],
                uv.reshape(-1, 2), density=0.15)


def _shell_follow(motion: np.ndarray) -> np.ndarray:
    """How the shell's points follow the motion (columns, 3) of its edge: less and less over the first rows."""
    fade = np.clip(1 - np.arange(SHELL_ROWS) / 5, 0, 1) ** 2
    return (fade[:, None, None] * motion[None]).reshape(-1, 3)


def _ears(rest: np.ndarray, looks: Looks) -> list[Part]:
    """Two ears: shallow shells that stand off the head beside the jaw joint."""
    radius = np.linspace(0, 1, 6)[:, None]
    around = np.linspace(0, 2 * np.pi, 24, endpoint=False)[None]
    across, down = radius * np.cos(around), radius * np.sin(around) * np.ones_like(radius)
    bowl = 0.35 * np.cos(radius * 4.2) * np.ones_like(around)  # concha in the middle, helix at the rim
    parts = []
    for side, edge, sign in (("right", 234, -1), ("left", 454, 1)):
        width, height = 1.35 * looks.ears, (3.1 - 0.5 * (down > 0) * across) * looks.ears
        tilt = np.radians(38)
        x = sign * (0.35 + (across + 1) * width * np.sin(tilt) + bowl * np.cos(tilt))
        z = 1.2 + (across + 1) * width * np.cos(tilt) - bowl * np.sin(tilt)
        y = -0.3 + down * height + 0.35 * across
        vertices = np.stack([x, y, z], 2).reshape(-1, 3) + rest[edge]
        uv = np.stack([sign * across * width, down * height], 2).reshape(-1, 2)
        parts.append(Part(f"ear {side}", vertices, grid(6, 24, wrap=True), uv, density=1.6, two_sided=True))
    return parts


def _neck(looks: Looks) -> Part:
    """A column below the head that follows it at the top and stays with the body at the bottom."""
    height = np.linspace(5.0, 24.0, 16)[:, None]
    around = np.radians(np.linspace(-110, 110, 33))[None]
    flare = looks.neck + 0.5 * np.clip((9.0 - height) / 4.0, 0, 1) + 9.0 * np.clip((height - 12.5) / 9.0, 0, 1) ** 2
    x = flare * np.sin(around)
    z = 7.6 - (looks.neck * 0.95 + 0.15 * (height - 9.0)) * np.cos(around)
    points = np.stack([x, height * np.ones_like(x), z], 2).reshape(-1, 3)
    uv = np.stack([looks.neck * around * np.ones_like(height), height * np.ones_like(x)], 2).reshape(-1, 2)
    follow = np.clip((17.0 - points[:, 1]) / 9.0, 0, 1)
    return Part("neck", points, grid(16, 33), uv, density=0.12, follow=follow * follow * (3 - 2 * follow))


def _clothes() -> Part:
    """Shoulders under a shirt; they belong to the body and stay when the head moves."""
    across = np.linspace(-1, 1, 61)[None]
    down = np.linspace(0, 1, 12)[:, None]
    x = 20.0 * across * np.ones_like(down)
    neckline = 13.2 + 2.6 * np.sqrt(np.clip(1 - (across / 0.33) ** 2, 0, 1)) + 4.5 * across**2
    y = neckline + 13.0 * down
    z = 7.0 - 6.5 * np.sqrt(np.clip(1 - 0.9 * across**2, 0, 1)) * (0.55 + 0.45 * np.sqrt(down))
    points = np.stack([x, y, z], 2).reshape(-1, 3)
    uv = np.stack([x, y * np.ones_like(x)], 2).reshape(-1, 2)
    return Part("clothes", points, grid(12, 61), uv, density=0.1, two_sided=True, follow=0.0)


def _hair(rest: np.ndarray, looks: Looks) -> list[Part]:
    """A cap of hair over the skull and, if long, a curtain down the sides and back."""
    if looks.hair < 0:
        return []
    points, polar, around = _shell_points(rest, looks.lift, 0.04)
    uv = 8.5 * polar[..., None] * np.stack([np.cos(around), np.sin(around)], 2)
    parts = [Part("hair", points.reshape(-1, 3), grid(SHELL_ROWS, SHELL_COLUMNS, wrap=True)[:, ::-1], uv.reshape(-1, 2),
                  density=0.3)]
    if looks.hair > 0:
        angle = np.radians(np.linspace(62, 298, 48))[None]
        down = np.linspace(-4.0, 6.0 + looks.hair, 14)[:, None]
        wide = 7.9 + 0.5 * looks.lift + 0.06 * down
        x = wide * np.sin(angle)
        z = 7.6 - 7.2 * np.cos(angle) * np.ones_like(down)
        sheet = np.stack([x, down * np.ones_like(x), z], 2).reshape(-1, 3)
        uv = np.stack([wide * angle, down * np.ones_like(x)], 2).reshape(-1, 2)
        follow = np.clip((20.0 - sheet[:, 1]) / 14.0, 0.2, 1)
        parts.append(Part("long hair", sheet, grid(14, 48), uv, density=0.15, two_sided=True, follow=follow))
    return parts


def _glasses(rest: np.ndarray, looks: Looks) -> list[Part]:
    """A frame before the eyes: two rims, a bridge and temples to the ears, as flat bands."""
    if looks.glasses <= 0:
        return []
    rims = []
    front = rest[168, 2] - 0.55
    for sign in (-1, 1):
        centre = np.array([sign * 3.35, 0.35, front + 0.75])
        around = np.linspace(0, 2 * np.pi, 49)[:-1]
        power = 1.0 + 1.6 * (1 - looks.glasses_round)  # a superellipse from round to square
        shape = np.stack([np.sign(np.cos(around)) * np.abs(np.cos(around)) ** (1 / power),
                          np.sign(np.sin(around)) * np.abs(np.sin(around)) ** (1 / power)], 1)
        rim = centre + np.stack([shape[:, 0] * looks.glasses * 1.12, shape[:, 1] * looks.glasses,
                                 0.12 * (shape[:, 0] * sign) ** 2 + 0.25 * shape[:, 0] * sign], 1)
        rims.append(_band(f"glasses {'right' if sign < 0 else 'left'}", rim, 0.26, centre))
        hinge = rim[0 if sign > 0 else 24] + [0, -0.35, 0]
        ear = rest[454 if sign > 0 else 234] + [sign * 0.6, -1.6, 1.0]
        rims.append(_band(f"temple {'right' if sign < 0 else 'left'}", np.linspace(hinge, ear, 10), 0.3, None))
    bridge = np.stack([np.linspace(-1, 1, 9) * (3.35 - looks.glasses * 1.1), 0.1 - 0.3 * np.cos(np.linspace(-1, 1, 9) * 1.5),
                       front + 0.5 + 0 * np.linspace(0, 1, 9)], 1)
    return rims + [_band("bridge", bridge, 0.28, None)]


def _band(name: str, line: np.ndarray, width: float, centre: np.ndarray | None) -> Part:
    """A flat band of `width` cm along `line` (N, 3); closed and radial about `centre` if there is one, else upright."""
    if centre is not None:
        out = line - centre
        out = out / np.linalg.norm(out, axis=1, keepdims=True)
    else:
        out = np.tile([0.0, 1.0, 0.0], (len(line), 1))
    rows = np.stack([line - out * width / 2, line + out * width / 2])
    step = np.linalg.norm(np.diff(line, axis=0), axis=1)
    along = np.concatenate([[0], np.cumsum(step)])
    if centre is not None:  # one more column closes the ring
        rows, along = np.concatenate([rows, rows[:, :1]], 1), np.concatenate([along, [along[-1] + step.mean()]])
    uv = np.stack([np.stack([along, 0 * along], 1), np.stack([along, 0 * along + width], 1)])
    return Part(name, rows.reshape(-1, 3), grid(2, len(along)), uv.reshape(-1, 2), density=2.0, two_sided=True)
