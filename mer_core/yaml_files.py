"""Safe reading of YAML files: no tags that construct objects, no aliases that expand without limit."""

from pathlib import Path
from typing import Any

import yaml

from mer_core.errors import UnreadableFile

MAX_BYTES = 1_000_000
MAX_VALUES = 100_000  # with aliases expanded; ten lines of nested aliases can stand for 1e9 values


def read_yaml(path: str | Path) -> Any:
    """Return the value in a YAML file; None if the file is empty.

    Raises
    ------
    BadInput
        If the file cannot be read, is larger than `MAX_BYTES`, expands to more than `MAX_VALUES`, or contains
        itself.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnreadableFile(
                f"{path} cannot be read: a settings file has at most {MAX_BYTES // 10**6} MB."
            )
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
        n_values = _n_values(value, {})
    # An invalid date is a ValueError, endless brackets are a RecursionError.
    except (OSError, ValueError, TypeError, OverflowError, RecursionError, yaml.YAMLError) as error:
        raise UnreadableFile(f"{path} cannot be read: {error}") from error
    if n_values > MAX_VALUES:
        raise UnreadableFile(f"{path} cannot be read: its aliases stand for more than {MAX_VALUES} values.")
    return value


def _n_values(value: Any, known: dict[int, int | None]) -> int:
    """Count the values with aliases expanded; raise ValueError for a value that contains itself."""
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) not in known:
        known[id(value)] = None
        inside = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_n_values(part, known) for part in inside)
    n = known[id(value)]
    if n is None:
        raise ValueError("a value contains itself")
    return n
