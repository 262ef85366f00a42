"""The apex between an annotated onset and offset: the middle, or plain rules on what changes or moves in the
face.

`midpoint` looks at nothing. `frame-difference` follows how the face's grey values change over the clip; the
apex is where the strongest pattern of change peaks (`spot_apex`). docs/results/spotting.md has the distance
of each from a known apex.

A change counts around brows, nose wings, mouth and cheeks, and only what the whole head or the light cannot
explain. The eyes are left out, because a blink moves more than any micro-expression. These are rules to start
from, not trained spotters. Where nothing at all is annotated, mer/inference/onset_apex.py finds both.
"""

from collections.abc import Iterable

import cv2
import numpy as np

from data_prep.align import warp_face
from mer_core.errors import NothingToScore

METHODS = ("midpoint", "frame-difference")
SIZE = 96  # px of the aligned faces that are compared: coarse enough to average sensor noise, and quick
BLUR = 1.5  # px, standard deviation
# Where expressions show, eyes left out: top, bottom, left, right in fractions of the aligned face.
BROWS = (0.06, 0.19, 0.15, 0.85)
MOUTH_AND_CHEEKS = (0.40, 0.86, 0.20, 0.80)


def _region_mask() -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), bool)
    for top, bottom, left, right in (BROWS, MOUTH_AND_CHEEKS):
        mask[int(top * SIZE) : int(bottom * SIZE), int(left * SIZE) : int(right * SIZE)] = True
    return mask


_Y, _X = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j].astype(np.float32)  # of each pixel, from the middle
_MEASURED = _region_mask()


def midpoint(onset: int, offset: int) -> int:
    """The frame in the middle of the span, the usual stand-in for an apex that nobody annotated."""
    return (onset + offset) // 2


def grey_face(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """What is compared: the frame aligned by `matrix` (made for `SIZE`), grey, blurred.

    (SIZE, SIZE) float32.
    """
    grey = cv2.cvtColor(warp_face(image, matrix, SIZE), cv2.COLOR_RGB2GRAY).astype(np.float32)
    return cv2.GaussianBlur(grey, (0, 0), BLUR)


def face_change(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """What changed in the face from `a` to `b`, both from `grey_face`: grey levels of the pixels that are
    looked at, (n,).

    The difference is first cleared, by least squares, of eight things that are no expression: gain, bias,
    light that grows from left to right or from top to bottom, and to first order a shift in x, a shift in y,
    a turn and a change of scale (the image's derivative in each direction).
    """
    dy, dx = np.gradient(a)
    explained = np.stack(
        [a, np.ones_like(a), _X * a, _Y * a, dx, dy, _X * dy - _Y * dx, _X * dx + _Y * dy], axis=-1
    )[_MEASURED]
    seen = (b - a)[_MEASURED]
    weights = np.linalg.solve(explained.T @ explained + 1e-3 * np.eye(8), explained.T @ seen)
    return seen - explained @ weights


def spot_apex(frames: Iterable[tuple[int, np.ndarray]], matrix: np.ndarray) -> int:
    """Number of the apex, given (number, image) of a clip from onset to offset.

    matrix : the clip's similarity for `SIZE`, from its onset

    An expression comes and goes again between onset and offset, and a drifting head does not: so what grows
    evenly from the first frame to the last is taken out of every point. Of the rest, the one pattern that
    explains most of it over the clip (its first principal component) is the expression, and the frame that
    shows most of it the apex. That is averaged over a tenth of the clip, so that one noisy frame does not
    win. Raises `NothingToScore` where there is no frame after the onset.
    """
    frames = iter(frames)
    onset = grey_face(next(frames)[1], matrix)
    found = [
        (number, face_change(onset, grey_face(image, matrix)).astype(np.float32)) for number, image in frames
    ]
    if not found:
        raise NothingToScore("The clip has one frame; motion needs two.")
    numbers, changes = zip(*found)
    amounts = _transient_amounts(np.stack(changes))
    return numbers[int(np.argmax(_smooth(amounts, len(amounts) // 20)))]


def _transient_amounts(changes: np.ndarray) -> np.ndarray:
    """How much each frame shows of the pattern that comes and goes: (frames, n) changes since the onset ->
    (frames,).
    """
    last = changes[-max(1, len(changes) // 20) :].mean(axis=0)
    share = np.arange(1, len(changes) + 1)[:, None] / len(changes)
    patterns, *_ = np.linalg.svd(changes - share * last, full_matrices=False)
    return np.abs(patterns[:, 0])


def _smooth(values: np.ndarray, reach: int) -> np.ndarray:
    """Running mean over `reach` values to either side, at least one, the ends repeated."""
    width = 2 * max(1, reach) + 1
    return np.convolve(np.pad(values, width // 2, mode="edge"), np.full(width, 1 / width), mode="valid")
