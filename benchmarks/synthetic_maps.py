"""Motion of the engine's faces, labelled by the emotion whose muscles move, without rendering a picture.

The engine's faces, muscles and recipes (flow/splatting) give the motion of each landmark; between landmarks
it is interpolated, and degraded as an estimator would. A clip takes four milliseconds. scanned_maps.py has
the motion of scanned people, from which the bundle that ships is made.
"""

from collections.abc import Iterator

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import Delaunay

from data_prep.align import fit_similarity, transform_points
from flow.sampling import log_uniform
from flow.splatting.camera import Camera, HeadPose
from flow.splatting.head import Head
from flow.splatting.identity import random_proportions
from flow.splatting.muscles import move_landmarks
from flow.splatting.recipes import EMOTIONS, draw_actions

LABELS = ["negative", "positive", "surprise"]
CLIPS_PER_PERSON = 20
GRID = 56  # px, side of the flow before it becomes a map of 28
# What else a face does in the meantime: any of these units may join in, and belongs to no emotion then.
STRAY_UNITS = ("1", "2", "4", "6", "7", "10", "14", "15", "17", "24", "25")
CAMERA = Camera.framing(512, 512, 0.7)


def label_of(emotion: str) -> str:
    """Return the label of composite-3: happiness is positive, surprise is surprise, the rest negative."""
    return {"happiness": "positive", "surprise": "surprise"}.get(emotion, "negative")


def motions(seed: list[int], head: float = 1.0) -> Iterator[tuple[np.ndarray, np.ndarray, str]]:
    """Yield the clips of one person: flow (GRID, GRID, 2) float32 px, landmarks (478, 2) px, emotion.

    `head` scales the motion of the head.
    """
    rng = np.random.default_rng(seed)
    rest = Head(random_proportions(rng)).rest
    pose = HeadPose(*rng.normal(0, [5.0, 4.0, 2.0]))
    seen = CAMERA.project(pose.move(rest))[0]
    place = _placed(seen, rng)
    points = transform_points(seen, place)
    spread = Interpolation(points)
    landmarks = np.pad(points, ((0, 10), (0, 0)), mode="edge")  # the irises, which no yardstick uses
    habit = _smooth_noise(rng, 8.0) * rng.uniform(0, 2.0)  # px: whose muscles lie a little elsewhere
    for _ in range(CLIPS_PER_PERSON):
        emotion = draw_emotion(rng)
        before, after, peak = draw_states(rest, emotion, rng)
        turned = _turned(pose, head * peak, rng)
        moved = CAMERA.project(turned.move(after))[0] - CAMERA.project(pose.move(before))[0]
        flow = spread(
            moved @ place[:, :2].T,
            outside=(CAMERA.project(turned.move(rest))[0] - seen).mean(0) @ place[:, :2].T,
        )
        yield degrade(_warped(flow, habit), rng).astype(np.float32), landmarks, emotion


def draw_emotion(rng: np.random.Generator) -> str:
    """Draw a label uniformly, then one of its emotions uniformly."""
    label = LABELS[rng.integers(len(LABELS))]
    return str(rng.choice([emotion for emotion in EMOTIONS if label_of(emotion) == label]))


def draw_states(
    rest: np.ndarray, emotion: str, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return landmarks (468, 3) cm at onset and apex, and the largest displacement, cm.

    In a third of the clips a lid moves as well, up or down, and in a third some unit that has nothing to do
    with the emotion.
    """
    actions = draw_actions(emotion, rng)
    full = np.linalg.norm(move_landmarks(rest, actions) - rest, axis=1).max()
    peak = min(log_uniform(rng, 0.05, 0.6), full)
    strength = peak / full
    after = {unit: strength * value for unit, value in actions.items()}
    before: dict[str, float] = {}
    if rng.uniform() < 0.33:
        (before if rng.uniform() < 0.5 else after)["43"] = rng.uniform(0.02, 0.3)
    if rng.uniform() < 0.33:
        stray = str(rng.choice(STRAY_UNITS))
        after[stray] = after.get(stray, 0.0) + strength * rng.uniform(0.1, 0.4)
    return move_landmarks(rest, before) if before else rest, move_landmarks(rest, after), peak


def degrade(flow: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Degrade a flow (GRID, GRID, 2) px as an estimator might: blur, fine noise and slow waves."""
    still = np.median(flow, axis=(0, 1))
    largest = np.abs(flow - still).max()
    width = rng.uniform(0.3, 4.0)
    blurred = gaussian_filter(flow, (width, width, 0))
    fine = log_uniform(rng, 0.005, 0.12) * _smooth_noise(rng, rng.uniform(1, 3))
    slow = log_uniform(rng, 0.01, 0.25) * _smooth_noise(rng, rng.uniform(5, 16))
    return blurred + largest * (fine + slow)


class Interpolation:
    """From motion of landmarks to motion of each pixel of a GRID px square: linear inside their hull."""

    def __init__(self, points: np.ndarray):
        """Prepare the interpolation between landmarks at `points` (468, 2) px."""
        y, x = np.mgrid[:GRID, :GRID].reshape(2, -1)
        grid = np.stack([x, y], 1).astype(float)
        mesh = Delaunay(points)
        triangle = mesh.find_simplex(grid)
        to_corners = mesh.transform[triangle]
        two = np.einsum("nij,nj->ni", to_corners[:, :2], grid - to_corners[:, 2])
        self.fractions, self.corners = np.c_[two, 1 - two.sum(1)], mesh.simplices[triangle]
        self.inside = triangle >= 0

    def __call__(self, moved: np.ndarray, outside: np.ndarray) -> np.ndarray:
        """Interpolate the landmarks' motion (468, 2) px to (GRID, GRID, 2) px.

        `outside` (2,) px is the motion beside the face.
        """
        flow = np.einsum("ni,nij->nj", self.fractions, moved[self.corners])
        flow[~self.inside] = outside
        return flow.reshape(GRID, GRID, 2)


def _placed(seen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the matrix (2, 3) from camera px to px of an aligned face, varied from person to person."""
    matrix = fit_similarity(np.pad(seen, ((0, 10), (0, 0)), mode="edge"), GRID)
    zoom, shift = 1 + rng.normal(0, 0.04, 2), rng.normal(0, 0.02 * GRID, 2)
    matrix = zoom[:, None] * matrix
    matrix[:, 2] += shift + (1 - zoom) * GRID / 2
    return matrix


def _turned(pose: HeadPose, peak: float, rng: np.random.Generator) -> HeadPose:
    """Turn the head by an amount between a tenth of the expression's motion and all of it."""
    reach = peak * log_uniform(rng, 0.05, 0.7)  # cm at the face's edge, some 8 cm from its centre
    turn = np.degrees(reach / 8) * rng.normal(0, 0.5, 3)
    return HeadPose(
        pose.yaw + turn[0],
        pose.pitch + turn[1],
        pose.roll + turn[2],
        tuple(reach * rng.normal(0, [0.5, 0.5, 1.0])),
    )


def _warped(flow: np.ndarray, habit: np.ndarray) -> np.ndarray:
    """Return `flow` read `habit` px beside its place."""
    y, x = np.mgrid[:GRID, :GRID] + np.moveaxis(habit[..., ::-1], -1, 0)
    return np.stack([map_coordinates(flow[..., k], (y, x), order=1, mode="nearest") for k in (0, 1)], axis=-1)


def _smooth_noise(rng: np.random.Generator, width: float) -> np.ndarray:
    """Draw noise (GRID, GRID, 2) of SD 1, smooth over `width` px."""
    noise = gaussian_filter(rng.normal(size=(GRID, GRID, 2)), (width, width, 0), mode="reflect")
    return noise / noise.std()
