"""How the skin looks around points of the face, so that a cover or a turn between two frames is noticed.

Both would be read as motion. An expression moves the skin and changes few points, those at teeth and lids.
"""

import cv2
import numpy as np

from mer.inference.head_motion import mean_face

N_POINTS = 128  # spread evenly over the face, unlike the mesh, which is dense at eyes and lips
REACH = 2  # px of the aligned face within which skin may lie elsewhere: landmarks miss it by as much
# By which a point may differ: fraction of the face's median grey level, and bounds in levels (of 255). In the
# dark, a cover differs by less.
MAX_DIFFERENCE, DIFFERENCE_LIMITS = 1 / 15, (2.5, 8.0)
# Fraction of the points that may differ: laughs and open mouths change up to 0.15, and most hands over a
# quarter of the face or more exceed this (docs/results/spotting-real.md).
MAX_CHANGED = 0.2


def _spread_points() -> np.ndarray:
    """Return `N_POINTS` rows of the mesh, each the farthest from those before it, from the nose tip on."""
    face = mean_face()[:, :2]
    chosen = [4]
    distance = np.linalg.norm(face - face[4], axis=1)
    while len(chosen) < N_POINTS:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(face - face[chosen[-1]], axis=1))
    return np.array(chosen)


POINTS = _spread_points()


def read_appearance(grey: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return grey level at `POINTS`, and the lowest and highest within `REACH`, (3, N_POINTS) uint8.

    Parameters
    ----------
    grey : (S, S) float32
        The aligned face, blurred.
    points : (478, 2) px
        Landmarks in it.
    """
    levels = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * REACH + 1, 2 * REACH + 1))
    x, y = np.clip(np.rint(points[POINTS]).astype(int), 0, len(grey) - 1).T
    return np.stack([levels[y, x], cv2.erode(levels, around)[y, x], cv2.dilate(levels, around)[y, x]])


def changed_fraction(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the fraction of points that look different in other frames, (n,) 0..1.

    A point looks the same if its level in each frame is found near it in the other, exposure apart.

    Parameters
    ----------
    one : (3, N_POINTS)
    others : (n, 3, N_POINTS)
    """
    one, others = one.astype(float), others.astype(float)
    level, low, high = np.moveaxis(others - np.median(others[:, :1] - one[0], axis=-1, keepdims=True), 1, 0)
    beyond = [low - one[0], one[0] - high, one[1] - level, level - one[2]]
    limit = np.clip(MAX_DIFFERENCE * np.median(one[0]), *DIFFERENCE_LIMITS)
    return (np.max(beyond, axis=0) > limit).mean(-1)
