"""Follow one face of a video from frame to frame."""

import cv2
import numpy as np

from mer.inference import models
from mer_core.errors import NothingToScore

CROP_SIDE = 1.5  # side of the searched part of a frame, relative to that of the face in it
MAX_CROP_PX = 448  # maximum side of that part; the face mesh itself reads 192 px
RECOUNT_FRAMES = 30  # between two counts of the faces


class FaceTracker:
    """Follows one face from frame to frame.

    Only the part of the frame around the face is searched, which excludes other faces and saves time on large
    frames. A lost face is sought in the whole frame; the face nearest to its last position is taken.

    Parameters
    ----------
    face : int
        1 for the face that is largest when faces first show, 2 for the second largest, and so on; `face_id`
        in tables.
    """

    def __init__(self, face: int = 1):
        self.face = face
        self.n_faces = self.max_faces = 0  # at the last count, and at most
        self._box: np.ndarray | None = None  # last position: left, top, right, bottom px
        self._following, self._frames = False, 0

    def landmarks(self, image: np.ndarray) -> np.ndarray | None:
        """Return the landmarks of the followed face in the next frame.

        Parameters
        ----------
        image : (H, W, 3) uint8 RGB

        Returns
        -------
        (478, 2) float32 px, or None if the face is not visible
        """
        points = landmarks_near(image, self._box) if self._following and self._box is not None else None
        if points is None:
            points = self._find(image)
        elif self._frames % RECOUNT_FRAMES == 0:
            self._count(image)
        self._frames += 1
        self._following = points is not None
        if points is not None:
            self._box = np.concatenate([points.min(0), points.max(0)])
            self.n_faces, self.max_faces = max(self.n_faces, 1), max(self.max_faces, 1)
        return points

    def require(self, clip: str) -> None:
        """Raise `NothingToScore` if the face was never seen; `clip` names the video in the message."""
        if self._box is None and self.face > 1 and self.max_faces:
            raise NothingToScore(
                f"{clip}: face {self.face} was asked for, but at most {self.max_faces} are seen at once. "
                "Give a smaller --face."
            )
        if self._box is None:
            raise NothingToScore(f"{clip}: no face was found. Give a clip that shows a face from the front.")

    def _count(self, image: np.ndarray) -> list[np.ndarray]:
        boxes = models.get_detector()(image)
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
        return models.get_mesh().landmarks(image) if self.face == 1 else None


def landmarks_near(image: np.ndarray, box: np.ndarray) -> np.ndarray | None:
    """Find the landmarks of a face in the part of an image around a box.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    box : (4,) px
        Left, top, right, bottom.

    Returns
    -------
    (478, 2) float32 px of the image, or None
    """
    centre, reach = (box[:2] + box[2:]) / 2, CROP_SIDE / 2 * (box[2:] - box[:2]).max()
    low = np.clip(centre - reach, 0, image.shape[1::-1]).astype(int)
    high = np.clip(np.ceil(centre + reach), 0, image.shape[1::-1]).astype(int)
    if (high - low).min() < 8:
        return None
    part = image[low[1] : high[1], low[0] : high[0]]
    scale = min(1.0, MAX_CROP_PX / max(part.shape[:2]))
    if scale < 1:
        part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    points = models.get_mesh().landmarks(part)
    return None if points is None else (points / scale + low).astype(np.float32)
