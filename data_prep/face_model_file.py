"""Which face model finds landmarks: one inside MediaPipe, or a file that the user gives.

MediaPipe 0.10.21 has its models inside. Later releases (numpy 2, Python 3.13, ARM Linux) have only the Tasks
interface, which reads a model file.
"""

import os
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import click

from mer_core.content import content_id
from mer_core.errors import MissingDependency, NotFound

VARIABLE = "MER_FACE_MODEL"
URL = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/"
    "face_landmarker.task"
)
BUILT_IN = "modules/face_landmark/face_landmark_with_attention.tflite"  # below the package mediapipe
WITH_MODEL = " with model "
DEFAULT_FILE = Path(click.get_app_dir("mer")) / "face_landmarker.task"  # used where no other is named
ADVICE = (
    f"Download {URL} (3.7 MB) and name it with --face-model FILE or {VARIABLE}=FILE, or store it as "
    f"{DEFAULT_FILE}."
)


def model_file() -> Path | None:
    """Find the model file to use; None: the models inside MediaPipe.

    The file that MER_FACE_MODEL names comes first, also where MediaPipe has models inside.

    Raises
    ------
    MissingDependency
        If MediaPipe has no models inside and there is no file; the message says where to get one.
    BadInput
        If MER_FACE_MODEL names no file.
    """
    if named := os.environ.get(VARIABLE):
        if not Path(named).is_file():
            raise NotFound(f"There is no face model at {named} (from --face-model or {VARIABLE}). {ADVICE}")
        return Path(named)
    if has_built_in():
        return None
    if not DEFAULT_FILE.is_file():
        raise MissingDependency(f"MediaPipe {version('mediapipe')} has no face model inside. {ADVICE}")
    return DEFAULT_FILE


def has_built_in() -> bool:
    """Return whether MediaPipe contains models; True without MediaPipe, whose import says what to install."""
    package = find_spec("mediapipe")
    return package is None or (Path(str(package.origin)).parent / BUILT_IN).is_file()


def describe_model() -> str:
    """Name what finds landmarks, for results to record: MediaPipe's version, and a model file's hash."""
    file = model_file()
    release = version("mediapipe")
    return release if file is None else f"{release}{WITH_MODEL}{content_id(file)}"


def is_same_model(one: str, other: str) -> bool:
    """Return whether two descriptions mean one model; that of a file is the same in every release."""
    return one.split(WITH_MODEL)[-1] == other.split(WITH_MODEL)[-1]
