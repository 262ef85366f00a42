"""Claiming an output folder: earlier work is continued only under the same settings and on the same data.

What identifies the work lies in a JSON file of the folder. For keeping other processes out while writing, see
locks.py.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mer_core.errors import BadInput, ChangedSettings
from mer_core.io import read_json, visible_names, write_json

ADVICE = "Choose another --out, or delete that folder."


def claim_folder(
    folder: Path,
    file: str,
    settings: Mapping[str, Any],
    what: str,
    *,
    record: Mapping[str, Any] | None = None,
    advice: str = ADVICE,
) -> None:
    """Make `folder` the place of this work, or check that it already is.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    file : str
        Name of the JSON file in it.
    settings : mapping
        What identifies the work; nested mappings are compared key by key.
    what : str
        What the folder holds, for messages, such as "prepared faces".
    record : mapping or None
        Further facts to store, which may differ.
    advice : str
        What to do where the settings differ.

    Raises
    ------
    ChangedSettings
        If it holds work of other settings; every changed one is named.
    BadInput
        If it holds something else.
    """
    path = folder / file
    if path.is_file():
        check_unchanged(folder, read_json(path), settings, what, advice)
    elif visible_names(folder):
        raise BadInput(f"{folder} is not empty and holds no {what}. Choose another --out.")
    write_json(path, {**settings, **(record or {})})


def check_unchanged(
    folder: Path, before: Mapping[str, Any], now: Mapping[str, Any], what: str, advice: str = ADVICE
) -> None:
    """Raise `ChangedSettings` naming every setting of `now` that was another in `before`."""
    if changes := describe_changes(before, now):
        raise ChangedSettings(f"{folder} holds {what} of other settings: {'; '.join(changes)}. {advice}")


def describe_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return a phrase for each value of `now` that differs from that of `before`.

    Nested ones are named `outer.inner`.
    """
    old, new = flatten({key: before[key] for key in now if key in before}), flatten(now)
    return [
        f"{key} was {_format_value(old, key)} and is now {_format_value(new, key)}"
        for key in new | old
        if key not in new or key not in old or old[key] != new[key]
    ]


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings as one level, `options.preset` and so on."""
    result: dict[str, Any] = {}
    for key, value in settings.items():
        result |= (
            flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
        )
    return result


def _format_value(settings: Mapping[str, Any], key: str) -> str:
    return repr(settings[key]) if key in settings else "not set"
