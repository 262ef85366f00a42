"""A splat face fitted to one photograph.

A detector's 3-D landmarks give the mesh, the photograph the colours. The rendering is linear in the colours,
so fitting them is a least-squares problem with the blend weights as matrix. Opacity and width are one number
each, chosen by their effect on the rendering. Hair, ears and background are a sheet behind the face that
bends with it.
"""

from dataclasses import dataclass

import numpy as np

from data_prep.landmarks import FaceMesh
from flow.splatting.background import Background
from flow.splatting.camera import Camera
from flow.splatting.gaussians import Gaussians, MeshPart, cover_parts, project_gaussians
from flow.splatting.head import FaceState, Head
from flow.splatting.identity import SplatFace
from flow.splatting.lighting import Light
from flow.splatting.mesh import grid_triangles
from flow.splatting.noise import sample_picture
from flow.splatting.paint import HeadColours, paint_gaussians
from flow.splatting.rasterize import BlendWeights, blend_weights
from flow.splatting.scenes import Scene
from flow.splatting.skin import Complexion
from flow.splatting.template import IRIS, OVAL, template
from mer_core.errors import NothingToScore

INTEROCULAR_CM = 6.3  # assumed distance between the irises
CAMERA_DISTANCE_CM = 100.0  # assumed distance of the camera
N_COLOUR_STEPS = 40  # iterations of the colour fit
CANDIDATE_WIDTHS = (0.75, 0.8, 0.85, 0.9, 1.0)  # of the Gaussians, relative to the usual width
CANDIDATE_OPACITIES = (0.9, 0.95, 0.98)  # of the Gaussians, each with the narrowest width that covers


@dataclass
class PortraitScene:
    """A scene made from a photograph.

    Attributes
    ----------
    psnr : float
        Over the face, of the rendering at rest against the photograph, dB.
    width, opacity : float
        Of the Gaussians, a fraction of the usual width and 0..1.
    """

    scene: Scene
    psnr: float
    width: float
    opacity: float


def fit_portrait(image: np.ndarray, gaussians: int = 40_000) -> PortraitScene:
    """Build a scene from a photograph (H, W, 3) uint8 RGB; its camera has the photograph's size.

    Raises
    ------
    NothingToScore
        If no face is found.
    """
    height, width = image.shape[:2]
    points = _detect_landmarks(image)
    per_px = INTEROCULAR_CM / float(np.linalg.norm(points[IRIS["right"]] - points[IRIS["left"]]))
    centre = (points[IRIS["right"], :2] + points[IRIS["left"], :2]) / 2
    camera = Camera(CAMERA_DISTANCE_CM / per_px, tuple(centre), width, height, CAMERA_DISTANCE_CM)
    depth = (points[:, 2] - points[[IRIS["right"], IRIS["left"]], 2].mean()) * per_px
    seen = np.column_stack(
        [(points[:, :2] - centre) * per_px * (1 + depth / CAMERA_DISTANCE_CM)[:, None], depth]
    )
    turn = _head_rotation(seen)

    surround = _surround_sheet(seen, camera)
    head = Head(seen @ turn, turn=turn, surround=surround)
    tried = [
        _fit_opacity(cover_parts(head.parts, gaussians), opacity, head, camera, image)
        for opacity in CANDIDATE_OPACITIES
    ]
    return max(tried, key=lambda made: made.psnr)


def _fit_opacity(
    gaussians: Gaussians, opacity: float, head: Head, camera: Camera, image: np.ndarray
) -> PortraitScene:
    """Fit width and colours of Gaussians of a given opacity."""
    gaussians.opacity = np.full(len(gaussians.opacity), opacity)
    width = _fit_width(gaussians, head, camera)
    scene, psnr = _fit_colours(gaussians, head, camera, image)
    return PortraitScene(scene, psnr, width, opacity)


def _detect_landmarks(image: np.ndarray) -> np.ndarray:
    """Return MediaPipe's 478 landmarks with depth, (478, 3) px."""
    with FaceMesh() as mesh:
        points = mesh.landmarks_3d(image)
    if points is None:
        raise NothingToScore("No face was found in the portrait. Choose a picture of one frontal face.")
    return points - [0.5, 0.5, 0]


def _head_rotation(seen: np.ndarray) -> np.ndarray:
    """Return the least-squares rotation (3, 3) from the mean face to the detected landmarks (478, 3)."""
    mean = template().mean[:468]
    u, _, vt = np.linalg.svd((mean - mean.mean(0)).T @ (seen[:468] - seen[:468].mean(0)))
    sign = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    return (u @ sign @ vt).T


def _surround_sheet(seen: np.ndarray, camera: Camera, step: float = 0.9) -> MeshPart:
    """Return a sheet through the edge of the face: it follows the head nearby and is still far away."""
    edge = seen[OVAL]
    per_cm = camera.focal / camera.distance
    low = (np.array([0, 0]) - camera.centre) / per_cm - 3
    high = (np.array([camera.width, camera.height]) - camera.centre) / per_cm + 3
    x, y = np.meshgrid(np.arange(low[0], high[0] + step, step), np.arange(low[1], high[1] + step, step))
    flat = np.stack([x, y], 2).reshape(-1, 2)
    square = ((flat[:, None] - edge[None, :, :2]) ** 2).sum(2)
    fraction = np.exp(-(square - square.min(1, keepdims=True)) / 4.0)
    edge_depth = fraction @ edge[:, 2] / fraction.sum(1)
    middle = edge[:, :2].mean(0)
    radius = np.linalg.norm(edge[:, :2] - middle, axis=1).mean()
    out = np.where(np.linalg.norm(flat - middle, axis=1) > radius, np.sqrt(square.min(1)), 0.0)
    depth = edge_depth + 0.6 + 5.0 * (1 - np.exp(-out / 5.0))
    near = np.clip(1 - np.maximum(out - 3.0, 0) / 9.0, 0, 1)
    # Vertices lie on the rays of the plain grid, so that the sheet shows the photograph unbent.
    vertices = np.column_stack([flat * (1 + depth / camera.distance)[:, None], depth])
    return MeshPart(
        "surround",
        vertices,
        grid_triangles(len(x), len(x[0])),
        flat,
        density=0.35,
        two_sided=True,
        follow=near * near * (3 - 2 * near),
    )


def _fit_width(gaussians: Gaussians, head: Head, camera: Camera) -> float:
    """Narrow the Gaussians (in place) as far as they cover the picture; return the fraction of width."""
    usual = gaussians.sigma
    vertices = head.vertices(FaceState())
    for width in CANDIDATE_WIDTHS:
        gaussians.sigma = usual * width
        if (
            blend_weights(
                project_gaussians(gaussians, vertices, camera), camera.width, camera.height
            ).opacity.min()
            > 0.99
        ):
            break
    return width


def _fit_colours(gaussians: Gaussians, head: Head, camera: Camera, image: np.ndarray) -> tuple[Scene, float]:
    """Fit the colours to the photograph by Landweber iterations; return the scene and its PSNR, dB."""
    surface = paint_gaussians(gaussians, Complexion(), HeadColours(), np.random.default_rng(0))
    face = SplatFace(head, gaussians, surface, lit=False)
    scene = Scene(
        face, camera, Light(), Background(camera.width, camera.height, np.random.default_rng(0), "white")
    )

    view = scene.view(FaceState())
    target = image.astype(np.float32) / 255
    assert isinstance(view.weights, BlendWeights)  # a portrait is fitted on the CPU
    weights = view.weights.matrix
    mass = np.asarray(weights.sum(0)).ravel()
    is_shown = mass > 0.05
    start = sample_picture(target, *view.splats.mean.T)
    surface.albedo[is_shown] = start[is_shown]
    _colour_hidden(face, is_shown, start)
    wanted = (target - (1 - view.weights.opacity[..., None]) * view.picture[:1, :1]).reshape(-1, 3)
    colours = surface.albedo.astype(np.float32)
    for _ in range(N_COLOUR_STEPS):
        residual = wanted - weights @ colours
        colours[is_shown] = np.clip(
            colours + 1.2 * (weights.T @ residual) / np.maximum(mass, 0.05)[:, None], 0, 1
        )[is_shown]
    surface.albedo = colours

    again = scene.view(FaceState())
    mask = scene.masks(again.weights)[1]
    error = np.square(again.picture[mask] - target[mask]).mean()
    return scene, float(-10 * np.log10(error))


def _colour_hidden(face: SplatFace, is_shown: np.ndarray, colours: np.ndarray) -> None:
    """Match the painted colours of hidden parts (teeth, mouth) to the photograph's brightness."""
    skin = face.gaussians.of("skin")
    level = np.median(colours[skin & is_shown], axis=0) / np.array(Complexion().tone)
    beyond = ~is_shown & face.gaussians.of("surround")  # outside the frame the picture goes on, mirrored
    face.surface.albedo[beyond] = colours[beyond]
    hidden = ~is_shown & ~skin & ~beyond
    face.surface.albedo[hidden] *= np.clip(0.9 * level, 0.3, 1.2)
    missing = np.flatnonzero(~is_shown & skin)
    if len(missing):  # skin turned away takes the colour of the nearest visible skin
        from scipy.spatial import cKDTree

        visible_skin = np.flatnonzero(is_shown & skin)
        nearest = cKDTree(face.gaussians.uv[visible_skin]).query(face.gaussians.uv[missing])[1]
        face.surface.albedo[missing] = colours[visible_skin[nearest]]
