"""YAML files, read safely: no tags that build objects, no aliases that unfold without end."""

from pathlib import Path
from typing import Any

import yaml

from mer_core.errors import BadInput

MAX_BYTES = 1_000_000
MAX_VALUES = 100_000  # with every alias written out; ten lines of aliases can stand for 10^9


def read_yaml(path: str | Path) -> Any:
    """The value in a YAML file, None where it is empty.

    Raises
    ------
    BadInput
        If it cannot be read, is larger than `MAX_BYTES`, unfolds to more than `MAX_VALUES`, or contains
        itself.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"{path} cannot be read: more than {MAX_BYTES // 10**6} MB is no settings file.")
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
        n_values = _n_values(value, {})
    # a date that does not exist is a ValueError, and brackets without end are a RecursionError
    except (OSError, ValueError, TypeError, OverflowError, RecursionError, yaml.YAMLError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error
    if n_values > MAX_VALUES:
        raise BadInput(f"{path} cannot be read: its aliases stand for more than {MAX_VALUES} values.")
    return value


def _n_values(value: Any, known: dict[int, int | None]) -> int:
    """How many values there are with every alias written out; ValueError for one that contains itself."""
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
