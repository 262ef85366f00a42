"""Folders and files as they are found, and writing without leaving half of one: a temporary name beside the target, then a rename."""

import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

from mer.errors import BadInput


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` to write to; it takes the place of `path` only if the block succeeds.

    The temporary name keeps the suffix, because image and table writers choose their format by it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode  # that of any new file; safetensors would keep its files from everybody else
        temporary.unlink()
        yield temporary
        temporary.chmod(mode)
        os.replace(temporary, path)
    except OSError as error:
        if error.filename in (None, str(temporary)):  # a full disk names no file, and the temporary one means nothing to a user
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def visible(folder: str | Path) -> set[str]:
    """Names in `folder` that are not hidden; none where there is no such folder. A folder without any may be written to."""
    return {path.name for path in Path(folder).glob("*") if not path.name.startswith(".")}


def read_json(path: str | Path) -> dict[str, Any]:
    """The object in a JSON file; raises `BadInput` if it cannot be read or holds something else."""
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # both kinds of damage, to the text and to the JSON, are ValueErrors
        raise BadInput(f"{path} cannot be read: {error}.") from error
    if not isinstance(value, dict):
        raise BadInput(f"{path} cannot be read: it is a JSON {type(value).__name__}, not an object.")
    return value


def printable(path: str | Path) -> str:
    """The path, or text with one in it, as any file can hold it: bytes of a name that are not UTF-8, as in old archives, as \\xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
