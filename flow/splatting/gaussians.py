"""Gaussians bound to the triangles of a mesh: they cover it, follow it and are projected to the screen.

Each Gaussian is a thin disc with a fixed place in a triangle and a fixed width in the surface's coordinates
(uv, cm). As the triangle moves, shears and stretches, so does the disc, and coverage never tears. After
GaussianAvatars (Qian et al., CVPR 2024), with the triangle's full linear map instead of rotation and scale.
"""

from dataclasses import dataclass, field

import numpy as np

from flow.splatting.camera import Camera
from flow.splatting.cell_pairs import cells_in_boxes
from flow.splatting.mesh import vertex_normals

WIDTH_PER_PITCH = 0.7  # standard deviation over lattice pitch: less than 1 % shows through
FINE_PITCH = 0.62  # pitch of the dense lattice (eyes, brows, lips) relative to the rest
OPACITY = 0.98
MAX_LIFT_CM = 0.06  # cm: the most by which neighbours' heights above the surface differ
LOW_PASS_PX2 = 0.2  # px^2 added to every screen covariance, so that the picture is smooth enough to sample


@dataclass
class MeshPart:
    """A piece of the head before it is covered: a named mesh.

    Attributes
    ----------
    vertices : (V, 3) cm at rest
    triangles : (T, 3)
    uv : (V, 2) cm, surface coordinates
    density : float
        Gaussians per area relative to the face.
    two_sided : bool
        Visible from behind.
    follow : (V,) fraction of the head's motion
    fine : (T,) bool, triangles that are covered more densely
    """

    name: str
    vertices: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    density: float = 1.0
    two_sided: bool = False
    follow: np.ndarray | float = 1.0
    fine: np.ndarray | None = None


@dataclass
class Gaussians:
    """All Gaussians of a head, part after part; every array has one row each.

    Attributes
    ----------
    names : list of str
        Of the parts.
    triangle : (G, 3) vertices
    place : (G, 3) barycentric
    lift : (G,) cm along the normal
    unmap : (G, 2, 2) maps triangle sides to d(position)/d(uv)
    uv : (G, 2) cm
    sigma : (G,) cm of uv
    part : (G,) index into `names`
    opacity : (G,)
    colour : (G, 3) sRGB 0..1
    two_sided : (G,) bool
    triangles : (T, 3) of the whole head, for its normals
    """

    names: list[str]
    triangle: np.ndarray
    place: np.ndarray
    lift: np.ndarray
    unmap: np.ndarray
    uv: np.ndarray
    sigma: np.ndarray
    part: np.ndarray
    opacity: np.ndarray
    colour: np.ndarray
    two_sided: np.ndarray
    triangles: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.part)

    def of(self, *names: str) -> np.ndarray:
        """Return the mask (G,) bool of the Gaussians of the named parts."""
        return np.isin(self.part, [self.names.index(n) for n in names if n in self.names])


@dataclass
class Splats:
    """Gaussians on the screen.

    Attributes
    ----------
    mean : (G, 2) px
    sides : (G, 3, 2) cm, one deviation along u and v
    map : (G, 2, 2) px, their image
    conic : (G, 3) inverse covariance (xx, xy, yy)
    radius : (G, 2) px, reach of one standard deviation in x and y
    depth : (G,) cm
    opacity : (G,), 0 for back faces
    normal : (G, 3) unit
    tangent : (G, 3, 2) cm per cm along u and v
    """

    mean: np.ndarray
    sides: np.ndarray
    map: np.ndarray
    conic: np.ndarray
    radius: np.ndarray
    depth: np.ndarray
    opacity: np.ndarray
    normal: np.ndarray
    tangent: np.ndarray


def cover_parts(parts: list[MeshPart], count: int, seed: int = 0) -> Gaussians:
    """Cover `parts` with about `count` Gaussians on hexagonal lattices in uv.

    Neighbours on the lattice have different heights above the surface (a third of the pitch apart), so that
    their depth order, and with it the colour of overlaps, is stable under small head motion.
    """
    area = sum(_weighted_area(p) for p in parts)
    pitch = np.sqrt(area / count * 2 / np.sqrt(3))
    rng = np.random.default_rng(seed)
    rows, first = [], 0
    for number, part in enumerate(parts):
        fine = np.zeros(len(part.triangles), bool) if part.fine is None else part.fine
        for chosen, spacing in ((~fine, pitch), (fine, pitch * FINE_PITCH)):
            if not chosen.any():
                continue
            spacing = spacing / np.sqrt(part.density)
            rows.append(_cover_triangles(part, part.triangles[chosen], spacing, number, first, rng))
        first += len(part.vertices)
    columns = {k: np.concatenate([r[k] for r in rows]) for k in rows[0]}
    offsets = np.cumsum([0] + [len(p.vertices) for p in parts])
    triangles = np.concatenate([p.triangles + o for p, o in zip(parts, offsets)])
    return Gaussians(names=[p.name for p in parts], triangles=triangles, **columns)


def _weighted_area(part: MeshPart) -> float:
    """Return the area of a part that counts for the distribution of Gaussians, cm^2 of uv."""
    a, b, c = (part.uv[part.triangles[:, k]] for k in range(3))
    area = np.abs(_cross_2d(b - a, c - a)) / 2 * part.density
    return area.sum() if part.fine is None else (area * np.where(part.fine, FINE_PITCH**-2, 1)).sum()


def _cross_2d(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the z component of the cross product of (..., 2) vectors."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _cover_triangles(
    part: MeshPart, triangles: np.ndarray, pitch: float, number: int, first: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return the lattice points inside the uv triangles, as columns of `Gaussians`."""
    step = np.array([pitch, pitch * np.sqrt(3) / 2])
    corners = part.uv[triangles] / step  # (T, 3, 2) in lattice cells
    low = np.floor(corners.min(1) - 1).astype(int)
    high = np.ceil(corners.max(1) + 1).astype(int)
    which, column, row = cells_in_boxes(low, high)
    point = np.stack([column + 0.5 * (row % 2), row], 1).astype(float)

    a, b, c = (corners[which, k] for k in range(3))
    whole = _cross_2d(b - a, c - a)
    flat = np.abs(whole) < 1e-9  # at the pole of an eyeball
    place = np.stack(
        [_cross_2d(b - point, c - point), _cross_2d(c - point, a - point), _cross_2d(a - point, b - point)], 1
    )
    place /= np.where(flat, 1, whole)[:, None]
    inside = (place >= -1e-9).all(1) & ~flat
    which, place, column, row = which[inside], place[inside], column[inside], row[inside]
    # A point on a shared side belongs to one triangle.
    _, once = np.unique(np.stack([column, row], 1), axis=0, return_index=True)
    which, place, column, row = which[once], place[once], column[once], row[once]

    uv = np.einsum("gk,gkd->gd", place, part.uv[triangles[which]])
    sides = np.stack(
        [
            part.uv[triangles[which, 1]] - part.uv[triangles[which, 0]],
            part.uv[triangles[which, 2]] - part.uv[triangles[which, 0]],
        ],
        2,
    )
    height = ((column - (row - row % 2) // 2 + 2 * row) % 3 - 1) / 3 + rng.uniform(-0.1, 0.1, len(which))
    full = np.full(len(which), 1.0)
    return dict(
        triangle=triangles[which] + first,
        place=place,
        lift=height * min(pitch, MAX_LIFT_CM),
        unmap=np.linalg.inv(sides),
        uv=uv,
        sigma=full * pitch * WIDTH_PER_PITCH,
        part=np.full(len(which), number),
        opacity=full * OPACITY,
        colour=np.full((len(which), 3), 0.5),
        two_sided=np.full(len(which), part.two_sided),
    )


def project_gaussians(gaussians: Gaussians, vertices: np.ndarray, camera: Camera) -> Splats:
    """Place Gaussians on posed `vertices` (V, 3) cm and project them."""
    normals = vertex_normals(vertices, gaussians.triangles)
    corners = vertices[gaussians.triangle]  # (G, 3, 3)
    normal = np.einsum("gk,gkd->gd", gaussians.place, normals[gaussians.triangle])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    centre = np.einsum("gk,gkd->gd", gaussians.place, corners) + gaussians.lift[:, None] * normal
    sides = np.stack([corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]], 2)
    tangent = sides @ gaussians.unmap

    mean, depth = camera.project(centre)
    disc = tangent * gaussians.sigma[:, None, None]
    mapped = camera.jacobian(centre) @ disc
    xx = (mapped[:, 0] ** 2).sum(1) + LOW_PASS_PX2
    yy = (mapped[:, 1] ** 2).sum(1) + LOW_PASS_PX2
    xy = (mapped[:, 0] * mapped[:, 1]).sum(1)
    determinant = xx * yy - xy**2
    ray = centre + [0.0, 0.0, camera.distance]
    facing = -(normal * ray).sum(1) / np.linalg.norm(ray, axis=1)  # 1 towards the camera, 0 edge on
    seen = np.where(gaussians.two_sided, 1.0, np.clip(facing / 0.12, 0, 1))
    return Splats(
        mean,
        disc,
        mapped,
        np.stack([yy, -xy, xx], 1) / determinant[:, None],
        np.sqrt(np.stack([xx, yy], 1)),
        depth,
        gaussians.opacity * seen,
        normal,
        tangent,
    )
