"""Plausibility of a face mesh: whether its landmarks lie on a face that can be measured.

MediaPipe always returns a complete, smooth mesh, even for half a face, a face upside down or a face behind a
hand. Each check here compares one property with human anatomy; the plausibility is that of the weakest.
"""

from typing import NamedTuple

import cv2
import numpy as np

from data_prep.align import fit_similarity, transform_points, warp_face
from data_prep.landmarks import CHIN, EYE_CORNERS, interocular

MIN_PLAUSIBILITY = 0.5  # landmarks below this are not used for measurement
SIZE = 128  # px, side of the aligned face in which the lips are checked
# Outer and inner rim of the lips in order; upper lids and lower edges of the brows (right, left).
LIP_RIM = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
LIP_INNER_RIM = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
UPPER_LIDS = ((160, 159, 158), (385, 386, 387))
LOWER_BROWS = ((53, 52, 65), (283, 282, 295))
MOUTH_CORNERS = (61, 291)
# Points of the mouth from its right to its left: rims of the upper and of the lower lip, outer and inner.
MOUTH_ROWS = (
    (185, 40, 39, 37, 0, 267, 269, 270, 409),
    (191, 80, 81, 82, 13, 312, 311, 310, 415),
    (95, 88, 178, 87, 14, 317, 402, 318, 324),
    (146, 91, 181, 84, 17, 314, 405, 321, 375),
)
MIN_MOUTH_CONTRAST = 6.0  # levels of L* (0-255), standard deviation: below, symmetry is chance
# Property -> (value of plausibility 0, value of plausibility 1), in inter-ocular distances unless noted.
LIMITS = {
    "upright": (-0.1, 0.4),  # cosine of the angle between the down axes of face and image
    "mirrored": (0.0, 0.3),  # sine of the angle from the person's right-to-left axis to the face's down axis
    "brows": (0.0, 0.06),  # height of the brows above the lids
    "mouth": (0.45, 0.65),  # height of the eyes above the mouth
    "chin": (0.25, 0.4),  # height of the mouth above the chin
    "lips": (-0.5, 1.0),  # contrast of the lips with the skin around them, see `_lip_contrast`
    "symmetry": (0.4, 0.8),  # correlation of the mouth with its mirror image; an alternative for pale lips
}
WORDS = {
    "upright": "the face is upside down",
    "mirrored": "the mesh is mirrored",
    "brows": "the lids lie above the brows",
    "mouth": "the mouth lies at the eyes",
    "chin": "the chin lies at the mouth",
    "lips": "the lips do not stand out from the skin around them: something may cover the mouth",
}


class Plausibility(NamedTuple):
    """The result of the weakest check."""

    value: float  # 0 (impossible for a face) to 1
    weakest: str  # key of `WORDS`

    @property
    def reason(self) -> str:
        """What is wrong, for messages."""
        return WORDS[self.weakest]


def plausibility(landmarks: np.ndarray, image: np.ndarray | None = None) -> Plausibility:
    """Rate a face mesh.

    Parameters
    ----------
    landmarks : (478, 2) float px of the image
        x right, y down.
    image : (H, W, 3) uint8 RGB or None
        Without it, the lips are not checked.

    Returns
    -------
    Plausibility
        Compare its value with `MIN_PLAUSIBILITY`.
    """
    properties = _proportions(landmarks.astype(float))
    if image is not None:
        matrix = fit_similarity(landmarks, SIZE)
        face = cv2.GaussianBlur(warp_face(image, matrix, SIZE), (0, 0), 1)
        colour = cv2.cvtColor(face, cv2.COLOR_RGB2LAB).astype(np.float32)
        points = transform_points(landmarks, matrix).astype(np.float32)
        properties |= {"lips": _lip_contrast(points, colour), "symmetry": _mouth_symmetry(points, colour)}
    ratings = {
        name: float(np.clip((value - LIMITS[name][0]) / (LIMITS[name][1] - LIMITS[name][0]), 0, 1))
        for name, value in properties.items()
    }
    if "lips" in ratings:  # pale lips, and lips of grey videos, show by the symmetry of the mouth
        ratings["lips"] = max(ratings["lips"], ratings.pop("symmetry"))
    weakest = min(ratings, key=ratings.__getitem__)
    return Plausibility(ratings[weakest], weakest)


def _proportions(points: np.ndarray) -> dict[str, float]:
    """Return the properties that follow from the landmarks alone, along the face's own down axis."""
    right, left = (points[list(corners)].mean(0) for corners in EYE_CORNERS)
    unit, eyes, mouth = interocular(points), (right + left) / 2, points[list(MOUTH_CORNERS)].mean(0)
    down = points[CHIN] - eyes
    down /= max(np.linalg.norm(down), 1e-9)
    across = (left - right) / max(unit, 1e-9)
    brows = [
        (points[list(lid)].mean(0) - points[list(brow)].mean(0)) @ down
        for lid, brow in zip(UPPER_LIDS, LOWER_BROWS)
    ]
    return {
        "upright": float(down[1]),
        "mirrored": float(across[0] * down[1] - across[1] * down[0]),
        "brows": min(brows) / max(unit, 1e-9),
        "mouth": float((mouth - eyes) @ down) / max(unit, 1e-9),
        "chin": float((points[CHIN] - mouth) @ down) / max(unit, 1e-9),
    }


def _lip_contrast(points: np.ndarray, colour: np.ndarray) -> float:
    """Return how much the lips differ from the skin around them in L* or a*: 1 or more is clear, 0 is not.

    The inside of the mouth is excluded. An occluding hand has the same colour on both sides of the rim.

    `points` (478, 2) px are those of the aligned face, `colour` (SIZE, SIZE, 3) float32 is L*a*b*, 0 to 255.
    """
    rims = np.rint(points).astype(np.int32)
    outside = cv2.fillPoly(np.zeros((SIZE, SIZE), np.uint8), [rims[list(LIP_RIM)]], 1)
    lips = outside - cv2.fillPoly(np.zeros_like(outside), [rims[list(LIP_INNER_RIM)]], 1) * outside
    ring = cv2.dilate(outside, np.ones((9, 9), np.uint8)) - cv2.dilate(outside, np.ones((3, 3), np.uint8))
    if not lips.any() or not ring.any():
        return 0.0
    lightness, red, _ = np.median(colour[lips > 0], axis=0) - np.median(colour[ring > 0], axis=0)
    return float(max(-lightness / 4, red / 1.5))


def _mouth_symmetry(points: np.ndarray, colour: np.ndarray) -> float:
    """Return the correlation of the mouth's lightness with its mirror image; 0 where it hardly varies.

    Teeth, the slit between the lips and the shade below them look alike on both sides; a hand in front of
    them does not. Light from one side is removed.
    """
    rims = points[np.array(MOUTH_ROWS)]
    grid = np.concatenate([rims, (rims[:-1] + rims[1:]) / 2])
    seen = cv2.remap(colour[..., 0], grid[..., 0], grid[..., 1], cv2.INTER_LINEAR)
    across = np.arange(grid.shape[1]) - (grid.shape[1] - 1) / 2
    seen = seen - seen.mean()
    seen -= (seen @ across).mean() / (across @ across) * across
    if seen.std() < MIN_MOUTH_CONTRAST:
        return 0.0
    return float((seen * seen[:, ::-1]).sum() / (seen**2).sum())
