"""Parts around the face: scalp, ears, neck, clothes, hair and glasses, fitted to the resting landmarks."""

from dataclasses import dataclass

import numpy as np

from flow.splatting.gaussians import MeshPart
from flow.splatting.mesh import grid_triangles
from flow.splatting.noise import smooth_curve
from flow.splatting.template import OVAL

# Ellipsoid in cm, fitted by eye to the mean face.
SKULL_CENTRE, SKULL_RADII = np.array([0.0, -1.6, 7.0]), np.array([7.3, 9.6, 10.0])
N_SHELL_ROWS, N_SHELL_COLUMNS = 14, 108


@dataclass(frozen=True)
class HeadStyle:
    """Shapes of everything but the skin.

    Attributes
    ----------
    hair : float
        Length below the ears, cm (0 short, negative none).
    lift : float
        Volume of the hair, cm.
    ears : float
        Size, 1 is usual.
    neck : float
        Half width, cm.
    glasses : float
        Half height of a lens, cm (0 none).
    glasses_round : float
        0 square to 1 round.
    """

    hair: float = 0.0
    lift: float = 1.0
    ears: float = 1.0
    neck: float = 5.4
    glasses: float = 0.0
    glasses_round: float = 0.5


def build_surroundings(rest: np.ndarray, looks: HeadStyle) -> list[MeshPart]:
    """Build all parts around a face with landmarks `rest` (468, 3) cm."""
    return [
        _shell(rest),
        *_ears(rest, looks),
        _neck(looks),
        _clothes(),
        *_hair(rest, looks),
        *_glasses(rest, looks),
    ]


def _skull_angles(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the polar angle (from straight ahead) and azimuth of points about the skull's centre."""
    x, y, z = (points - SKULL_CENTRE).T
    return np.arctan2(np.hypot(x, y), -z), np.arctan2(y, x)


def _skull_points(polar: np.ndarray, around: np.ndarray, lift: float | np.ndarray = 0.0) -> np.ndarray:
    """Return points of the skull's ellipsoid, `lift` cm above it."""
    direction = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), -np.cos(polar)], -1)
    return SKULL_CENTRE + direction * (SKULL_RADII + np.asarray(lift)[..., None])


def _oval_curve(edge: np.ndarray) -> np.ndarray:
    """Return the face's oval (36, 3) as a smooth closed line of `N_SHELL_COLUMNS` points."""
    return smooth_curve(np.concatenate([edge[-2:], edge, edge[:3]]), (len(edge) + 4) * 3 + 1)[
        6 : 6 + N_SHELL_COLUMNS
    ]


def _shell_points(rest: np.ndarray, lift: float, inset: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows of a shell from the face's oval (inset by `inset` rad) to the back of the head."""
    edge = _oval_curve(rest[OVAL])
    polar, around = _skull_angles(edge)
    t = np.linspace(0, 1, N_SHELL_ROWS)[:, None] ** 1.3
    rows = polar - inset + t * (1.9 - polar + inset)
    fade = np.clip(1 - (rows - polar) / 0.9, 0, 1) ** 2
    start = edge - _skull_points(polar, around)
    rise = lift * np.clip((rows - polar + inset) / 0.35, 0, 1) ** 0.5
    points = _skull_points(rows, around[None] * np.ones_like(rows), rise) + fade[..., None] * start
    return points, rows, around[None] * np.ones_like(rows)


def _shell(rest: np.ndarray) -> MeshPart:
    """Return scalp, temples and the underside of the jaw: from the edge of the face around the skull."""
    points, polar, around = _shell_points(rest, 0.0, 0.0)
    uv = 8.5 * polar[..., None] * np.stack([np.cos(around), np.sin(around)], 2)
    return MeshPart(
        "scalp",
        points.reshape(-1, 3),
        grid_triangles(N_SHELL_ROWS, N_SHELL_COLUMNS, wrap=True)[:, ::-1],
        uv.reshape(-1, 2),
        density=0.15,
    )


def shell_motion(rest: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Return the motion (rows * columns, 3) of a shell that follows the landmarks, fading with the rows."""
    motion = _oval_curve(moved[OVAL]) - _oval_curve(rest[OVAL])
    fade = np.clip(1 - np.arange(N_SHELL_ROWS) / 5, 0, 1) ** 2
    return (fade[:, None, None] * motion[None]).reshape(-1, 3)


def _ears(rest: np.ndarray, looks: HeadStyle) -> list[MeshPart]:
    """Return two ears: shallow shells that stand off the head beside the jaw joint."""
    radius = np.linspace(0, 1, 6)[:, None]
    around = np.linspace(0, 2 * np.pi, 24, endpoint=False)[None]
    across, down = radius * np.cos(around), radius * np.sin(around) * np.ones_like(radius)
    bowl = 0.35 * np.cos(radius * 4.2) * np.ones_like(around)  # concha in the middle, helix at the rim
    parts = []
    for side, edge, sign in (("right", 234, -1), ("left", 454, 1)):
        width, height = 1.35 * looks.ears, (3.1 - 0.5 * (down > 0) * across) * looks.ears
        tilt = np.radians(26)
        x = sign * (0.35 + (across + 1) * width * np.sin(tilt) + bowl * np.cos(tilt))
        z = 1.2 + (across + 1) * width * np.cos(tilt) - bowl * np.sin(tilt)
        y = -0.3 + down * height + 0.35 * across
        vertices = np.stack([x, y, z], 2).reshape(-1, 3) + rest[edge]
        uv = np.stack([sign * across * width, down * height], 2).reshape(-1, 2)
        parts.append(
            MeshPart(
                f"ear {side}", vertices, grid_triangles(6, 24, wrap=True), uv, density=1.6, two_sided=True
            )
        )
    return parts


def _neck(looks: HeadStyle) -> MeshPart:
    """Return a column that follows the head at the top and the body at the bottom."""
    height = np.linspace(5.0, 24.0, 16)[:, None]
    around = np.radians(np.linspace(-110, 110, 33))[None]
    flare = (
        looks.neck
        + 0.5 * np.clip((9.0 - height) / 4.0, 0, 1)
        + 9.0 * np.clip((height - 12.5) / 9.0, 0, 1) ** 2
    )
    x = flare * np.sin(around)
    z = 7.6 - (looks.neck * 0.95 + 0.15 * (height - 9.0)) * np.cos(around)
    points = np.stack([x, height * np.ones_like(x), z], 2).reshape(-1, 3)
    uv = np.stack([looks.neck * around * np.ones_like(height), height * np.ones_like(x)], 2).reshape(-1, 2)
    follow = np.clip((17.0 - points[:, 1]) / 9.0, 0, 1)
    return MeshPart(
        "neck", points, grid_triangles(16, 33), uv, density=0.12, follow=follow * follow * (3 - 2 * follow)
    )


def _clothes() -> MeshPart:
    """Return shoulders under a shirt, which do not follow the head."""
    across = np.linspace(-1, 1, 61)[None]
    down = np.linspace(0, 1, 12)[:, None]
    x = 20.0 * across * np.ones_like(down)
    neckline = 13.2 + 2.6 * np.sqrt(np.clip(1 - (across / 0.33) ** 2, 0, 1)) + 4.5 * across**2
    y = neckline + 13.0 * down
    z = 7.0 - 6.5 * np.sqrt(np.clip(1 - 0.9 * across**2, 0, 1)) * (0.55 + 0.45 * np.sqrt(down))
    points = np.stack([x, y, z], 2).reshape(-1, 3)
    uv = np.stack([x, y * np.ones_like(x)], 2).reshape(-1, 2)
    return MeshPart("clothes", points, grid_triangles(12, 61), uv, density=0.1, two_sided=True, follow=0.0)


def _hair(rest: np.ndarray, looks: HeadStyle) -> list[MeshPart]:
    """Return a cap of hair over the skull and, if long, a curtain at the sides and back."""
    if looks.hair < 0:
        return []
    points, polar, around = _shell_points(rest, looks.lift, 0.04)
    uv = 8.5 * polar[..., None] * np.stack([np.cos(around), np.sin(around)], 2)
    parts = [
        MeshPart(
            "hair",
            points.reshape(-1, 3),
            grid_triangles(N_SHELL_ROWS, N_SHELL_COLUMNS, wrap=True)[:, ::-1],
            uv.reshape(-1, 2),
            density=0.3,
        )
    ]
    if looks.hair > 0:
        angle = np.radians(np.linspace(62, 298, 48))[None]
        down = np.linspace(-4.0, 6.0 + looks.hair, 14)[:, None]
        wide = 7.9 + 0.5 * looks.lift + 0.06 * down
        x = wide * np.sin(angle)
        z = 7.6 - 7.2 * np.cos(angle) * np.ones_like(down)
        sheet = np.stack([x, down * np.ones_like(x), z], 2).reshape(-1, 3)
        uv = np.stack([wide * angle, down * np.ones_like(x)], 2).reshape(-1, 2)
        follow = np.clip((20.0 - sheet[:, 1]) / 14.0, 0.2, 1)
        parts.append(
            MeshPart(
                "long hair", sheet, grid_triangles(14, 48), uv, density=0.15, two_sided=True, follow=follow
            )
        )
    return parts


def _glasses(rest: np.ndarray, looks: HeadStyle) -> list[MeshPart]:
    """Build spectacles from flat bands: two rims, a bridge and temples."""
    if looks.glasses <= 0:
        return []
    rims = []
    front = rest[168, 2] - 0.55
    for sign in (-1, 1):
        centre = np.array([sign * 3.35, 0.35, front + 0.75])
        around = np.linspace(0, 2 * np.pi, 49)[:-1]
        power = 1.0 + 1.6 * (1 - looks.glasses_round)  # a superellipse from round to square
        shape = np.stack(
            [
                np.sign(np.cos(around)) * np.abs(np.cos(around)) ** (1 / power),
                np.sign(np.sin(around)) * np.abs(np.sin(around)) ** (1 / power),
            ],
            1,
        )
        rim = centre + np.stack(
            [
                shape[:, 0] * looks.glasses * 1.12,
                shape[:, 1] * looks.glasses,
                0.12 * (shape[:, 0] * sign) ** 2 + 0.25 * shape[:, 0] * sign,
            ],
            1,
        )
        rims.append(_band(f"glasses {'right' if sign < 0 else 'left'}", rim, 0.26, centre))
        hinge = rim[0 if sign > 0 else 24] + [0, -0.35, 0]
        ear = rest[454 if sign > 0 else 234] + [sign * 0.6, -1.6, 1.0]
        rims.append(
            _band(f"temple {'right' if sign < 0 else 'left'}", np.linspace(hinge, ear, 10), 0.3, None)
        )
    bridge = np.stack(
        [
            np.linspace(-1, 1, 9) * (3.35 - looks.glasses * 1.1),
            0.1 - 0.3 * np.cos(np.linspace(-1, 1, 9) * 1.5),
            front + 0.5 + 0 * np.linspace(0, 1, 9),
        ],
        1,
    )
    return rims + [_band("bridge", bridge, 0.28, None)]


def _band(name: str, line: np.ndarray, width: float, centre: np.ndarray | None) -> MeshPart:
    """Return a flat band of `width` cm along `line` (N, 3): closed and radial about `centre`, or upright."""
    if centre is not None:
        out = line - centre
        out = out / np.linalg.norm(out, axis=1, keepdims=True)
    else:
        out = np.tile([0.0, 1.0, 0.0], (len(line), 1))
    rows = np.stack([line - out * width / 2, line + out * width / 2])
    step = np.linalg.norm(np.diff(line, axis=0), axis=1)
    along = np.concatenate([[0], np.cumsum(step)])
    if centre is not None:  # one more column closes the ring
        rows, along = (
            np.concatenate([rows, rows[:, :1]], 1),
            np.concatenate([along, [along[-1] + step.mean()]]),
        )
    uv = np.stack([np.stack([along, 0 * along], 1), np.stack([along, 0 * along + width], 1)])
    return MeshPart(
        name,
        rows.reshape(-1, 3),
        grid_triangles(2, len(along)),
        uv.reshape(-1, 2),
        density=2.0,
        two_sided=True,
    )
