"""What `mer info` prints: versions, devices, and where things lie."""

import os
import platform
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import mer_core
from data_prep.face_model_file import model_file
from mer_core.content import content_id
from mer_core.device import n_cores
from mer_core.errors import BadInput

PACKAGES = ("numpy", "torch", "scikit-learn", "mediapipe", "opencv-contrib-python", "av")


def facts() -> dict[str, str]:
    """Return what a bug report should hold, name -> value."""
    import torch

    import flow
    from mer.bundle import default_path

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none that torch can use"
    return {
        "mer": mer_core.__version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": f"{platform.system()} {platform.machine()}",
        **{name: _version(name) for name in PACKAGES},
        "CPU cores": str(n_cores()),
        "GPU": gpu,
        "flow weights": str(Path(flow.__file__).parent / "weights"),
        "face model": _face_model(),
        "bundle": str(default_path()),
        "compiled code": os.environ.get("NUMBA_CACHE_DIR", "beside its source; NUMBA_CACHE_DIR moves it"),
        "clips of mer app": f"{tempfile.gettempdir()}, until they are deleted",
    }


def _face_model() -> str:
    try:
        file = model_file()
        return "inside MediaPipe" if file is None else f"{file} ({content_id(file)})"
    except BadInput as error:
        return f"none. {error}"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
