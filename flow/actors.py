"""Synthetic actors for the demo: one public-domain face bent, tinted and lit into many, with facial motion we know.

Good enough to exercise every stage on faces that a detector finds; not a training set and not evidence about people.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import skimage.data

from data_prep.landmarks import FaceMesh
from flow.motion import SITES, Bumps, Displacements, Texture, facial_field, grid, to_uint8

NOISE = 1.5  # grey levels, standard deviation: a good camera in room light

# FACS action unit -> the sites it moves, as (outward from the midline, up), 1 = the most-moved site. A name without a side
# means both sides. Directions after Ekman, Friesen and Hager, "Facial Action Coding System: The Manual", 2002; the sizes
# relative to each other are ours, by eye.
ACTION_UNITS: dict[int, Displacements] = {
    1: {"inner_brow": (0.0, 1.0), "outer_brow": (0.0, 0.2)},
    2: {"outer_brow": (0.0, 1.0), "inner_brow": (0.0, 0.2)},
    4: {"inner_brow": (-0.6, -1.0), "outer_brow": (-0.1, -0.4)},
    5: {"upper_lid": (0.0, 0.7)},
    6: {"cheek": (0.1, 0.8), "lower_lid": (0.0, 0.5), "outer_brow": (-0.1, -0.2)},
    7: {"lower_lid": (-0.1, 0.6), "upper_lid": (0.0, -0.4)},
    9: {"nose_wing": (0.1, 1.0), "upper_lip": (0.0, 0.4), "inner_brow": (-0.2, -0.5), "cheek": (-0.1, 0.4)},
    10: {"upper_lip": (0.0, 1.0), "nose_wing": (0.2, 0.6)},
    12: {"lip_corner": (0.8, 0.8), "cheek": (0.3, 0.4)},
    14: {"lip_corner": (0.7, 0.0), "cheek": (-0.2, 0.0)},
    15: {"lip_corner": (0.2, -1.0), "chin": (0.0, -0.1)},
    16: {"lower_lip": (0.0, -1.0), "chin": (0.0, -0.2)},
    17: {"chin": (0.0, 1.0), "lower_lip": (0.0, 0.8)},
    20: {"lip_corner": (1.0, -0.2), "lower_lip": (0.0, -0.2)},
    23: {"lip_corner": (-0.5, 0.0), "upper_lip": (0.0, -0.4), "lower_lip": (0.0, 0.4)},
    24: {"upper_lip": (0.0, -0.5), "lower_lip": (0.0, 0.6), "chin": (0.0, 0.3)},
    26: {"chin": (0.0, -1.0), "lower_lip": (0.0, -0.9), "lip_corner": (0.0, -0.3)},
}

# Emotion -> sets of action units that code it; one is drawn per clip. Sources: Friesen and Ekman, "EMFACS-7: Emotional
# Facial Action Coding System", 1983 (unpublished manual; the common prototypes), and for repression, which EMFACS does not
# have, Yan et al., "CASME II", PLOS ONE 2014, table 2 (AU15 or AU17, alone or together).
EMOTIONS: dict[str, tuple[tuple[int, ...], ...]] = {
    "happiness": ((6, 12), (12,)),
    "surprise": ((1, 2, 5, 26), (1, 2, 5), (1, 2)),
    "disgust": ((9,), (9, 10), (4, 9, 17), (10, 17)),
    "sadness": ((1, 4, 15), (1, 4), (1, 15, 17)),
    "anger": ((4, 5, 7, 23), (4, 7, 24), (4, 7)),
    "fear": ((1, 2, 4, 5, 20), (1, 4, 20)),
    "contempt": ((14,),),
    "repression": ((15,), (17,), (15, 17)),
}


def moves(action_units: tuple[int, ...]) -> Displacements:
    """Displacement of every site, site -> (dx right, dy down), when `action_units` act together; the longest is 1."""
    total = {site: np.zeros(2) for site in SITES}
    for unit in action_units:
        for name, (outward, up) in ACTION_UNITS[unit].items():
            for site, sign in ((name, 0), (f"{name}_right", -1), (f"{name}_left", 1)):  # the person's right is image left
                if site in total:
                    total[site] += (sign * outward, -up)
    longest = max(np.hypot(*shift) for shift in total.values())
    return {site: (float(dx / longest), float(dy / longest)) for site, (dx, dy) in total.items() if dx or dy}


@dataclass(frozen=True)
class Actor:
    """One synthetic person; make it with `actor`."""

    size: int  # px, frames are (size, size, 3)
    landmarks: np.ndarray  # (478, 2) float64 px, in the neutral frame
    _face: Texture
    _identity: Bumps  # where each point of this face lies on the common face
    _gain: np.ndarray  # (3,) skin tone and brightness
    _light: np.ndarray  # (H, W, 1) lamp to one side

    def frame(
        self,
        displacements: Displacements,
        amplitude: float = 1.0,
        head: tuple[float, float, float] = (0.0, 0.0, 0.0),
        noise_rng: np.random.Generator | None = None,
    ) -> np.ndarray:
        """One picture of the actor, (size, size, 3) uint8 RGB.

        displacements : site -> (dx right, dy down) px, for example 2 px times each of `moves((6, 12))`
        amplitude     : 0 (neutral) to 1, how much of the displacements is shown
        head          : (dx px, dy px, degrees clockwise) of the head against the neutral pose
        noise_rng     : draws the sensor noise of this frame; None for a picture without noise
        """
        shown = {site: (-amplitude * dx, -amplitude * dy) for site, (dx, dy) in displacements.items()}
        centre = self.landmarks.mean(0)
        turn = np.deg2rad(head[2])
        unturn = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        still = (grid((self.size, self.size)) - centre - head[:2]) @ unturn.T + centre
        neutral = still + facial_field(self.landmarks, shown).at(still)
        colours = self._face.sample(neutral + self._identity.at(neutral)) * self._gain * self._light
        if noise_rng is not None:
            colours = colours + noise_rng.normal(0, NOISE, colours.shape)
        return to_uint8(colours)


def actor(seed: int, size: int = 320) -> Actor:
    """The actor number `seed`: always the same face for the same number and size."""
    rng = np.random.default_rng([seed, 7])
    picture, found = _common_face(bool(rng.integers(2)))
    # The face fills about 70 % of the frame's height, a little off its centre.
    low, high = found.min(0), found.max(0)
    scale = (high[1] - low[1]) / (rng.uniform(0.66, 0.74) * size)
    middle = (low + high) / 2 + rng.uniform(-0.02, 0.02, 2) * size * scale
    matrix = np.array([[scale, 0, middle[0] - scale * size / 2], [0, scale, middle[1] - scale * size / 2]])
    common = (found - matrix[:, 2]) / scale

    identity = _identity(rng, common, size)
    landmarks = common.copy()
    for _ in range(30):  # where the points of the common face lie on this one: y + identity(y) = common
        landmarks = common - identity.at(landmarks)

    gain = np.exp(rng.uniform(-0.45, 0.1)) * np.array([1.0, rng.uniform(0.86, 1.0), rng.uniform(0.72, 1.02)])
    side = rng.uniform(-0.25, 0.25, 2)
    light = 1 + ((grid((size, size)) / size - 0.5) @ side)[..., None]
    return Actor(size, landmarks, Texture(picture, matrix), identity, gain, light)


def _identity(rng: np.random.Generator, face: np.ndarray, size: int) -> Bumps:
    """A smooth random bend of the face, nearly symmetric: features apart or together, longer or shorter, full or slim."""
    low, high = face.min(0), face.max(0)
    centres = low + (high - low) * np.array([(x, y) for y in (0.1, 0.4, 0.7, 1.0) for x in (0.1, 0.5, 0.9)])
    wider, lower = rng.normal(0, 0.03 * size, (2, 4, 1))
    middle = rng.normal(0, 0.02 * size, (4, 1))
    across = wider * (-1, 0, 1)
    down = lower * (1, 0, 1) + middle * (0, 1, 0)
    shifts = np.stack([across, down], axis=-1).reshape(-1, 2) + rng.normal(0, 0.005 * size, (12, 2))
    return Bumps(centres, shifts, np.full(len(centres), 0.17 * size))


@lru_cache
def _common_face(mirrored: bool) -> tuple[np.ndarray, np.ndarray]:
    """scikit-image's astronaut (NASA, public domain), (512, 512, 3) uint8 RGB, and its landmarks (478, 2) px."""
    picture = skimage.data.astronaut()
    if mirrored:
        picture = np.ascontiguousarray(picture[:, ::-1])
    # The detector sees the face larger than the photograph shows it, which places the points better.
    left, top, side, zoom = (512 - 300 if mirrored else 150), 45, 150, 3
    close = cv2.resize(picture[top : top + side, left : left + side], None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    with FaceMesh() as mesh:
        found = mesh.landmarks(close)
    return picture, (found + 0.5) / zoom - 0.5 + np.array([left, top])
