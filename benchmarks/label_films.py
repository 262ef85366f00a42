"""Films of rendered people for `label_validation.py` and `label_rates.py`.

A bundle is validated on those of the former; those of the latter, of other people, are inside its ranges or
outside of one of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from benchmarks.rendered_people import LABELS
from data_prep.landmarks import interocular
from flow.sampling import log_uniform
from flow.splatting.actor import Actor
from flow.splatting.camera import HeadPose
from flow.splatting.head import FaceState
from flow.splatting.recipes import draw_actions
from flow.splatting.sensor import Sensor
from mer.inference.site_motion import PER_CENT, at_sites, strength
from mer_core.io import atomic_replace

PLAIN, N_PLAIN, OUTSIDE_EACH = "plain", 48, 4
STRENGTH = (0.45, 2.6)  # of plain films, per cent of the inter-ocular distance
FIRST_PERSON = 8000  # seed of the first person; no other benchmark or fit uses these
GAUSSIANS, FACE = 12_000, 0.8
SIDE = 224  # px of a frame; eyes are 70 px apart
REST_S, SWAY = 0.35, 0.4  # at rest before and after; degrees, deviation of the head's turn
SKIN = (176, 132, 110)  # of the hand that covers the mouth
SYLLABLE_S = 0.22
LIPS = ("10", "16", "17", "20", "23", "25")  # action units that open, round or lift the lips in speech


@dataclass(frozen=True)
class Shot:
    """One film. Times in s, strength in per cent of the inter-ocular distance, angles in degrees."""

    strength: float
    fps: float = 30.0
    rise_s: float = 0.18
    hold_s: float = 0.0
    fall_s: float = 0.2
    yaw: float = 0.0
    nod: float = 0.0  # of the head from onset to apex
    side: int = SIDE
    crf: int = 18
    is_covered: bool = False

    def shows(self, time: float) -> bool:
        """Return whether the expression shows at `time` s."""
        return REST_S < time < REST_S + self.rise_s + self.hold_s + self.fall_s


def draw_plain(rng: np.random.Generator) -> Shot:
    """Draw a film whose conditions are all inside the ranges, apart perhaps from its motion."""
    return Shot(
        strength=log_uniform(rng, *STRENGTH),
        fps=float(rng.choice([25, 30, 50])),
        rise_s=rng.uniform(0.1, 0.25),
        fall_s=rng.uniform(0.12, 0.25),
        yaw=rng.uniform(-12, 12),
        crf=int(rng.integers(14, 26)),
    )


# Condition -> a film in which it alone is outside.
OUTSIDE: dict[str, Callable[[np.random.Generator], Shot]] = {
    "frame rate, 10 to 15": lambda rng: Shot(1.5, fps=float(rng.integers(10, 16)), rise_s=0.3, fall_s=0.3),
    "no motion of the face": lambda rng: Shot(0.0),
    "motion of 0.15 to 0.35 %": lambda rng: Shot(rng.uniform(0.15, 0.35)),
    "motion of 3.5 to 6.5 %": lambda rng: Shot(rng.uniform(3.5, 6.5), rise_s=0.3),
    "held 1.2 to 2 s": lambda rng: Shot(1.5, hold_s=rng.uniform(1.2, 2.0)),
    "head turned 30 to 40 degrees": lambda rng: Shot(1.5, yaw=rng.uniform(30, 40) * rng.choice([-1, 1])),
    "head nods 5 to 8 degrees": lambda rng: Shot(1.5, nod=rng.uniform(5, 8)),
    "eyes 35 px apart": lambda rng: Shot(1.5, side=112),
    "H.264, CRF 48 to 51": lambda rng: Shot(1.5, crf=int(rng.integers(48, 52))),
    "mouth covered": lambda rng: Shot(1.5, is_covered=True),
}


def conditions() -> Iterator[tuple[str, int]]:
    """Yield the condition and number of each film."""
    yield from ((PLAIN, number) for number in range(N_PLAIN))
    for kind, condition in enumerate(OUTSIDE):
        yield from ((condition, N_PLAIN + kind * OUTSIDE_EACH + number) for number in range(OUTSIDE_EACH))


def draw_shot(condition: str, number: int) -> tuple[Shot, np.random.Generator]:
    """Draw film `number`, and return the generator with which it is rendered."""
    rng = np.random.default_rng([number, 78])
    return (draw_plain if condition == PLAIN else OUTSIDE[condition])(rng), rng


def shown_label(number: int) -> str:
    """Return the label that film `number` shows; the labels take turns."""
    return list(LABELS)[number % len(LABELS)]


def render(person: int, shown: str, shot: Shot, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield frames (H, W, 3) uint8 RGB: rest, rise, hold, fall, rest, while the head sways.

    Parameters
    ----------
    shown : str
        A label, or one of "speech", "gaze", "blink", "head" and "rest".
    """
    actor = Actor(person, shot.side, gaussians=GAUSSIANS, face=FACE)
    actions = _draw_actions(shown, rng)
    full = find_intensity(actor, actions, shot.strength)
    apex, end = REST_S + shot.rise_s, REST_S + shot.rise_s + shot.hold_s
    times = np.arange(0, end + shot.fall_s + REST_S, 1 / shot.fps)
    phase = np.interp(times, [REST_S, apex, end, end + shot.fall_s], [0, 1, 1, 0])
    levels = (1 - np.cos(np.pi * phase)) / 2
    if shown == "speech":
        levels *= (1 - np.cos(2 * np.pi * (times - REST_S) / SYLLABLE_S)) / 2
    glance = rng.uniform(5, 15) * rng.choice([-1, 1]) if shown == "gaze" else 0.0
    way = rng.normal(0, SWAY, 2)
    sensor = Sensor(blur=0.4, shot=1e-4, read=rng.uniform(0.001, 0.006), drift=0.004)
    for i, (time, level) in enumerate(zip(times, levels)):
        turn = way * np.sin(2 * np.pi * time / 5)
        pose = HeadPose(yaw=shot.yaw + turn[0], pitch=turn[1] + shot.nod * level)
        picture = actor.frame(
            {unit: full * level * value for unit, value in actions.items()},
            head=pose,
            blink=level if shown == "blink" else 0.0,
            gaze=(glance * level, 0.0),
            sensor=sensor,
            number=i,
            rng=rng,
        )
        yield _covered(picture, actor) if shot.is_covered else picture


def _draw_actions(shown: str, rng: np.random.Generator) -> dict[str, float]:
    """Draw action units and their relative strengths."""
    if shown in LABELS:
        return draw_actions(str(rng.choice(LABELS[shown])), rng)
    if shown == "speech":
        lips = rng.choice(LIPS, 2, replace=False)
        return {"26": rng.uniform(0.1, 0.5)} | {str(unit): rng.uniform(0, 0.5) for unit in lips}
    return {}


def find_intensity(actor: Actor, actions: dict[str, float], target: float) -> float:
    """Find the factor on `actions` that moves the strongest parts by `target` per cent, as `mer` measures."""
    factor = 0.1
    for _ in range(3):
        shown = {unit: factor * value for unit, value in actions.items()}
        factor *= target / max(reached_strength(actor, shown), 1e-6) if target else 0.0
    return factor


def reached_strength(actor: Actor, actions: dict[str, float]) -> float:
    """Return how far the strongest parts move, per cent of the inter-ocular distance."""
    rest, moved = (actor.landmarks(FaceState(shown)) for shown in ({}, actions))
    return float(strength(at_sites(moved - rest)) / interocular(rest) * PER_CENT)


def _covered(picture: np.ndarray, actor: Actor) -> np.ndarray:
    """Cover mouth and chin with a hand-coloured patch."""
    x, y = actor.landmarks()[[0, 17, 61, 291, 152]].mean(0).astype(int)
    reach = len(picture) // 6
    out = picture.copy()
    out[y - reach : y + reach, x - reach : x + reach] = SKIN
    return out


def write_film(path: Path, shot: Shot, frames: Iterator[np.ndarray]) -> None:
    with atomic_replace(path) as temporary, av.open(str(temporary), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=round(shot.fps), options={"crf": str(shot.crf)})
        stream.width = stream.height = shot.side
        stream.pix_fmt = "yuv420p"
        for image in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode())
