"""MediaPipe's face models behind one interface.

They come with release 0.10.21, or in a model file for later ones. Other modules use `FaceMesh` in
landmarks.py.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile, ZipFile

import cv2
import numpy as np

from data_prep.face_model_file import ADVICE, model_file
from mer_core.errors import BadInput, LimitExceeded, UnreadableFile
from mer_core.lazy_import import defer_packages

# The file's detector sees 128 px, and in them faces wider than about 20 px. So it is also shown overlapping
# squares of a picture, a half and, where no face has been found by then, a quarter as wide as the picture.
TILE, SPLITS = 256, (1, 2, 4)  # px; squares along the longer side
MAX_OVERLAP = 0.1  # intersection over union of two boxes, above which they are of one face
BLANK = np.zeros((64, 64, 3), np.uint8)
MAX_SIDE_PX = 1 << 14  # MediaPipe ends the process at sides of 2^15 px, and half a side may be added


class MeshModel(Protocol):
    """Finds the points of one face. Serves one caller at a time."""

    def points(self, image: np.ndarray) -> np.ndarray | None:
        """Find one face in (H, W, 3) uint8 RGB; return its (478, 3) landmarks, or None without a face.

        Landmarks are in px, x right, y down, z away from the camera.
        """

    def close(self) -> None:
        """Free the model."""


class FaceDetector(Protocol):
    """Finds faces of any size. Serves one caller at a time."""

    def boxes(self, image: np.ndarray) -> list[np.ndarray]:
        """Return boxes (left, top, right, bottom) px of the faces in (H, W, 3) uint8 RGB, best first."""

    def close(self) -> None:
        """Free the model."""


def load_mesh() -> MeshModel:
    """Load the face mesh inside MediaPipe, or that in the file that `model_file` finds.

    Raises
    ------
    MissingDependency, BadInput
        As `model_file`, or if the file holds no face landmarker.
    """
    file = model_file()
    return BuiltInMesh() if file is None else TaskMesh(file)


def load_detector(min_confidence: float) -> FaceDetector:
    """Load a face detector in the same way; it drops faces less certain than `min_confidence` (0..1)."""
    file = model_file()
    return BuiltInDetector(min_confidence) if file is None else TaskDetector(file, min_confidence)


def check_size(image: np.ndarray) -> None:
    """Raise `LimitExceeded` for (H, W, ...) px on which MediaPipe would end the whole process."""
    height, width = image.shape[:2]
    if max(height, width) > MAX_SIDE_PX:
        raise LimitExceeded(
            f"A picture of {width} x {height} px is too large to find faces in: {MAX_SIDE_PX} px a side are "
            "possible. Cut out the face, or scale the picture down."
        )


class BuiltInMesh:
    """The face mesh inside MediaPipe 0.10.21."""

    def __init__(self) -> None:
        self._seen_face = False
        with silence_stderr():
            FaceMesh = _import_solution("face_mesh").FaceMesh
            self._mesh = FaceMesh(static_image_mode=True, max_num_faces=1, refine_landmarks=True)
            self._mesh.process(BLANK)  # loads the models, which log that

    def points(self, image: np.ndarray) -> np.ndarray | None:
        """See `MeshModel`."""
        with silence_stderr(not self._seen_face):  # the first face is logged too
            faces = self._mesh.process(np.ascontiguousarray(image)).multi_face_landmarks
        if not faces:
            return None
        self._seen_face = True
        return _in_px(faces[0].landmark, image)

    def close(self) -> None:
        """See `MeshModel`."""
        self._mesh.close()


class BuiltInDetector:
    """The full-range face detector inside MediaPipe 0.10.21."""

    def __init__(self, min_confidence: float):
        with silence_stderr():
            FaceDetection = _import_solution("face_detection").FaceDetection
            self._detector = FaceDetection(model_selection=1, min_detection_confidence=min_confidence)
            self._detector.process(BLANK)

    def boxes(self, image: np.ndarray) -> list[np.ndarray]:
        """See `FaceDetector`."""
        faces = self._detector.process(np.ascontiguousarray(image)).detections or []
        size = np.array(image.shape[1::-1] * 2)
        places = [face.location_data.relative_bounding_box for face in faces]
        return [np.array([p.xmin, p.ymin, p.xmin + p.width, p.ymin + p.height]) * size for p in places]

    def close(self) -> None:
        """See `FaceDetector`."""
        self._detector.close()


class TaskMesh:
    """The face landmarker of MediaPipe's Tasks interface."""

    def __init__(self, file: Path) -> None:
        self._seen_face = False
        self._mesh = _load_task(file, "FaceLandmarker", file.read_bytes())

    def points(self, image: np.ndarray) -> np.ndarray | None:
        """See `MeshModel`."""
        with silence_stderr(not self._seen_face):
            faces = self._mesh.detect(_task_image(image)).face_landmarks
        if not faces:
            return None
        self._seen_face = True
        return _in_px(faces[0], image)

    def close(self) -> None:
        """See `MeshModel`."""
        with silence_stderr():
            self._mesh.close()


class TaskDetector:
    """The short-range face detector inside a face landmarker's file, shown parts of large pictures, too."""

    def __init__(self, file: Path, min_confidence: float):
        try:
            model = ZipFile(file).read("face_detector.tflite")
        except (BadZipFile, KeyError) as error:
            raise _not_a_landmarker(file) from error
        self._seen_picture = False
        self._detector = _load_task(file, "FaceDetector", model, min_detection_confidence=min_confidence)

    def boxes(self, image: np.ndarray) -> list[np.ndarray]:
        """See `FaceDetector`."""
        places, scores = [], []
        with silence_stderr(not self._seen_picture):  # it may log that a tile had to be copied
            for n in SPLITS:
                for tile, corner, scale in _tiles(image, n):
                    for face in self._detector.detect(_task_image(tile)).detections:
                        box = face.bounding_box
                        low = corner + np.array([box.origin_x, box.origin_y]) / scale
                        places.append([*low, box.width / scale, box.height / scale])
                        scores.append(face.categories[0].score)
                if places and n > 1:
                    break
        self._seen_picture = True
        kept = cv2.dnn.NMSBoxes(places, scores, 0.0, MAX_OVERLAP) if places else []
        return [np.array(places[i]) + [0, 0, *places[i][:2]] for i in kept]

    def close(self) -> None:
        """See `FaceDetector`."""
        with silence_stderr():
            self._detector.close()


def _import_solution(name: str) -> Any:
    """Import one of MediaPipe's solutions without the others and their matplotlib: half a second and 40 MB.

    MediaPipe drops options from a graph whose messages nobody has imported: those of the face mesh, which the
    detector also needs, and two that a package imports which is left out here.
    """
    defer_packages("mediapipe", "mediapipe.python", "mediapipe.python.solutions")
    import mediapipe.calculators.tensor.tensors_to_floats_calculator_pb2
    import mediapipe.framework.tool.switch_container_pb2
    import mediapipe.python.solutions.face_mesh  # noqa: F401

    return import_module(f"mediapipe.python.solutions.{name}")


def _load_task(file: Path, name: str, model: bytes, **options: Any) -> Any:
    """Load a task of MediaPipe and show it a blank picture, because it logs messages at its first one."""
    with silence_stderr():
        from mediapipe.tasks.python import BaseOptions, vision

        kind = getattr(vision, name)
        kind.__del__ = _keep_quiet
        settings = getattr(vision, f"{name}Options")(BaseOptions(model_asset_buffer=model), **options)
        try:
            task = kind.create_from_options(settings)
        except (RuntimeError, ValueError, OSError) as error:
            raise _not_a_landmarker(file) from error
        task.detect(_task_image(BLANK))
    return task


def _keep_quiet(task: Any) -> None:
    """Replace MediaPipe's `__del__`, which prints a traceback for a task left open at the end."""


def _not_a_landmarker(file: Path) -> BadInput:
    return UnreadableFile(f"{file} is not a face landmarker of MediaPipe, or is damaged. {ADVICE}")


def _tiles(image: np.ndarray, n: int) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Yield overlapping squares of TILE px, `n` along the longer side: tile, corner in the picture, scale.

    Yields nothing if the picture is too small for them.
    """
    scale = n * TILE / max(image.shape[:2])
    if scale > 1 < n:
        return
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    for top in _starts(small.shape[0]):
        for left in _starts(small.shape[1]):
            yield small[top : top + TILE, left : left + TILE], np.array([left, top]) / scale, scale


def _starts(length: int) -> np.ndarray:
    last = max(length - TILE, 0)
    return np.linspace(0, last, int(np.ceil(2 * last / TILE)) + 1).astype(int)


def _task_image(image: np.ndarray) -> Any:
    import mediapipe

    return mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image))


def _in_px(landmarks: Any, image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]  # depth is in widths, too
    return np.array([(point.x * width, point.y * height, point.z * width) for point in landmarks])


@contextmanager
def silence_stderr(enabled: bool = True) -> Iterator[None]:
    """Discard what C++ code writes to file descriptor 2: MediaPipe logs there, past Python's sys.stderr."""
    if not enabled:
        yield
        return
    sys.stderr.flush()
    saved = os.dup(2)
    null_device = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null_device, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null_device)
