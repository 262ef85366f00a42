"""One synthetic person on demand: frames for given action units, and the flow between any two of them."""

import numpy as np

from flow.splatting.background import Background
from flow.splatting.camera import Camera, HeadPose
from flow.splatting.head import FaceState
from flow.splatting.identity import SplatFace, procedural_face
from flow.splatting.muscles import expression_timing
from flow.splatting.scenes import RenderedPair, Scene, random_light
from flow.splatting.sensor import Sensor, record_clip, record_frame


class Actor:
    """A synthetic person in front of a camera, animated by action units.

    Parameters
    ----------
    seed : int
        Of identity, light and background.
    size : int
        Side of the frame, px.
    gaussians : int
        Number of Gaussians.
    face : float
        Fraction of the frame's height from hairline to chin.
    background : str
        As `look` of `Background`.
    identity : SplatFace or None
        A face to use instead of the seed's.
    """

    def __init__(
        self,
        seed: int,
        size: int = 320,
        gaussians: int = 20_000,
        face: float = 0.7,
        background: str = "random",
        identity: SplatFace | None = None,
    ) -> None:
        rng = np.random.default_rng([seed, 4])
        self.face = procedural_face(seed, gaussians) if identity is None else identity
        self.scene = Scene(
            self.face,
            Camera.framing(size, size, face),
            random_light(rng),
            Background(size, size, rng, background),
        )

    def frame(
        self,
        actions: dict[str, float] | None = None,
        head: HeadPose = HeadPose(),
        blink: float = 0.0,
        gaze: tuple[float, float] = (0.0, 0.0),
        sensor: Sensor = Sensor(),
        number: int = 0,
        rng: np.random.Generator | None = None,
    ) -> np.ndarray:
        """Render one picture, (H, W, 3) uint8 RGB.

        Parameters
        ----------
        actions : dict or None
            AU -> intensity 0..1, as in `muscles.move_landmarks` ("12" both sides, "12L" the left).
        blink : float
            0 open to 1 closed.
        gaze : (float, float)
            Right and down, degrees.
        sensor, number, rng : Sensor, int, numpy.random.Generator or None
            Camera faults, number of the frame, and random generator for them.
        """
        view = self.scene.view(face_state(actions, head, blink, gaze))
        return record_frame(view.picture, sensor, number, np.random.default_rng(0) if rng is None else rng)

    def clip(
        self, states: list[FaceState], sensor: Sensor = Sensor(), rng: np.random.Generator | None = None
    ) -> list[np.ndarray]:
        """Render the frames (H, W, 3) uint8 of a clip (see `random_performance`) with one camera."""
        pictures = [self.scene.view(shown).picture for shown in states]
        return record_clip(pictures, sensor, np.random.default_rng(0) if rng is None else rng)

    def pair(self, first: FaceState, second: FaceState, **options) -> RenderedPair:
        """Render two states and the exact motion between them; `options` as in `Scene.pair`."""
        return self.scene.pair(first, second, **options)

    def landmarks(self, shown: FaceState = FaceState()) -> np.ndarray:
        """Project the 468 face landmarks, hidden ones included: (468, 2) px."""
        moved = self.face.head.shape(shown.actions)
        return self.scene.camera.project(shown.pose.move(moved @ self.face.head.turn.T))[0]

    def intensity(self, actions: dict[str, float], pixels: float) -> float:
        """Return the factor on `actions` for which the largest landmark motion is `pixels` px."""
        moved = self.face.head.shape(actions) - self.face.head.rest
        largest = np.linalg.norm(moved, axis=1).max() * self.scene.camera.focal / self.scene.camera.distance
        return float(pixels / max(largest, 1e-9))


def _random_path(rng: np.random.Generator, times: np.ndarray, deviation: float, period: float) -> np.ndarray:
    """Draw a smooth path (len(times),) from zero: a few sines of periods around `period` s."""
    waves = [
        rng.normal(0, 1)
        * np.sin(2 * np.pi * times / (period * rng.uniform(0.6, 1.8)) + rng.uniform(0, 2 * np.pi))
        for _ in range(3)
    ]
    path = deviation * sum(waves) / np.sqrt(3)
    return path - path[0]


def face_state(
    actions: dict[str, float] | None = None,
    head: HeadPose = HeadPose(),
    blink: float = 0.0,
    gaze: tuple[float, float] = (0.0, 0.0),
) -> FaceState:
    """Return a state of the face; a blink adds to AU 43."""
    actions = dict(actions or {})
    if blink:
        actions["43"] = actions.get("43", 0.0) + blink
    return FaceState(actions, gaze, head)


def random_performance(
    actions: dict[str, float],
    frames: int,
    fps: float,
    rng: np.random.Generator,
    onset: float = 0.2,
    apex: float = 0.35,
    hold: float = 0.1,
    offset: float = 0.25,
    sway: float = 0.5,
    blinks: bool = True,
) -> list[FaceState]:
    """Draw the states of a clip: `actions` rise and fall while the head sways, the eyes wander and blink.

    Parameters
    ----------
    onset, apex, hold, offset : float
        As in `muscles.expression_timing`, s.
    sway : float
        Deviation of the head's slow drift, degrees.
    blinks : bool
        Let the eyes blink in some clips.
    """
    times = np.arange(frames) / fps
    level = expression_timing(times, onset, apex, hold, offset)
    head = [(sway, 2.0), (0.7 * sway, 2.0), (0.5 * sway, 3.0), (0.05 * sway, 3.0), (0.05 * sway, 3.0)]
    yaw, pitch, roll, x, y = (_random_path(rng, times, deviation, period) for deviation, period in head)
    look = np.stack([_random_path(rng, times, 1.5, 1.0), _random_path(rng, times, 0.8, 1.0)], 1)
    lid = np.zeros(frames)
    if blinks and rng.uniform() < 0.4:
        lid = expression_timing(times, t := rng.uniform(0, times[-1] + 0.1), t + 0.08, 0.02, 0.14)
    return [
        face_state(
            {k: float(level[i] * s) for k, s in actions.items()},
            HeadPose(yaw[i], pitch[i], roll[i], (x[i], y[i], 0.0)),
            float(lid[i]),
            tuple(look[i]),
        )
        for i in range(frames)
    ]
