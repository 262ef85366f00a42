"""Which face is followed: the largest at first, or the K-th, then the same one from frame to frame."""

import cv2
import numpy as np

from mer.inference import models
from mer_core.errors import NothingToScore

AROUND = 1.5  # side of the part of the frame that is looked at, in sides of the face in it
LOOK = 448  # px, largest side of that part: the face mesh itself sees 192 px


class Follower:
    """Follows one face from frame to frame: `points = Follower(2).landmarks(image)`.

    face : 1 the largest when a face first shows, 2 the second largest, ...
    Only the part of the frame around the face is looked at, which keeps other faces out and large frames quick. A lost
    face is looked for in the whole frame, and the one nearest to where it was lost is taken.
    """

    def __init__(self, face: int = 1):
        self.face, self.count = face, 0  # count : most faces seen at once
        self._last, self._following = None, False

    def landmarks(self, image: np.ndarray) -> np.ndarray | None:
        """Points (478, 2) float32 px of the followed face in `image` (H, W, 3) uint8 RGB; None where it is not seen."""
        points = look(image, self._last) if self._following else None
        if points is None:
            points = self._find(image)
        self._following = points is not None
        if self._following:
            self._last = np.concatenate([points.min(0), points.max(0)])
        return points

    def _find(self, image: np.ndarray) -> np.ndarray | None:
        boxes = models.detector()(image)
        self.count = max(self.count, len(boxes))
        if self._last is not None:
            boxes.sort(key=lambda box: np.linalg.norm(box[:2] + box[2:] - self._last[:2] - self._last[2:]))
            return look(image, boxes[0]) if boxes else None
        if len(boxes) >= self.face:
            return look(image, boxes[self.face - 1])
        return models.mesh().landmarks(image) if self.face == 1 else None

    def require(self, clip: str) -> None:
        """Raise `NothingToScore` if the asked face was never seen."""
        if self._last is None and self.face > 1 and self.count:
            raise NothingToScore(
                f"{clip}: face {self.face} was asked for, but at most {self.count} are seen at once. Give a smaller --face."
            )
        if self._last is None:
            raise NothingToScore(f"{clip}: no face was found. Give a clip that shows a face from the front.")


def look(image: np.ndarray, box: np.ndarray) -> np.ndarray | None:
    """The face mesh on the part of `image` around `box` (left, top, right, bottom)."""
    centre, reach = (box[:2] + box[2:]) / 2, AROUND / 2 * (box[2:] - box[:2]).max()
    low = np.clip(centre - reach, 0, image.shape[1::-1]).astype(int)
    high = np.clip(np.ceil(centre + reach), 0, image.shape[1::-1]).astype(int)
    if (high - low).min() < 8:
        return None
    part = image[low[1] : high[1], low[0] : high[0]]
    scale = min(1.0, LOOK / max(part.shape[:2]))
    if scale < 1:
        part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    points = models.mesh().landmarks(part)
    return None if points is None else (points / scale + low).astype(np.float32)
