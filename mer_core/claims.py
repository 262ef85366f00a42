"""Claims on output folders: work continues only under the same settings and on the same data.

A JSON file in the folder stores what identifies the work. `locks.py` keeps other processes out while one
writes.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mer_core.errors import ChangedSettings, OccupiedOutput
from mer_core.io import read_json, visible_names, write_json

ADVICE = "Choose another --out, or delete that folder."


def claim_folder(
    folder: Path,
    file: str,
    settings: Mapping[str, Any],
    content: str,
    *,
    record: Mapping[str, Any] | None = None,
    advice: str = ADVICE,
    besides: Collection[str] = (),
) -> None:
    """Claim `folder` for the work that `settings` identify, or check that it already holds this work.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.
    file : str
        Name of the JSON file in it that stores the settings.
    settings : mapping
        What identifies the work; nested mappings are compared key by key.
    content : str
        What the folder holds, for messages, such as "prepared faces".
    record : mapping or None
        Further facts to store; they may differ from those of an earlier call.
    advice : str
        What the user can do if the settings differ.
    besides : collection of str
        Names that the folder may hold before it is claimed.

    Raises
    ------
    ChangedSettings
        If the folder holds work with other settings; the message names each changed setting.
    BadInput
        If the folder holds something else.
    """
    check_claim(folder, file, settings, content, advice=advice, besides=besides)
    write_json(folder / file, {**settings, **(record or {})})


def check_claim(
    folder: Path,
    file: str,
    settings: Mapping[str, Any],
    content: str,
    *,
    advice: str = ADVICE,
    besides: Collection[str] = (),
) -> None:
    """Raise as `claim_folder` if it would refuse the folder; `settings` may be some of those claimed."""
    if (folder / file).is_file():
        check_unchanged(folder, read_json(folder / file), settings, content, advice)
    elif visible_names(folder) - set(besides):
        raise OccupiedOutput(f"{folder} is not empty and holds no {content}. Choose another --out.")


def check_unchanged(
    folder: Path, stored: Mapping[str, Any], settings: Mapping[str, Any], content: str, advice: str = ADVICE
) -> None:
    """Raise `ChangedSettings` if any of `settings` differs from the `stored` one; the message names each."""
    if changes := describe_changes(stored, settings):
        raise ChangedSettings(f"{folder} holds {content} of other settings: {'; '.join(changes)}. {advice}")


def describe_changes(stored: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """Describe each value of `settings` that differs from the stored one; nested keys read `outer.inner`."""
    old, new = flatten({key: stored[key] for key in settings if key in stored}), flatten(settings)
    return [
        f"{key} was {_format_value(old, key)} and is now {_format_value(new, key)}"
        for key in new | old
        if key not in new or key not in old or old[key] != new[key]
    ]


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings as one level with dotted keys, such as `options.preset`."""
    result: dict[str, Any] = {}
    for key, value in settings.items():
        result |= (
            flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
        )
    return result


def _format_value(settings: Mapping[str, Any], key: str) -> str:
    return repr(settings[key]) if key in settings else "not set"
