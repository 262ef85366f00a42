"""Configurations by name: the YAML files of `configs/`, in a checkout or beside an installation."""

import sys
from pathlib import Path

from mer_core.errors import BadInput
from mer_core.registry import check_name

_FOLDERS = (Path(__file__).parents[1] / "configs", Path(sys.prefix) / "share" / "mer" / "configs")


def config_names() -> list[str]:
    """Return the names of the configurations that ship, sorted."""
    return sorted({file.stem for folder in _FOLDERS for file in folder.glob("*.yaml")})


def find_config(name: str | Path) -> Path:
    """Return the file of a configuration, given by its path or by the name of one that ships.

    Raises
    ------
    UnknownName
        If it is neither; the message offers the nearest name.
    BadInput
        If it looks like a path and there is no such file.
    """
    path = Path(name)
    if path.is_file():
        return path
    if path.suffix or len(path.parts) > 1:
        raise BadInput(f"There is no configuration at {path}. The path is taken from {Path.cwd()}.")
    check_name(str(name), config_names(), "configuration")
    return next(file for folder in _FOLDERS if (file := folder / f"{name}.yaml").is_file())
