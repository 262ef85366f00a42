"""Which face is followed: the largest at first, or the K-th, then the same one from frame to frame."""

import cv2
import numpy as np

from mer.inference import models
from mer_core.errors import NothingToScore

AROUND = 1.5  # side of the part of the frame that is searched, in sides of the face in it
MAX_SIDE = 448  # px, largest side of that part: the face mesh itself sees 192 px
RECOUNT = 30  # frames between two counts of the faces


class FaceTracker:
    """Follows one face from frame to frame: `points = FaceTracker(2).landmarks(image)`.

    face : 1 the largest when a face first shows, 2 the second largest, ...; it is the `face_id` of every
    table Only the part of the frame around the face is searched, which keeps other faces out and large frames
    quick. A lost face is looked for in the whole frame, and the one nearest to where it was lost is taken.
    """

    def __init__(self, face: int = 1):
        self.face = face
        self.n_faces = self.max_faces = 0  # at the last count, and at most
        self._box: np.ndarray | None = None  # left, top, right, bottom px, where it was seen last
        self._following, self._frames = False, 0

    def landmarks(self, image: np.ndarray) -> np.ndarray | None:
        """Points (478, 2) float32 px of the followed face in `image` (H, W, 3) uint8 RGB; None where it is
        not seen.
        """
        points = landmarks_near(image, self._box) if self._following and self._box is not None else None
        if points is None:
            points = self._find(image)
        elif self._frames % RECOUNT == 0:
            self._count(image)
        self._frames += 1
        self._following = points is not None
        if points is not None:
            self._box = np.concatenate([points.min(0), points.max(0)])
            self.n_faces, self.max_faces = max(self.n_faces, 1), max(self.max_faces, 1)
        return points

    def require(self, clip: str) -> None:
        """Raise `NothingToScore` if the asked face was never seen."""
        if self._box is None and self.face > 1 and self.max_faces:
            raise NothingToScore(
                f"{clip}: face {self.face} was asked for, but at most {self.max_faces} are seen at once. "
                "Give a smaller --face."
            )
        if self._box is None:
            raise NothingToScore(f"{clip}: no face was found. Give a clip that shows a face from the front.")

    def _count(self, image: np.ndarray) -> list[np.ndarray]:
        boxes = models.detector()(image)
        self.n_faces = len(boxes)
        self.max_faces = max(self.max_faces, len(boxes))
        return boxes

    def _find(self, image: np.ndarray) -> np.ndarray | None:
        boxes = self._count(image)
        if self._box is not None:
            lost = self._box
            boxes.sort(key=lambda box: np.linalg.norm(box[:2] + box[2:] - lost[:2] - lost[2:]))
            return landmarks_near(image, boxes[0]) if boxes else None
        if len(boxes) >= self.face:
            return landmarks_near(image, boxes[self.face - 1])
        return models.mesh().landmarks(image) if self.face == 1 else None


def landmarks_near(image: np.ndarray, box: np.ndarray) -> np.ndarray | None:
    """Find the face mesh in the part of `image` around `box` (left, top, right, bottom)."""
    centre, reach = (box[:2] + box[2:]) / 2, AROUND / 2 * (box[2:] - box[:2]).max()
    low = np.clip(centre - reach, 0, image.shape[1::-1]).astype(int)
    high = np.clip(np.ceil(centre + reach), 0, image.shape[1::-1]).astype(int)
    if (high - low).min() < 8:
        return None
    part = image[low[1] : high[1], low[0] : high[0]]
    scale = min(1.0, MAX_SIDE / max(part.shape[:2]))
    if scale < 1:
        part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    points = models.mesh().landmarks(part)
    return None if points is None else (points / scale + low).astype(np.float32)
