"""Locks that allow one writer per folder; a second one is refused with the holder's host and age.

The lock is a file, so every machine that shares the folder sees it. On the holder's own machine, the
operating system's lock on that file tells a running process from one that was killed.
"""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mer_core.errors import InUse

LOCK_FILE = ".lock"


@contextmanager
def hold_lock(folder: Path, name: str = LOCK_FILE) -> Iterator[None]:
    """Hold the lock of `folder` until the end of the block or of the process.

    A lock left behind by a dead process of this machine is taken over; a lock of another machine is not,
    because whether its process still runs cannot be known here. The folder is created if needed, and removed
    again if it stays empty.

    Raises
    ------
    InUse
        If another process holds the lock.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    descriptor = _acquire(path)
    try:
        os.truncate(descriptor, 0)
        holder = {"host": socket.gethostname(), "process": os.getpid(), "since": time.time()}
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        yield
    finally:
        path.unlink(missing_ok=True)  # while still held, so that no other process's lock is removed
        os.close(descriptor)
        if is_new:
            with suppress(OSError):  # fails if the folder is no longer empty
                folder.rmdir()


def _acquire(path: Path) -> int:
    """Open the lock file and lock it, or raise `InUse`."""
    import fcntl

    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read_holder(descriptor)
            os.close(descriptor)
            raise InUse(_message(path, holder, "Wait for it to end, or choose another folder.")) from None
        except OSError:  # a file system without locks: only the file's content counts
            pass
        holder = _read_holder(descriptor)
        if holder.get("host", socket.gethostname()) != socket.gethostname():
            os.close(descriptor)
            raise InUse(_message(path, holder, f"If that process has ended, delete {path} and try again."))
        try:
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        except FileNotFoundError:
            pass
        os.close(descriptor)  # the holder removed the file between open and stat: try again


def _read_holder(descriptor: int) -> dict[str, Any]:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:
        return {}
    return holder if isinstance(holder, dict) else {}


def _message(path: Path, holder: dict[str, Any], advice: str) -> str:
    since = holder.get("since")
    age = f", for {_duration(time.time() - since)}" if isinstance(since, (int, float)) else ""
    process = f"process {holder.get('process', 'unknown')} on {holder.get('host', 'this machine')}{age}"
    return f"{path.parent} is in use by another run: {process}. {advice}"


def _duration(seconds: float) -> str:
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{max(seconds, 0):.0f} seconds"
