"""Parallel work on a running Dask cluster instead of in processes of this machine.

All machines of the cluster must see the same folders under the same paths. Needs the extra `[cluster]`.
"""

import ctypes
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

from mer_core.dependencies import import_extra
from mer_core.errors import BadInput

Item = TypeVar("Item")
Result = TypeVar("Result")
# M_MMAP_THRESHOLD and M_TRIM_THRESHOLD, bytes: the largest values that glibc adapts itself to.
GLIBC_LIMITS = ((-3, 32 << 20), (-1, 64 << 20))


class SchedulerUnreachable(BadInput):
    """No Dask scheduler answers at the given address."""

    code = "scheduler-unreachable"


def map_items(
    scheduler: str, work: Callable[..., Result], items: Iterable[Item], **shared: Any
) -> Iterator[Result]:
    """Yield `work(item, **shared)` for every item, in the order of completion.

    If a worker dies, the scheduler gives its item to another worker.

    Parameters
    ----------
    scheduler : str
        Address of the Dask scheduler.
    work : callable
        Function of a module that the workers can import.
    items : iterable
        First argument of each call.
    **shared
        Keyword arguments of every call.

    Raises
    ------
    MissingDependency
        If Dask is not installed.
    SchedulerUnreachable
        If no scheduler answers. Exceptions of `work` pass through.
    """
    distributed = import_extra("distributed", "cluster", "Work on a Dask cluster")
    try:
        client = distributed.Client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise SchedulerUnreachable(
            f"No Dask scheduler answers at {scheduler}: {error}. Start one with: dask scheduler"
        ) from error
    _send_files_by_value()
    with client:
        tasks = client.map(_call, list(items), work=work, shared=shared, pure=False)
        # Nothing may hold a future whose result has arrived, or Dask computes it again when its worker dies.
        for future in distributed.as_completed(tasks):
            result = future.result()
            future.release()
            yield result


def _call(item: Item, work: Callable[..., Result], shared: dict[str, Any]) -> Result:
    """Do one piece of work in a worker."""
    _keep_freed_memory()
    return work(item, **shared)


@cache
def _keep_freed_memory() -> None:
    """Let this process keep memory that it frees, as other processes do.

    Dask starts its workers with MALLOC_TRIM_THRESHOLD_=65536, so arrays of 128 kB or more are mapped and
    unmapped each time. For a network that makes hundreds of them per pair, this nearly doubles the CPU time.
    """
    if sys.platform != "linux":
        return
    with suppress(OSError, AttributeError):  # another C library
        library = ctypes.CDLL(None)
        for parameter, value in GLIBC_LIMITS:
            library.mallopt(parameter, value)


def _send_files_by_value() -> None:
    """Send workers the code of plug-in files, which they cannot import."""
    import cloudpickle

    for name, module in list(sys.modules.items()):
        if name.startswith("mer_file_"):
            cloudpickle.register_pickle_by_value(module)
