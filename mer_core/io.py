"""Files: atomic writing (a temporary file beside the target, then a rename) and checked reading."""

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

from mer_core.errors import BadInput, UnreadableFile

if TYPE_CHECKING:
    import numpy as np

MAX_UNPACKED_BYTES = 400_000_000  # of one .npz; the flow of a 4000 x 3000 px image has 96 million


@contextmanager
def atomic_replace(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` to write to; it replaces `path` only if the block succeeds.

    The temporary name keeps the suffix, because image and table writers choose their format by it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode  # the default mode; safetensors makes its files private
        temporary.unlink()
        yield temporary
        temporary.chmod(mode)
        os.replace(temporary, path)
    except OSError as error:
        # A full disk names no file, and the temporary name means nothing to a user.
        if str(error.filename) in ("None", str(temporary)):
            error.filename = str(path)
        raise
    finally:
        if temporary.exists():  # on a read-only disk, unlink fails even for a missing file
            temporary.unlink()


def visible_names(folder: str | Path) -> set[str]:
    """Return the names in `folder` that are not hidden; empty if the folder does not exist."""
    return {path.name for path in Path(folder).glob("*") if not path.name.startswith(".")}


def read_json(path: str | Path) -> dict[str, Any]:
    """Return the object in a JSON file; raise `BadInput` if it is unreadable or not an object."""
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # invalid UTF-8 and JSON are ValueErrors
        raise UnreadableFile(f"{path} cannot be read: {error}.") from error
    if not isinstance(value, dict):
        raise UnreadableFile(f"{path} cannot be read: it is a JSON {type(value).__name__}, not an object.")
    return value


def printable_path(path: str | Path) -> str:
    """Return a path as valid UTF-8: bytes of old file names that are not UTF-8 become \\xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8 atomically."""
    with atomic_replace(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_npz(path: str | Path, **arrays: "np.ndarray[Any, Any]") -> None:
    """Write arrays as .npz atomically; equal arrays give equal bytes (numpy dates all entries 1980)."""
    import numpy as np

    buffer = BytesIO()  # on a full disk, a ZipFile that writes directly prints a traceback when collected
    np.savez(buffer, **arrays)
    with atomic_replace(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def read_npz(path: str | Path) -> "dict[str, np.ndarray[Any, Any]]":
    """Return the arrays of an .npz file by name.

    Raises
    ------
    BadInput
        If the file is damaged, contains objects, or unpacks to more than `MAX_UNPACKED_BYTES`.
    """
    import numpy as np

    try:
        with ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise UnreadableFile(f"{path} unpacks to more than {MAX_UNPACKED_BYTES // 10**6} MB.")
            for entry in archive.infolist():
                with archive.open(entry) as file:
                    _check_header(file, entry.file_size)
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    except BadInput:
        raise
    except Exception as error:  # zipfile and numpy raise many types on damaged archives
        raise UnreadableFile(
            f"{path} is not a readable .npz file ({error}). Delete it and make it again."
        ) from error


def map_npy(path: Path) -> "np.ndarray[Any, Any]":
    """Return the array of a .npy file, read from disk where it is used; numpy's errors pass through.

    Raises ValueError for Python objects, and for several arrays saved one behind the other.
    """
    import numpy as np

    values: np.ndarray[Any, Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    n_more = path.stat().st_size - values.offset - values.nbytes if isinstance(values, np.memmap) else 0
    if n_more:
        raise ValueError(f"{n_more} bytes follow its array, perhaps another one")
    return values


def read_npy_header(file: Any) -> "tuple[tuple[int, ...], np.dtype[Any]]":
    """Return shape and dtype that the header of an open .npy file declares; numpy's errors pass through."""
    import numpy as np

    headers: Any = np.lib.format
    is_version_1 = headers.read_magic(file) == (1, 0)
    read_header = headers.read_array_header_1_0 if is_version_1 else headers.read_array_header_2_0
    shape, _, dtype = read_header(file)
    return shape, dtype


def _check_header(file: Any, n_bytes: int) -> None:
    """Raise ValueError if a header declares more bytes than the file has: numpy would allocate them."""
    shape, dtype = read_npy_header(file)
    if math.prod(shape) * dtype.itemsize > n_bytes:
        raise ValueError(f"{dtype} of shape {shape} does not fit into {n_bytes} bytes")


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
