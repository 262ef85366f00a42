"""A real face that MediaPipe finds (skimage's astronaut, public domain), moved a little, and small datasets
made of it.
"""

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from data_prep import face_model_file
from data_prep.layouts import ReplicaClip


def shifted(image: np.ndarray, x: float, y: float = 0.0) -> np.ndarray:
    """The image moved by (x, y) px, right and down."""
    matrix = np.array([[1, 0, x], [0, 1, y]], float)
    return cv2.warpAffine(
        image, matrix, image.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


@pytest.fixture(scope="session")
def face_model(request):
    """Work with one of the two kinds of face models: `with face_model("built in")` or "model file".

    The file is that of MER_FACE_MODEL or of the shared data.
    """
    file = os.environ.get(face_model_file.VARIABLE)
    if file is None:  # only then: a model file alone is enough
        shared = request.getfixturevalue("shared_data") / "mediapipe"
        file = next(iter(shared.glob("*.task")), None)

    @contextmanager
    def use(kind: str) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            if kind == "model file":
                if file is None:
                    pytest.skip(f"needs MediaPipe's face_landmarker.task in {face_model_file.VARIABLE}")
                patch.setenv(face_model_file.VARIABLE, str(file))
            else:
                patch.delenv(face_model_file.VARIABLE, raising=False)
                if not face_model_file.has_built_in():
                    pytest.skip("this release of MediaPipe has no models inside")
            yield

    return use


@pytest.fixture
def make_replica(tmp_path, face):
    """Write a replica of a dataset: `make_replica("smic")` returns its root.

    Frames drift right by 1 px each.
    """

    def make(
        name: str, subjects=(1, 2), clips_each=2, apex: int | None = 3, root: Path | None = None
    ) -> Path:
        writer = importlib.import_module(f"data_prep.layouts.{name}")
        root = root or tmp_path / f"{name}_root"
        root.mkdir(parents=True)
        clips = [
            ReplicaClip(
                subject=subject,
                index=index,
                emotion=writer.EMOTIONS[(subject + index) % len(writer.EMOTIONS)],
                action_units="4+7",
                onset=96,
                apex=None if apex is None else 96 + apex,
                offset=101,
                frames=lambda i: shifted(face, i),
            )
            for subject in subjects
            for index in range(1, clips_each + 1)
        ]
        writer.write(root, clips)
        return root

    return make
