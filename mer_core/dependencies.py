"""Messages about missing packages and system libraries, with the command that installs them."""

import platform
import re
import sys
from importlib import import_module
from types import ModuleType

from mer_core.errors import MissingDependency

OWN_PACKAGES = {"mer_core", "data_prep", "flow", "mer", "benchmarks"}
# Shared library that OpenCV or MediaPipe needs -> its package in Debian and Ubuntu, and in Fedora and RHEL.
SYSTEM_PACKAGES = {
    "libGL": ("libgl1", "mesa-libGL"),
    "libEGL": ("libegl1", "mesa-libEGL"),
    "libGLESv2": ("libgles2", "mesa-libGLES"),
    "libgthread-2": ("libglib2.0-0", "glib2"),
    "libglib-2": ("libglib2.0-0", "glib2"),
    "libgomp": ("libgomp1", "libgomp"),
    "libSM": ("libsm6", "libSM"),
    "libXext": ("libxext6", "libXext"),
    "libXrender": ("libxrender1", "libXrender"),
}

# Always named together: where one is missing, the other usually is too, and only shows up in the next run.
COMMON_LIBRARIES = ("libGL", "libglib-2")
WHEEL_HINTS = {
    "mediapipe": "MediaPipe is built for Linux, Windows, macOS on ARM, and macOS on Intel with Python 3.10 "
    "to 3.12. "
}


def import_extra(module: str, extra: str, purpose: str) -> ModuleType:
    """Import a module that an extra installs.

    Parameters
    ----------
    module : str
    extra : str
        Name of the extra in setup.cfg.
    purpose : str
        What needs it; the subject of the message.

    Raises
    ------
    MissingDependency
        If it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in OWN_PACKAGES:
            raise
        raise MissingDependency(
            f"{purpose} needs {error.name}. Install the extra: pip install 'srflow-mer[{extra}]'"
        ) from error


def as_missing_dependency(error: ImportError) -> MissingDependency | None:
    """Turn a failed import into an error that says what to install; None if the fault is our own."""
    if library := re.search(r"(lib[\w+-]+)[\w.+-]*\.so[\d.]*", str(error)):
        packages = [
            SYSTEM_PACKAGES[name] for name in (library[1], *COMMON_LIBRARIES) if name in SYSTEM_PACKAGES
        ]
        debian, fedora = (" ".join(dict.fromkeys(names)) for names in zip(*packages))
        return MissingDependency(
            f"The system library {library[0]} is missing or damaged. Install it: "
            f"apt-get install {debian} (Debian, Ubuntu), dnf install {fedora} (Fedora)."
        )
    package = (error.name or "").split(".")[0]
    if not isinstance(error, ModuleNotFoundError) or not package or package in OWN_PACKAGES:
        return None
    here = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    return MissingDependency(
        f"The package {package} is not installed for {sys.executable} ({here}). "
        f"{WHEEL_HINTS.get(package, '')}Install what mer needs: pip install srflow-mer"
    )
