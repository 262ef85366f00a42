"""What `mer info` prints: versions, devices, and where things lie."""

import os
import platform
import re
import sys
import tempfile
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import mer_core
from data_prep.face_model_file import model_file
from mer_core.content import content_id
from mer_core.device import n_cores
from mer_core.errors import BadInput
from mer_core.jit import HAS_NUMBA

PACKAGES = ("numpy", "torch", "scikit-learn", "mediapipe", "opencv-contrib-python", "av")
FOR_DEVELOPERS = ("dev", "docs", "test")
MISSING = "not installed"


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
        "extras": _extras(),
        "CPU cores": str(n_cores()),
        "GPU": gpu,
        "flow weights": str(Path(flow.__file__).parent / "weights"),
        "face model": _face_model(),
        "bundle": str(default_path()),
        "compiled code": _compiled_code(),
        "clips of mer app": f"{tempfile.gettempdir()}, until they are deleted",
    }


def _extras() -> str:
    """Return the extras whose packages are installed, and the others."""
    packages: dict[str, list[str]] = {}
    with suppress(metadata.PackageNotFoundError):  # run from its source
        for line in metadata.requires("srflow-mer") or []:
            if found := re.match(r"([\w.-]+).*extra == ['\"](\w+)", line):
                packages.setdefault(found[2], []).append(found[1])
    is_complete = {
        extra: all(_version(name) != MISSING for name in names)
        for extra, names in packages.items()
        if extra not in FOR_DEVELOPERS
    }
    installed, others = (
        ", ".join(e for e in is_complete if is_complete[e] is wanted) for wanted in (True, False)
    )
    return f"{installed or 'none'}; not installed: {others or 'none'}"


def _compiled_code() -> str:
    if not HAS_NUMBA:
        return "none; the extra numba compiles"
    return os.environ.get("NUMBA_CACHE_DIR", "beside its source; NUMBA_CACHE_DIR moves it")


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
        return MISSING
