"""Scenes, and pairs of frames with their exact motion.

    pair = render_pair(seed=7, index=0)   # two frames, the flow between them, masks, depth

Everything depends on (seed, index) only, so any worker on any machine makes the same pair. `actor.Actor` is
one identity on demand.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from flow.sampling import log_uniform
from flow.splatting import gsplat_backend
from flow.splatting.background import Background
from flow.splatting.camera import Camera, HeadPose
from flow.splatting.gaussians import Splats, project_gaussians
from flow.splatting.ground_truth import RenderedView, exact_motion
from flow.splatting.head import FaceState
from flow.splatting.head_model import load_head_model
from flow.splatting.identity import SplatFace, procedural_face, scanned_face
from flow.splatting.lighting import Light
from flow.splatting.muscles import ACTION_UNITS
from flow.splatting.portrait_skin import draw_portrait
from flow.splatting.rasterize import Blend, blend_weights
from flow.splatting.recipes import EMOTIONS, draw_actions
from flow.splatting.sensor import Sensor, random_sensor, record_clip

PAIRS_PER_FACE = 16  # consecutive pairs share an identity: painting one takes as long as several pairs
FACE_PARTS = (
    "skin",
    "eye right",
    "eye left",
    "socket right",
    "socket left",
    "mouth",
    "teeth upper",
    "teeth lower",
)


@dataclass
class RenderedPair:
    """Two frames and their ground truth; all arrays share (H, W)."""

    frame1: np.ndarray  # (H, W, 3) uint8 RGB
    frame2: np.ndarray
    flow: np.ndarray  # (H, W, 2) float32 px from frame1 to frame2, u right, v down
    flow_centres: np.ndarray  # simpler: the motion of the discs' centres (`ground_truth.exact_motion`)
    visible: np.ndarray  # (H, W) bool, in both frames
    valid: np.ndarray  # (H, W) bool: visible, and not a blend of surfaces that move differently
    opacity: np.ndarray  # (H, W) float32 0..1
    depth: np.ndarray  # (H, W) float32 cm, 0 where empty
    depth_next: np.ndarray  # the same of the same points in frame2
    parts: np.ndarray  # (H, W) uint8: 0 background, k the k-th of `names`, the part with the largest weight
    names: list[str]
    face: np.ndarray  # (H, W) bool
    skin: np.ndarray  # (H, W) bool
    camera: Camera
    # Seed, index, states and sensor.
    about: dict = field(default_factory=dict)


@dataclass(frozen=True)
class SceneRanges:
    """Distributions of pairs; a range (low, high) is uniform unless stated otherwise.

    Attributes
    ----------
    motion : (float, float)
        Largest displacement by an expression (log-uniform), px.
    head : (float, float)
        Displacement by the head (log-uniform), px.
    still_head, still_face : float
        Probability of no motion.
    blink, gaze : float
        Probability of a blink or a gaze shift.
    yaw, pitch, roll : (float, float)
        Of the head's pose, degrees.
    face : (float, float)
        Fraction of the frame that a face fills.
    relight : float
        Probability that shading follows the moving surface instead of being painted on.
    sensor : bool
        Random camera faults.
    shake : float
        Deviation of the background's motion, px.
    background : str
        As `look` of `Background`.
    head_model : path or None
        File of a head model of scans, used without held-out expressions; None for procedural heads.
    portraits : path or None
        Folder of portraits that provide skin and proportions; None for painted skin.
    gpu : bool
        Blend with gsplat where available.
    """

    motion: tuple[float, float] = (0.1, 8.0)
    head: tuple[float, float] = (0.05, 6.0)
    still_head: float = 0.35
    still_face: float = 0.05
    blink: float = 0.15
    gaze: float = 0.25
    yaw: tuple[float, float] = (-25.0, 25.0)
    pitch: tuple[float, float] = (-12.0, 12.0)
    roll: tuple[float, float] = (-8.0, 8.0)
    face: tuple[float, float] = (0.55, 1.0)
    relight: float = 0.5
    sensor: bool = True
    shake: float = 0.3
    background: str = "random"
    gaussians: int = 20_000
    head_model: Path | None = None
    portraits: Path | None = None
    gpu: bool = False


class Scene:
    """A face before a background, under a light, in front of a camera."""

    def __init__(
        self, face: SplatFace, camera: Camera, light: Light, background: Background, gpu: bool = False
    ) -> None:
        self.face, self.camera, self.light, self.background = face, camera, light, background
        self.weigh = gsplat_backend.blend_weights if gpu and gsplat_backend.available() else blend_weights

    def view(
        self, state: FaceState, paint: np.ndarray | None = None, shift: tuple[float, float] = (0.0, 0.0)
    ) -> RenderedView:
        """Render one frame; `paint` (G, 3) sRGB keeps the shading of another frame."""
        placed = project_gaussians(self.face.gaussians, self.face.head.vertices(state), self.camera)
        weights = self.weigh(placed, self.camera.width, self.camera.height)
        paint = self.paint(placed) if paint is None else paint
        picture = weights.blend(paint) + (1 - weights.opacity[..., None]) * self.background.render(shift)
        return RenderedView(picture, placed, weights)

    def paint(self, placed: Splats) -> np.ndarray:
        """Return the shaded colours (G, 3) sRGB of projected Gaussians."""
        return self.face.colours(placed.normal, placed.tangent, self.light)

    def pair(
        self,
        first: FaceState,
        second: FaceState,
        relight: bool = False,
        shift: tuple[float, float] = (0.0, 0.0),
        sensor: Sensor = Sensor(),
        rng: np.random.Generator | None = None,
        frames: tuple[int, int] = (0, 1),
    ) -> RenderedPair:
        """Render two states and the motion from the first to the second; `shift` moves the background."""
        before = self.view(first)
        after = self.view(second, None if relight else self.paint(before.splats), shift)
        rng = np.random.default_rng(0) if rng is None else rng
        parts, face, skin = self.masks(before.weights)
        frame1, frame2 = record_clip([before.picture, after.picture], sensor, rng, list(frames))
        values: dict[str, Any] = exact_motion(before, after, shift)
        return RenderedPair(
            frame1=frame1,
            frame2=frame2,
            parts=parts,
            names=["background", *self.face.gaussians.names],
            face=face,
            skin=skin,
            camera=self.camera,
            **values,
        )

    def masks(self, weights: Blend) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return part labels, face mask and skin mask from the blend weights."""
        gaussians = self.face.gaussians
        one_hot = np.eye(len(gaussians.names), dtype=np.float32)[gaussians.part]
        fraction = np.concatenate([1 - weights.opacity[..., None], weights.blend(one_hot)], 2)
        parts = fraction.argmax(2).astype(np.uint8)
        face = (
            fraction[..., 1:][
                ..., [gaussians.names.index(n) for n in FACE_PARTS if n in gaussians.names]
            ].sum(2)
            > 0.5
        )
        return parts, face, fraction[..., 1 + gaussians.names.index("skin")] > 0.5


@lru_cache(maxsize=8)
def _load_face(seed: int, gaussians: int, head_model: Path | None, portraits: Path | None) -> SplatFace:
    """Return a face; cached while consecutive pairs use it."""
    if head_model is None:
        return procedural_face(seed, gaussians)
    model = load_head_model(head_model)
    if portraits is None:
        return scanned_face(seed, model, gaussians)
    portrait = draw_portrait(portraits, model, np.random.default_rng([seed, 7]))
    return scanned_face(seed, model, gaussians, portrait=portrait)


def random_light(rng: np.random.Generator) -> Light:
    """Draw a plausible light: from above and either side, hard or soft, warm or cool."""
    key = rng.uniform(0.35, 0.9)
    return Light(
        direction=(rng.uniform(-1.2, 1.2), rng.uniform(-1.1, 0.1), -rng.uniform(0.5, 1.2)),
        key=key,
        fill=rng.uniform(0.1, 0.4),
        sky=rng.uniform(0.55, 1.0) - 0.5 * key,
        warmth=rng.normal(0, 0.6),
        hardness=rng.uniform(0, 1),
    )


def draw_scene(
    seed: int, index: int, size: int | tuple[int, int], ranges: SceneRanges
) -> tuple[Scene, np.random.Generator]:
    """Draw the scene of pair (seed, index); also return the generator to continue with."""
    width, height = (size, size) if isinstance(size, int) else size
    rng = np.random.default_rng([seed, index, 2])
    identity = int(np.random.default_rng([seed, index // PAIRS_PER_FACE, 3]).integers(2**31))
    camera = Camera.framing(
        width, height, rng.uniform(*ranges.face), rng.uniform(50, 120), tuple(rng.normal(0, 0.04, 2))
    )
    background = Background(width, height, rng, ranges.background)
    return Scene(
        _load_face(identity, ranges.gaussians, ranges.head_model, ranges.portraits),
        camera,
        random_light(rng),
        background,
        ranges.gpu,
    ), rng


def render_pair(
    seed: int, index: int, size: int | tuple[int, int] = 256, ranges: SceneRanges = SceneRanges(), **changes
) -> RenderedPair:
    """Render pair `index` of the endless list of `seed`.

    Parameters
    ----------
    size : int or (int, int)
        One side or (width, height), px.
    changes : fields of `SceneRanges`, for example motion=(0.1, 2.0)
    """
    ranges = replace(ranges, **changes)
    scene, rng = draw_scene(seed, index, size, ranges)
    first, second = draw_states(scene, ranges, rng)
    shift = tuple(rng.normal(0, ranges.shake, 2)) if ranges.shake and rng.uniform() < 0.5 else (0.0, 0.0)
    sensor = random_sensor(rng) if ranges.sensor else Sensor()
    frames = (int(rng.integers(0, 100)), int(rng.integers(100, 130)))
    pair = scene.pair(first, second, bool(rng.uniform() < ranges.relight), shift, sensor, rng, frames)
    pair.about = dict(seed=seed, index=index, first=first, second=second, sensor=sensor)
    return pair


def draw_states(scene: Scene, ranges: SceneRanges, rng: np.random.Generator) -> tuple[FaceState, FaceState]:
    """Draw two states of the face whose difference has the size given by `ranges`, px of this camera."""
    per_cm = scene.camera.focal / scene.camera.distance
    rest = scene.face.head.rest
    emotion = EMOTIONS[rng.integers(len(EMOTIONS))]
    actions = draw_actions(emotion, rng) if rng.uniform() < 0.8 else _random_actions(rng)
    largest = np.linalg.norm(scene.face.head.shape(actions) - rest, axis=1).max() * per_cm
    wanted = log_uniform(rng, *np.maximum(ranges.motion, 1e-3)) * (rng.uniform() >= ranges.still_face)
    strength = min(wanted / max(largest, 1e-6), 1.2)
    base = (
        draw_actions(EMOTIONS[rng.integers(len(EMOTIONS))], rng, rng.uniform(0, 0.5))
        if rng.uniform() < 0.4
        else {}
    )
    after = {k: base.get(k, 0.0) + strength * actions.get(k, 0.0) for k in {**base, **actions}}
    if rng.uniform() < ranges.blink:
        base, after = {**base, "43": rng.uniform(0, 0.5)}, {**after, "43": rng.uniform(0, 1)}

    pose = HeadPose(rng.uniform(*ranges.yaw), rng.uniform(*ranges.pitch), rng.uniform(*ranges.roll))
    moved = pose
    if rng.uniform() >= ranges.still_head:
        reach = log_uniform(rng, *np.maximum(ranges.head, 1e-3)) / per_cm  # cm at the edge of the face
        turn = np.degrees(reach / 8) * rng.normal(0, 0.5, 3)  # the edge is 8 cm from the centre
        moved = HeadPose(
            pose.yaw + turn[0],
            pose.pitch + turn[1],
            pose.roll + turn[2],
            tuple(reach * rng.normal(0, [0.5, 0.5, 1.0])),
        )
    gaze = rng.normal(0, [8, 4])
    look = gaze + rng.normal(0, [6, 3]) * (rng.uniform() < ranges.gaze)
    if rng.uniform() < 0.5:  # as many expressions fade as appear
        base, after = after, base
    return FaceState(base, tuple(gaze), pose), FaceState(after, tuple(look), moved)


def _random_actions(rng: np.random.Generator) -> dict[str, float]:
    """Draw one to four action units, each on one side or both."""
    names = rng.choice([a for a in ACTION_UNITS if a != "43"], rng.integers(1, 5), replace=False)
    return {
        str(n) + ("" if n == "26" else str(rng.choice(["", "", "R", "L"]))): rng.uniform(0.3, 1.0)
        for n in names
    }
