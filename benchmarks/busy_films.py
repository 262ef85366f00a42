"""Synthetic films that are harder than those of spotting_films.py.

The person also speaks, a hand passes the face, and larger expressions are held. Speech moves jaw and lips
four times a second; the hand is a flat shape in the colour of the skin. Both are cruder than life, and hide
or imitate expressions all the same.
"""

from typing import NamedTuple

import cv2
import numpy as np

from benchmarks.spotting_films import LASTS_S, SIDE, Event, Film, Plan
from flow.splatting.muscles import expression_timing

SLOT_S = 3.5  # one event in each
KINDS = ("micro", "micro", "micro", "macro", "macro", "speech", "speech", "hand", "blink", "head")
BUSY_LASTS_S = LASTS_S | {"macro": (1.0, 3.0), "speech": (1.5, 3.0), "hand": (1.0, 2.5)}
RISE_S = 0.35  # at most, of a held expression; it fades as fast
SYLLABLE_S = 0.25
JAW, LIPS = (0.03, 0.1), (0.01, 0.04)  # inter-ocular distances, of the point that moves most in a syllable
LIP_UNITS = ("10", "17", "20", "23")
CHEEKS = [50, 280, 205, 425]  # landmarks whose colour is the hand's
FINGERS = (-0.42, -0.14, 0.14, 0.42)  # hand's widths from its middle


class Syllable(NamedTuple):
    """One opening of the mouth."""

    time: float  # s
    jaw: float  # inter-ocular distances, as `lips`
    lips: float
    unit: str  # action unit of the lips


class BusyPlan(Plan):
    """Everything that happens in busy film number `seed`."""

    random_stream = 91
    kinds, slot_s, lasts_s = KINDS, SLOT_S, BUSY_LASTS_S
    max_rise_s = RISE_S

    def __init__(self, seed: int):
        self.syllables: list[Syllable] = []
        super().__init__(seed)
        self.hand_target = self._rng.uniform(-0.5, 0.5)  # inter-ocular distances, right of the mouth

    def _add_details(self, event: Event) -> None:
        if event.kind == "speech":
            self.syllables += _draw_syllables(self._rng, event.onset, event.offset)


def _draw_syllables(rng: np.random.Generator, onset: float, offset: float) -> list[Syllable]:
    times = np.arange(onset + SYLLABLE_S / 2, offset - SYLLABLE_S / 2, SYLLABLE_S)
    return [
        Syllable(
            float(time + rng.normal(0, 0.03)),
            rng.uniform(*JAW),
            rng.uniform(*LIPS),
            str(rng.choice(LIP_UNITS)),
        )
        for time in times
    ]


class BusyFilm(Film):
    """Busy film number `seed` as a camera of any rate gives it."""

    plan: BusyPlan
    plan_type = BusyPlan
    seconds = len(KINDS) * SLOT_S

    def __init__(self, seed: int):
        super().__init__(seed)
        self.jaw = self.pull({"26": 1.0}, 0.01)
        self.lips = {unit: self.pull({unit: 1.0}, 0.01) for unit in LIP_UNITS}
        mouth = self.points[[13, 14]].mean(0)
        self.hand_at = mouth + [self.plan.hand_target * self.unit, 0.2 * self.unit]
        columns, rows = self.points[CHEEKS].astype(int).T
        self.skin = np.median(self.open[rows, columns], axis=0)

    def level(self, event: Event, time: float) -> float:
        if event.kind != "macro":
            return super().level(event, time)
        fades = min(RISE_S, event.offset - event.apex)
        return float(
            expression_timing(time, event.onset, event.apex, event.offset - event.apex - fades, fades)
        )

    def picture(self, time: float) -> np.ndarray:
        picture = super().picture(time)
        for event in self.plan.events:
            if event.kind == "hand" and event.onset < time < event.offset:
                half = (event.offset - event.onset) / 2
                near = float(expression_timing(time, event.onset, event.onset + half, 0.0, half))
                picture = self._with_hand(picture, near)
        return picture

    def _at(self, time: float) -> tuple[np.ndarray, np.ndarray, float]:
        turn, pull, lid = super()._at(time)
        for syllable in self.plan.syllables:
            level = float(
                expression_timing(time, syllable.time - SYLLABLE_S / 2, syllable.time, 0.0, SYLLABLE_S / 2)
            )
            if level:
                pull = pull + level * (
                    100 * syllable.jaw * self.jaw + 100 * syllable.lips * self.lips[syllable.unit]
                )
        return turn, pull, lid

    def _with_hand(self, picture: np.ndarray, near: float) -> np.ndarray:
        """Draw a hand between the lower edge (`gaussian_bump` 0) and the mouth (1)."""
        width = 0.9 * self.unit
        away = np.array([self.hand_at[0], SIDE + 2.2 * width])
        top = near * self.hand_at + (1 - near) * away  # the fingertips
        mask = np.zeros((SIDE, SIDE), np.float32)
        for finger in FINGERS:
            base = top + [finger * width, 0.9 * width]
            tip = top + [finger * width, 0.2 * width * abs(finger)]
            cv2.line(
                mask, *(tuple(np.rint(p).astype(int).tolist()) for p in (base, tip)), 1.0, int(0.26 * width)
            )
        palm = top + [0.0, 1.5 * width]
        size = tuple(np.rint([0.6 * width, 0.8 * width]).astype(int).tolist())
        cv2.ellipse(mask, tuple(np.rint(palm).astype(int).tolist()), size, 0, 0, 360, 1.0, -1)
        shade = 0.8 + 0.2 * cv2.GaussianBlur(mask, (0, 0), 0.12 * width)  # darker towards its edge
        mask = cv2.GaussianBlur(mask, (0, 0), 0.8)[..., None]
        return (1 - mask) * picture + mask * (shade[..., None] * self.skin).astype(np.float32)
