"""Motion of the engine's faces, labelled by the emotion whose muscles move, without rendering a picture.

The engine's faces, muscles and recipes (flow/splatting) give the motion of each landmark; between landmarks
it is interpolated, and degraded as an estimator would. A clip takes four milliseconds. scanned_maps.py has
the motion of scanned people; the bundle that ships is fitted on maps of both.
"""

from collections.abc import Callable, Iterator

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import Delaunay

from benchmarks import scanned_maps
from data_prep.align import fit_similarity, transform_points
from flow.sampling import log_uniform
from flow.splatting.camera import Camera, HeadPose
from flow.splatting.head import Head
from flow.splatting.identity import random_proportions
from flow.splatting.muscles import move_landmarks
from flow.splatting.recipes import EMOTIONS, draw_actions
from mer.features import flow_image
from mer_core.progress import track

LABELS = ["negative", "positive", "surprise"]
CLIPS_PER_PERSON = 20
GRID = 56  # px, side of the flow before it becomes a map of 28
# What else a face does in the meantime: any of these units may join in, and belongs to no emotion then.
STRAY_UNITS = ("1", "2", "4", "6", "7", "10", "14", "15", "17", "24", "25")
CAMERA = Camera.framing(512, 512, 0.7)
# Motion that shows no emotion -> frequency. scanned_maps.py has gaze, chewing and turns of the head, too.
OTHERS = {"speech": 0.6, "blink": 0.15, "yawn": 0.12, "smirk": 0.13}
SPEECH = ("10", "12", "14", "16", "17", "20", "23", "24", "25")  # beside the jaw
HEAD_WITH_OTHERS = 0.5  # scale of the head's motion in `make_maps`


def label_of(emotion: str) -> str:
    """Return the label of composite-3: happiness is positive, surprise is surprise, the rest negative."""
    return {"happiness": "positive", "surprise": "surprise"}.get(emotion, "negative")


def make_maps(count: int, seed: int, size: int = 28) -> tuple[np.ndarray, np.ndarray]:
    """Return maps (count, 3, size, size) float32 and labels (count,) str, as those of scanned_maps.py."""
    maps, names = [], []
    for i in track(range(-(-count // CLIPS_PER_PERSON)), f"{count} maps of muscles"):
        for flow, landmarks, shown in motions([seed, i], HEAD_WITH_OTHERS, draw_shown):
            maps.append(flow_image.extract(flow, landmarks, size=size, crop="box"))
            names.append("other" if shown in OTHERS else label_of(shown))
    return np.stack(maps[:count]).astype(np.float32), np.array(names[:count])


def draw_shown(rng: np.random.Generator) -> tuple[str, dict[str, float]]:
    """Draw an emotion or one of `OTHERS`, labels at the frequencies of `scanned_maps`, and its actions."""
    label = str(rng.choice(scanned_maps.LABELS, p=list(scanned_maps.FREQUENCY.values())))
    if label == "other":
        kind = str(rng.choice(list(OTHERS), p=list(OTHERS.values())))
        return kind, _other_actions(kind, rng)
    emotion = str(rng.choice([emotion for emotion in EMOTIONS if label_of(emotion) == label]))
    return emotion, draw_actions(emotion, rng)


def _other_actions(kind: str, rng: np.random.Generator) -> dict[str, float]:
    if kind == "blink":
        return {"43": rng.uniform(0.2, 1)}
    if kind != "speech":
        return scanned_maps.other_actions(kind, rng)
    lips = rng.choice(SPEECH, rng.integers(2, 4), replace=False)
    actions = {str(unit): rng.uniform(-0.2, 0.6) for unit in lips}
    return actions | ({"26": rng.uniform(0, 0.5)} if rng.uniform() < 0.8 else {})


def motions(
    seed: list[int],
    head: float = 1.0,
    draw: Callable[[np.random.Generator], tuple[str, dict[str, float]]] | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray, str]]:
    """Yield the clips of one person: flow (GRID, GRID, 2) float32 px, landmarks (478, 2) px, what is shown.

    `head` scales the motion of the head. `draw` draws what is shown and its actions; by default emotions.
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
        shown, actions = (draw or draw_emotion)(rng)
        before, after, peak = draw_states(rest, actions, rng)
        turned = _turned(pose, head * peak, rng)
        moved = CAMERA.project(turned.move(after))[0] - CAMERA.project(pose.move(before))[0]
        flow = spread(
            moved @ place[:, :2].T,
            outside=(CAMERA.project(turned.move(rest))[0] - seen).mean(0) @ place[:, :2].T,
        )
        yield degrade(_warped(flow, habit), rng).astype(np.float32), landmarks, shown


def draw_emotion(rng: np.random.Generator) -> tuple[str, dict[str, float]]:
    """Draw a label uniformly, then one of its emotions uniformly, and its actions."""
    label = LABELS[rng.integers(len(LABELS))]
    emotion = str(rng.choice([emotion for emotion in EMOTIONS if label_of(emotion) == label]))
    return emotion, draw_actions(emotion, rng)


def draw_states(
    rest: np.ndarray, actions: dict[str, float], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return landmarks (468, 3) cm at onset and apex, and the largest displacement, cm.

    In a third of the clips a lid moves as well, up or down, and in a third some unit that has nothing to do
    with what is shown.
    """
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
