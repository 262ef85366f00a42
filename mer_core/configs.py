"""Shipped configurations by name: the YAML files of `configs/`, in a checkout or an installation."""

import sys
from pathlib import Path

from mer_core.errors import NotFound
from mer_core.registry import check_name

_FOLDERS = (Path(__file__).parents[1] / "configs", Path(sys.prefix) / "share" / "mer" / "configs")


def config_names() -> list[str]:
    """Return the names of the shipped configurations, sorted."""
    return sorted({file.stem for folder in _FOLDERS for file in folder.glob("*.yaml")})


def find_config(name: str | Path) -> Path:
    """Return the file of a configuration, given as a path or as the name of a shipped one.

    Raises
    ------
    UnknownName
        If it is neither; the message offers the nearest name.
    BadInput
        If it looks like a path but no such file exists.
    """
    path = Path(name)
    if path.is_file():
        return path
    if path.suffix or len(path.parts) > 1:
        raise NotFound(f"There is no configuration at {path}. The path is taken from {Path.cwd()}.")
    check_name(str(name), config_names(), "configuration")
    return next(file for folder in _FOLDERS if (file := folder / f"{name}.yaml").is_file())
