"""Store uploads in a private temporary folder per server, with a subfolder per clip.

A server locks its folder while it runs, so that the next one can recognise and delete what a crash left.
"""

import fcntl
import os
import secrets
import shutil
import tempfile
import unicodedata
from pathlib import Path

from mer_core.errors import LimitExceeded

PREFIX = "mer-app-"
LOCK = ".lock"
SPARE_BYTES = 200_000_000  # of the disk, left free


class Storage:
    """The files of one server, a context manager that deletes them at its end."""

    def __init__(self, parent: Path | None = None):
        parent = Path(parent or tempfile.gettempdir())
        self.n_leftovers = delete_leftovers(parent)
        self.root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))  # readable by this user alone
        self._lock = (self.root / f"{LOCK}.new").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        (self.root / f"{LOCK}.new").rename(self.root / LOCK)  # never there without being locked

    def __enter__(self) -> "Storage":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def new_folder(self, size: int = 0) -> Path:
        """Return a new folder with an unguessable name; raise `LimitExceeded` if `size` bytes do not fit."""
        free = shutil.disk_usage(self.root).free
        if free < size + SPARE_BYTES:
            raise LimitExceeded(
                f"The disk of {self.root.parent} has {free / 1e6:.0f} MB left; the clip needs "
                f"{size / 1e6:.0f} MB and some room. Free some space, or set TMPDIR to another disk."
            )
        folder = self.root / secrets.token_urlsafe(9)
        folder.mkdir()
        return folder

    def delete(self, folder: Path) -> None:
        """Delete the folder of one clip."""
        shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Delete everything."""
        shutil.rmtree(self.root, ignore_errors=True)
        self._lock.close()


def delete_leftovers(parent: Path) -> int:
    """Delete the folders of this user's servers that crashed; return their number."""
    n_deleted = 0
    for folder in parent.glob(PREFIX + "*"):
        try:
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            with (folder / LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
                n_deleted += 1
        except OSError:  # in use (locked), incomplete, or not ours
            continue
    return n_deleted


def safe_name(name: str) -> str:
    """Return a file name without folders and control characters, shortened before its suffix."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(c for c in name if unicodedata.category(c)[0] != "C").strip().lstrip(".")
    stem, dot, suffix = name.rpartition(".")
    stem, suffix = (stem, dot + suffix[:10]) if dot else (name, "")
    while len(os.fsencode(stem + suffix)) > 200 or len(stem) > 100:
        stem = stem[:-1]
    return (stem or "clip") + suffix
