"""The apex between an annotated onset and offset, by simple rules.

`midpoint` uses the frame numbers only. `frame-difference` follows the grey values of the face: the apex is
the peak of the dominant pattern of change (`spot_apex`). docs/results/spotting.md compares both with known
apexes.

Changes are measured around brows, nose wings, mouth and cheeks, after removing what head motion or light
explains. The eyes are excluded, because a blink moves more than any micro-expression. Where neither onset nor
apex is annotated, `mer/inference/onset_apex.py` spots both.
"""

from collections.abc import Iterable

import cv2
import numpy as np

from data_prep.align import warp_face
from mer_core.errors import NothingToScore

METHODS = ("midpoint", "frame-difference")
SIZE = 96  # px, side of the compared faces: small enough to average sensor noise, and fast
BLUR_PX = 1.5  # standard deviation
# Regions where expressions show, without the eyes: top, bottom, left, right as fractions of the face.
BROWS = (0.06, 0.19, 0.15, 0.85)
MOUTH_AND_CHEEKS = (0.40, 0.86, 0.20, 0.80)


def _region_mask() -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), bool)
    for top, bottom, left, right in (BROWS, MOUTH_AND_CHEEKS):
        mask[int(top * SIZE) : int(bottom * SIZE), int(left * SIZE) : int(right * SIZE)] = True
    return mask


_Y, _X = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j].astype(np.float32)  # pixel positions
_MEASURED = _region_mask()


def midpoint(onset: int, offset: int) -> int:
    """Return the middle frame, the usual substitute for an apex that is not annotated."""
    return (onset + offset) // 2


def grey_face(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Align a frame, convert it to grey and blur it.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    matrix : (2, 3) float64
        From `fit_similarity` for `SIZE`.

    Returns
    -------
    (SIZE, SIZE) float32, grey levels 0 to 255
    """
    grey = cv2.cvtColor(warp_face(image, matrix, SIZE), cv2.COLOR_RGB2GRAY).astype(np.float32)
    return cv2.GaussianBlur(grey, (0, 0), BLUR_PX)


def face_change(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the change of the face that neither light nor head motion explains.

    Least squares remove eight effects: gain, bias, light gradients in x and y, and to first order
    translation in x and y, rotation and scale.

    Parameters
    ----------
    a, b : (SIZE, SIZE) float32
        Faces from `grey_face`.

    Returns
    -------
    (n,) float
        Remaining change from `a` to `b` of the measured pixels, grey levels.
    """
    dy, dx = np.gradient(a)
    explained = np.stack(
        [a, np.ones_like(a), _X * a, _Y * a, dx, dy, _X * dy - _Y * dx, _X * dx + _Y * dy], axis=-1
    )[_MEASURED]
    change = (b - a)[_MEASURED]
    weights = np.linalg.solve(explained.T @ explained + 1e-3 * np.eye(8), explained.T @ change)
    return change - explained @ weights


def spot_apex(frames: Iterable[tuple[int, np.ndarray]], matrix: np.ndarray) -> int:
    """Spot the apex of a clip from its frame differences.

    An expression comes and goes between onset and offset, a head that drifts does not. Therefore the linear
    trend from the first frame to the last is removed from each pixel. The first principal component of the
    rest is the expression; the apex is the frame that shows most of it, smoothed over a tenth of the clip.

    Parameters
    ----------
    frames : iterable of (int, (H, W, 3) uint8 RGB)
        Number and image of each frame, from onset to offset.
    matrix : (2, 3) float64
        From `fit_similarity` of the onset's landmarks for `SIZE`.

    Returns
    -------
    int
        Frame number of the apex.

    Raises
    ------
    NothingToScore
        If there is no frame after the onset.
    """
    frames = iter(frames)
    onset = grey_face(next(frames)[1], matrix)
    changes_by_number = {
        number: face_change(onset, grey_face(image, matrix)).astype(np.float32) for number, image in frames
    }
    if not changes_by_number:
        raise NothingToScore("The clip has one frame; motion needs two.")
    numbers, changes = zip(*changes_by_number.items())
    amounts = _transient_amounts(np.stack(changes))
    return numbers[int(np.argmax(_smooth(amounts, len(amounts) // 20)))]


def _transient_amounts(changes: np.ndarray) -> np.ndarray:
    """Return how much of the dominant transient pattern each frame shows: (frames, n) -> (frames,)."""
    last = changes[-max(1, len(changes) // 20) :].mean(axis=0)
    trend = np.arange(1, len(changes) + 1)[:, None] / len(changes) * last
    amounts, *_ = np.linalg.svd(changes - trend, full_matrices=False)
    return np.abs(amounts[:, 0])


def _smooth(values: np.ndarray, reach: int) -> np.ndarray:
    """Return the running mean over `reach` values (at least one) on either side; the ends are repeated."""
    width = 2 * max(1, reach) + 1
    return np.convolve(np.pad(values, width // 2, mode="edge"), np.full(width, 1 / width), mode="valid")
