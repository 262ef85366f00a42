"""478 face landmarks per frame from MediaPipe's face mesh, and named groups of them.

Each frame is processed independently, so its landmarks do not depend on earlier frames. Left and right are
the person's own: the right eye has the smaller x in the image.
"""

import cv2
import numpy as np

from data_prep.face_models import FaceDetector, check_size, load_detector, load_mesh

N_POINTS = 478

# Source of the groups: FACEMESH_* in mediapipe/python/solutions/face_mesh_connections.py (tested equal).
RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
FACE_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
CHIN = 152

RIGHT_EYE_CORNERS = (33, 133)
LEFT_EYE_CORNERS = (362, 263)
EYE_CORNERS = (RIGHT_EYE_CORNERS, LEFT_EYE_CORNERS)
# Points over bone rather than muscle: eye corners, nose bridge, nose base. Brows, lids, lips and chin move
# with expressions.
STABLE_POINTS = RIGHT_EYE_CORNERS + LEFT_EYE_CORNERS + (168, 6, 197, 195, 2)


def interocular(landmarks: np.ndarray) -> float:
    """Return the distance between the eye centres, the unit of motion on a face.

    An eye centre is the midpoint of the eye's corners: unlike the iris, it stays when the gaze moves or the
    lids close.

    Parameters
    ----------
    landmarks : (478, 2) float
        Face landmarks.

    Returns
    -------
    float
        Distance in the unit of `landmarks`, usually px.
    """
    right, left = (landmarks[list(corners)].mean(axis=0) for corners in EYE_CORNERS)
    return float(np.linalg.norm(left - right))


class FaceMesh:
    """MediaPipe's face mesh, loaded once: `with FaceMesh() as mesh: points = mesh.landmarks(image)`.

    MediaPipe misses faces that are tiny or cut off by the border. A miss is therefore retried with a black
    margin, and then on the part of the image where a detector of small faces finds one. An instance
    serves one thread at a time.
    """

    def __init__(self) -> None:
        self._mesh = load_mesh()
        self._detector: FaceDetector | None = None

    def __enter__(self) -> "FaceMesh":
        return self

    def __exit__(self, *_: object) -> None:
        self._mesh.close()
        if self._detector is not None:
            self._detector.close()

    def landmarks(self, image: np.ndarray) -> np.ndarray | None:
        """Find the landmarks of the face in an image.

        Parameters
        ----------
        image : (H, W, 3) uint8 RGB

        Returns
        -------
        (478, 2) float32 px or None
            x right, y down; None without a face.

        Raises
        ------
        LimitExceeded
            As `landmarks_3d`.
        """
        points = self.landmarks_3d(image)
        return None if points is None else points[:, :2].astype(np.float32)

    def landmarks_3d(self, image: np.ndarray) -> np.ndarray | None:
        """Find the landmarks with MediaPipe's estimate of depth.

        Parameters
        ----------
        image : (H, W, 3) uint8 RGB

        Returns
        -------
        (478, 3) float64 px or None
            x right, y down, z away from the camera; None without a face.

        Raises
        ------
        LimitExceeded
            If a side is longer than MediaPipe's code can deal with.
        """
        check_size(image)
        for attempt in (self._mesh.points, self._detect_with_margin, self._detect_small_face):
            points = attempt(image)
            if points is not None:
                return points
        return None

    def _detect_with_margin(self, image: np.ndarray) -> np.ndarray | None:
        """Find a face that the image border cuts, after adding a black margin."""
        margin = max(image.shape[:2]) // 4
        points = self._mesh.points(cv2.copyMakeBorder(image, *[margin] * 4, cv2.BORDER_CONSTANT))
        return None if points is None else points - (margin, margin, 0)

    def _detect_small_face(self, image: np.ndarray) -> np.ndarray | None:
        """Find a small face in a large image, on the part that the detector of small faces points to."""
        if self._detector is None:
            self._detector = load_detector(min_confidence=0.5)
        boxes = self._detector.boxes(image)
        if not boxes:
            return None
        centre = (boxes[0][:2] + boxes[0][2:]) / 2
        reach = max(boxes[0][2:] - boxes[0][:2])  # the part is twice the size of the face
        low, high = (np.clip(centre + sign * reach, 0, image.shape[1::-1]).astype(int) for sign in (-1, 1))
        part = image[low[1] : high[1], low[0] : high[0]]
        points = self._mesh.points(part) if part.size else None
        return None if points is None else points + (*low, 0)
