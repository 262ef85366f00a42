"""Content identity: size and hash of files, so that results are never attributed to changed input."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from mer_core.errors import UnreadableFile

CHUNK_BYTES = 1 << 20
N_HEX_DIGITS = 32  # kept of the SHA-256: 128 bits


def content_id(files: Path | Iterable[Path]) -> str:
    """Identify one file, or several together, by their bytes.

    For several files, their names count too, because frame numbers are part of the name; their folder and
    order do not.

    Returns
    -------
    str
        "SIZE-HASH": total size in bytes, and hexadecimal digits of a SHA-256.

    Raises
    ------
    BadInput
        If a file cannot be read.
    """
    if isinstance(files, Path):
        size, digest = _digest(files)
        return f"{size}-{digest.hexdigest()[:N_HEX_DIGITS]}"
    total, combined = 0, hashlib.sha256()
    for file in sorted(files, key=lambda path: path.name):
        size, digest = _digest(file)
        total += size
        combined.update(f"{file.name}\0{size}\0".encode("utf-8", "surrogateescape") + digest.digest())
    return f"{total}-{combined.hexdigest()[:N_HEX_DIGITS]}"


def _digest(file: Path) -> tuple[int, "hashlib._Hash"]:
    size, digest = 0, hashlib.sha256()
    try:
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                size += len(chunk)
                digest.update(chunk)
    except OSError as error:
        raise UnreadableFile(f"{file} cannot be read: {error.strerror}.") from error
    return size, digest
