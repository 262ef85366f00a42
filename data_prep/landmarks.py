"""478 face points per frame with MediaPipe's face mesh, and the names of the point groups everyone else uses.

Every frame is taken by itself, so its points do not depend on which frames came before.
Left and right are the person's own: the right eye lies at smaller x in the image.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import cv2
import numpy as np

N_POINTS = 478

# Source of the groups: FACEMESH_* in mediapipe/python/solutions/face_mesh_connections.py; a test compares
# them.
RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
RIGHT_BROW = (46, 53, 52, 65, 55, 107, 66, 105, 63, 70)
LEFT_BROW = (276, 283, 282, 295, 285, 336, 296, 334, 293, 300)
NOSE = (168, 6, 197, 195, 5, 4, 1, 19, 94, 2, 98, 97, 326, 327, 294, 278, 344, 440, 275, 45, 220, 115, 48, 64)
LIPS = (
    61,
    146,
    91,
    181,
    84,
    17,
    314,
    405,
    321,
    375,
    291,
    409,
    270,
    269,
    267,
    0,
    37,
    39,
    40,
    185,
    78,
    95,
    88,
    178,
    87,
    14,
    317,
    402,
    318,
    324,
    308,
    415,
    310,
    311,
    312,
    13,
    82,
    81,
    80,
    191,
)
FACE_OVAL = (
    10,
    338,
    297,
    332,
    284,
    251,
    389,
    356,
    454,
    323,
    361,
    288,
    397,
    365,
    379,
    378,
    400,
    377,
    152,
    148,
    176,
    149,
    150,
    136,
    172,
    58,
    132,
    93,
    234,
    127,
    162,
    21,
    54,
    103,
    67,
    109,
)
CHIN = 152

RIGHT_EYE_CORNERS = (33, 133)
LEFT_EYE_CORNERS = (362, 263)
# Points on bone rather than muscle: eye corners, nose bridge, nose base. Brows, lids, lips and chin move with
# expressions.
STABLE_POINTS = RIGHT_EYE_CORNERS + LEFT_EYE_CORNERS + (168, 6, 197, 195, 2)
# The two eye centres, each the middle of its corners: unlike the irises they stay when the gaze moves or the
# lids close.
EYE_CORNERS = (RIGHT_EYE_CORNERS, LEFT_EYE_CORNERS)


def interocular(landmarks: np.ndarray) -> float:
    """Distance between the two eye centres of (478, 2) landmarks, in their unit (px): the face's natural
    yardstick.
    """
    right, left = (landmarks[list(corners)].mean(axis=0) for corners in EYE_CORNERS)
    return float(np.linalg.norm(left - right))


class FaceMesh:
    """MediaPipe's face mesh, loaded once: `with FaceMesh() as mesh: points = mesh.landmarks(image)`.

    Its face detector wants the face to be neither tiny nor cut off, so a miss is tried twice more. Measured
    on four frontal faces: crops inside the face's own outline are found down to 0.60 of its size instead of
    0.70 after padding with black. Pasted into a 4K frame, none is found by the detector alone up to a width
    of 400 px; with the full-range detector in front most are from 150 px on (one of the four was missed at
    200 px), and some at 60 to 120 px.
    """

    def __init__(self):
        with silence_stderr():
            from mediapipe.python.solutions.face_mesh import FaceMesh as MediaPipeMesh

            self._mesh = MediaPipeMesh(static_image_mode=True, max_num_faces=1, refine_landmarks=True)
            self._mesh.process(
                np.zeros((64, 64, 3), np.uint8)
            )  # the models load, and talk, at the first image
        self._detector = None
        self._seen_face = False

    def __enter__(self) -> "FaceMesh":
        return self

    def __exit__(self, *_) -> None:
        self._mesh.close()
        if self._detector is not None:
            self._detector.close()

    def landmarks(self, image: np.ndarray) -> np.ndarray | None:
        """Points of the face in `image`, (H, W, 3) uint8 RGB, as (478, 2) float32 px, x right, y down.

        None without a face.
        """
        for attempt in (self._whole, self._padded, self._found_from_afar):
            points = attempt(image)
            if points is not None:
                return points.astype(np.float32)
        return None

    def _whole(self, image: np.ndarray) -> np.ndarray | None:
        with nullcontext() if self._seen_face else silence_stderr():  # the first face is announced too
            faces = self._mesh.process(np.ascontiguousarray(image)).multi_face_landmarks
        if not faces:
            return None
        self._seen_face = True
        height, width = image.shape[:2]
        return np.array([(point.x * width, point.y * height) for point in faces[0].landmark])

    def _padded(self, image: np.ndarray) -> np.ndarray | None:
        """For a face cut by the image border: the same with a black margin."""
        margin = max(image.shape[:2]) // 4
        points = self._whole(cv2.copyMakeBorder(image, *[margin] * 4, cv2.BORDER_CONSTANT))
        return None if points is None else points - margin

    def _found_from_afar(self, image: np.ndarray) -> np.ndarray | None:
        """For a small face in a large frame: find it with the full-range detector, then look at that part
        alone.
        """
        if self._detector is None:
            with silence_stderr():
                from mediapipe.python.solutions.face_detection import FaceDetection

                self._detector = FaceDetection(model_selection=1)
                self._detector.process(np.zeros((64, 64, 3), np.uint8))
        faces = self._detector.process(np.ascontiguousarray(image)).detections
        if not faces:
            return None
        box = faces[0].location_data.relative_bounding_box
        scale = np.array([image.shape[1], image.shape[0]])
        centre = (np.array([box.xmin, box.ymin]) + np.array([box.width, box.height]) / 2) * scale
        reach = max(
            np.array([box.width, box.height]) * scale
        )  # the part is twice as wide and high as the face
        low = np.clip(centre - reach, 0, scale).astype(int)
        high = np.clip(centre + reach, 0, scale).astype(int)
        part = image[low[1] : high[1], low[0] : high[0]]
        points = self._whole(part) if part.size else None
        return None if points is None else points + low


@contextmanager
def silence_stderr() -> Iterator[None]:
    """Send what C++ writes to file descriptor 2 nowhere: MediaPipe logs its start-up there, past Python's
    sys.stderr.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
