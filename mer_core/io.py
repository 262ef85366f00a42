"""Folders and files as they are found, and writing without leaving half of one: a temporary name beside the
target, then a rename.
"""

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

from mer_core.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

MAX_UNPACKED_BYTES = 400_000_000  # bytes of one .npz; flow of 4000 x 3000 px has 96 million


@contextmanager
def atomic_replace(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` to write to; it takes the place of `path` only if the block
    succeeds.

    The temporary name keeps the suffix, because image and table writers choose their format by it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        temporary.touch()
        mode = (
            temporary.stat().st_mode
        )  # that of any new file; safetensors would keep its files from everybody else
        temporary.unlink()
        yield temporary
        temporary.chmod(mode)
        os.replace(temporary, path)
    except OSError as error:
        if str(error.filename) in (
            "None",
            str(temporary),
        ):  # a full disk names no file, and the temporary one means nothing to a user
            error.filename = str(path)
        raise
    finally:
        if temporary.exists():  # a read-only disk refuses to remove even what is not there
            temporary.unlink()


def visible_names(folder: str | Path) -> set[str]:
    """Names in `folder` that are not hidden.

    None where there is no such folder. A folder without any may be written to.
    """
    return {path.name for path in Path(folder).glob("*") if not path.name.startswith(".")}


def read_json(path: str | Path) -> dict[str, Any]:
    """The object in a JSON file; raises `BadInput` if it cannot be read or holds something else."""
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except (
        OSError,
        ValueError,
        RecursionError,
    ) as error:  # both kinds of damage, to the text and to the JSON, are ValueErrors
        raise BadInput(f"{path} cannot be read: {error}.") from error
    if not isinstance(value, dict):
        raise BadInput(f"{path} cannot be read: it is a JSON {type(value).__name__}, not an object.")
    return value


def printable_path(path: str | Path) -> str:
    """The path, or text with one in it, as any file can hold it: bytes of a name that are not UTF-8, as in
    old archives, as \\xNN.
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with atomic_replace(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_npz(path: str | Path, **arrays: "np.ndarray[Any, Any]") -> None:
    """Write arrays as .npz, whole or not at all.

    Equal arrays give equal bytes, because numpy dates them all 1980.
    """
    import numpy as np

    buffer = (
        BytesIO()
    )  # straight to a full disk, the zip file would print a traceback of its own when it is forgotten
    np.savez(buffer, **arrays)
    with atomic_replace(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def read_npz(path: str | Path) -> "dict[str, np.ndarray[Any, Any]]":
    """Every array in an .npz file, by name.

    Raises
    ------
    BadInput
        If it is damaged, holds objects, or would take more than `MAX_UNPACKED_BYTES` bytes of memory.
    """
    import numpy as np

    try:
        with ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise BadInput(f"{path} unpacks to more than {MAX_UNPACKED_BYTES // 10**6} MB.")
            for entry in archive.infolist():
                with archive.open(entry) as file:
                    _check_header(file, entry.file_size)
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    except BadInput:
        raise
    except Exception as error:  # parsers of damaged archives raise whatever they stumble over
        raise BadInput(
            f"{path} is not a readable .npz file ({error}). Delete it and make it again."
        ) from error


def _check_header(file: Any, n_bytes: int) -> None:
    """Refuse an array whose header promises more than its file holds: numpy would allocate that first."""
    import numpy as np

    headers: Any = np.lib.format
    old = headers.read_magic(file) == (1, 0)
    read = headers.read_array_header_1_0 if old else headers.read_array_header_2_0
    shape, _, dtype = read(file)
    if math.prod(shape) * dtype.itemsize > n_bytes:
        raise ValueError(f"{dtype} of shape {shape} does not fit into {n_bytes} bytes")


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
