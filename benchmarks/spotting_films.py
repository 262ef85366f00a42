"""Long synthetic videos with known intervals.

A rendered person shows small and large expressions, blinks and moves the head. The motion is exact and
cheap to draw at any frame rate; what the camera adds is drawn for each recording. For measuring spotters
(spotting.py), not for training anything. busy_films.py has harder ones.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from benchmarks.rendered_people import LABELS
from data_prep.frames import Frame
from flow.splatting.camera import HeadPose
from flow.splatting.muscles import expression_timing
from flow.splatting.recipes import draw_actions
from flow.splatting.sensor import Sensor, record_frame
from flow.warp import invert_by_warping, pixel_grid, warp

SECONDS, SIDE = 18.0, 200
SLOT_S = 3.0  # one event in each
KINDS = ("micro", "micro", "macro", "blink", "blink", "head")
MOTION = {
    "micro": (0.012, 0.04),
    "macro": (0.05, 0.14),
}  # inter-ocular distances, of the point that moves most
LASTS_S = {"micro": (0.2, 0.45), "macro": (0.8, 2.2), "blink": (0.15, 0.35), "head": (0.6, 1.4)}
TURN = (3.0, 9.0)  # degrees of a head move, about any axis; half of them do not return


class Event(NamedTuple):
    """A known interval, s. label : what the motion is meant to be, for micro and macro."""

    kind: str
    onset: float
    apex: float
    offset: float
    label: str = ""


class Plan:
    """Everything that happens in film number `seed`."""

    random_stream = 90
    kinds: tuple[str, ...] = KINDS
    slot_s, lasts_s, max_rise_s = SLOT_S, LASTS_S, np.inf

    def __init__(self, seed: int):
        rng = self._rng = np.random.default_rng([seed, self.random_stream])
        self.events: list[Event] = []
        self.actions: list[tuple[dict[str, float], float]] = []  # action units, motion
        self.turns: list[np.ndarray] = []  # degrees about each axis
        for slot, kind in enumerate(rng.permutation(self.kinds)):
            lasts = rng.uniform(*self.lasts_s[kind])
            onset = slot * self.slot_s + rng.uniform(0.2, self.slot_s - lasts - 0.2)
            apex = onset + min(self.max_rise_s, lasts * rng.uniform(0.3, 0.6))
            label = str(rng.choice(list(LABELS))) if kind in MOTION else ""
            self.events.append(Event(str(kind), onset, apex, onset + lasts, label))
            actions = draw_actions(str(rng.choice(LABELS[label])), rng) if label else {}
            self.actions.append((actions, rng.uniform(*MOTION[kind]) if label else 0.0))
            way = rng.normal(0, 1, 3)
            self.turns.append(rng.uniform(*TURN) * way / np.linalg.norm(way))
            self._add_details(self.events[-1])
        self.sway = [(rng.normal(0, 0.25, 3), rng.uniform(3, 8, 3), rng.uniform(0, 6.3, 3)) for _ in range(3)]
        self.stays = rng.uniform(size=len(self.events)) < 0.5  # a head move that does not return

    def _add_details(self, event: Event) -> None:
        """Draw what a subclass adds to an event."""


class Film:
    """Film number `seed` as a camera of any rate gives it: iterate `recording(fps)`.

    Two pictures of the person are rendered, with open and with closed eyes. A frame is their blend, moved by
    the exact motion of the 468 landmarks, linear between them. So light and shade stay on the skin, and no
    wrinkle deepens.
    """

    seconds = SECONDS
    plan_type: type[Plan] = Plan

    def __init__(self, seed: int):
        from data_prep.landmarks import EYE_CORNERS, FACE_OVAL
        from flow.splatting.actor import Actor

        self.plan, self.seed = self.plan_type(seed), seed
        self.actor = Actor(1000 + seed, SIDE, gaussians=12_000, face=0.85)
        self.camera, self.rest = self.actor.scene.camera, self.actor.face.head.rest
        self.open, self.closed = (
            self.actor.scene.view(_state(lid)).picture.astype(np.float32) for lid in (0.0, 1.0)
        )
        self.points, self.oval = self.actor.landmarks(), list(FACE_OVAL)
        eyes = [self.points[list(corners)].mean(0) for corners in EYE_CORNERS]
        self.unit = float(np.linalg.norm(eyes[0] - eyes[1]))  # px, inter-ocular distance
        self.pulls = [self.pull(actions, reach) for actions, reach in self.plan.actions]
        self._place_pixels()

    def pull(self, actions: dict[str, float], reach: float) -> np.ndarray:
        """Return the motion (468, 3) cm of `actions`; its largest is `reach` inter-ocular distances."""
        from flow.splatting.muscles import move_landmarks

        strength = self.actor.intensity(actions, reach * self.unit) if actions else 0.0
        return (
            move_landmarks(self.rest, {name: strength * value for name, value in actions.items()}) - self.rest
        )

    def _place_pixels(self) -> None:
        """Find the triangle of knots in which each pixel lies.

        Around the face the picture follows the head, and far from it stays where it is.
        """
        from scipy.spatial import Delaunay

        middle = self.points.mean(0)
        corners = np.array([[x, y] for x in (-SIDE, SIDE / 2, 2 * SIDE) for y in (-SIDE, 2 * SIDE)])
        knots = np.vstack([self.points, middle + 1.35 * (self.points[self.oval] - middle), corners])
        mesh = Delaunay(knots)
        grid = pixel_grid((SIDE, SIDE)).reshape(-1, 2)
        triangle = mesh.find_simplex(grid)
        two = np.einsum("nij,nj->ni", mesh.transform[triangle, :2], grid - mesh.transform[triangle, 2])
        self.fractions, self.knots = np.column_stack([two, 1 - two.sum(1)]), mesh.simplices[triangle]

    def picture(self, time: float) -> np.ndarray:
        """Return what is before the camera at `time` s: (SIDE, SIDE, 3) float32 0..1."""
        turn, pull, lid = self._at(time)
        moved = self.camera.project(HeadPose(*turn).move(self.rest + pull))[0] - self.points
        rigid = self.camera.project(HeadPose(*turn).move(self.rest))[0] - self.points
        knots = np.vstack([moved, rigid[self.oval], np.zeros((6, 2))])
        field = (
            (self.fractions[..., None] * knots[self.knots]).sum(1).reshape(SIDE, SIDE, 2).astype(np.float32)
        )
        still = (1 - lid) * self.open + lid * self.closed
        return warp(still, invert_by_warping(field))

    def level(self, event: Event, time: float) -> float:
        """Return the strength of an event at `time` s, 0 to 1."""
        return float(expression_timing(time, event.onset, event.apex, 0.0, event.offset - event.apex))

    def _at(self, time: float) -> tuple[np.ndarray, np.ndarray, float]:
        """Return the head's turn (degrees), the muscles' pull (468, 3) cm and how far lids close (0..1)."""
        turn = sum(size * np.sin(2 * np.pi * time / period + phase) for size, period, phase in self.plan.sway)
        pull, lid = np.zeros_like(self.rest), 0.0
        for event, full, way, stays in zip(self.plan.events, self.pulls, self.plan.turns, self.plan.stays):
            level = self.level(event, time)
            if event.kind == "blink":
                lid = max(lid, level)
            elif event.kind == "head":
                level = (
                    float(expression_timing(time, event.onset, event.offset, 1e6, 1.0)) if stays else level
                )
                turn = turn + level * way
            else:
                pull = pull + level * full
        return turn, pull, lid

    def recording(self, fps: float, every: int = 1) -> Iterator[Frame]:
        """Yield the film with noise, drifting exposure and a slow change of light.

        Only every so many frames are drawn.
        """
        rng = np.random.default_rng([self.seed, int(fps)])
        sensor = Sensor(blur=0.4, shot=1e-4, read=0.006, drift=0.004, slope=0.01)
        for number in range(0, int(self.seconds * fps), every):
            time = number / fps
            yield Frame(number, time, record_frame(self.picture(time), sensor, int(time * 30), rng))


def _state(lid: float):
    from flow.splatting.actor import face_state

    return face_state(blink=lid)
