"""What a file is by its content: size and hash, so that finished work is never taken for that of another
file.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from mer_core.errors import BadInput

CHUNK_BYTES = 1 << 20
N_HEX_DIGITS = 32  # of the SHA-256 that are kept: 128 bits


def content_id(files: Path | Iterable[Path]) -> str:
    """Identify one file, or several together, by their bytes: "SIZE-HASH".

    Of several, the names count too, because the number of a frame stands there; the folder and the order do
    not.

    Raises
    ------
    BadInput : a file cannot be read.
    """
    if isinstance(files, Path):
        size, digest = _digest(files)
        return f"{size}-{digest.hexdigest()[:N_HEX_DIGITS]}"
    total, together = 0, hashlib.sha256()
    for file in sorted(files, key=lambda path: path.name):
        size, digest = _digest(file)
        total += size
        together.update(f"{file.name}\0{size}\0".encode("utf-8", "surrogateescape") + digest.digest())
    return f"{total}-{together.hexdigest()[:N_HEX_DIGITS]}"


def _digest(file: Path) -> tuple[int, "hashlib._Hash"]:
    size, digest = 0, hashlib.sha256()
    try:
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                size += len(chunk)
                digest.update(chunk)
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from error
    return size, digest
