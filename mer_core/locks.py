"""One writer for each folder: a second one is refused, with the first one's host, process and age.

The lock is a file, so that it is seen on every machine that shares the folder; on the machine of the process
that holds it, the operating system's lock on that file tells a process that runs from one that was killed.
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
    """Hold the lock of `folder`, which is made if need be; it is released at the end of the block, or with
    the process.

    A folder that was made for the lock and stays empty is removed. A lock that a process of this machine left
    behind is taken over. One of another machine is not, since nothing here can tell whether that process
    still runs.

    Raises
    ------
    InUse : another process holds the lock.
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
        path.unlink(missing_ok=True)  # while it is still held, so that nobody else's is removed
        os.close(descriptor)
        if is_new:
            with suppress(OSError):  # it holds what was made under the lock
                folder.rmdir()


def _acquire(path: Path) -> int:
    """Open the lock file and hold it, or raise `InUse`."""
    import fcntl

    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise InUse(_message(path, holder, "Wait for it to end, or choose another folder.")) from None
        except OSError:  # a file system without locks: the file alone decides
            pass
        holder = _holder(descriptor)
        if holder.get("host", socket.gethostname()) != socket.gethostname():
            os.close(descriptor)
            raise InUse(_message(path, holder, f"If that process has ended, delete {path} and try again."))
        try:
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        except FileNotFoundError:
            pass
        os.close(descriptor)  # released and removed by its holder between our two looks: try again


def _holder(descriptor: int) -> dict[str, Any]:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:
        return {}
    return holder if isinstance(holder, dict) else {}


def _message(path: Path, holder: dict[str, Any], advice: str) -> str:
    since = holder.get("since")
    age = f", for {_duration(time.time() - since)}" if isinstance(since, (int, float)) else ""
    who = f"process {holder.get('process', 'unknown')} on {holder.get('host', 'this machine')}{age}"
    return f"{path.parent} is in use by another run: {who}. {advice}"


def _duration(seconds: float) -> str:
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{max(seconds, 0):.0f} seconds"
