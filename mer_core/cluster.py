"""Parallel work on a running Dask cluster instead of in processes of this machine.

All machines of the cluster must see the same folders under the same paths. Needs the extra `[cluster]`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from mer_core.dependencies import import_extra
from mer_core.errors import BadInput

Item = TypeVar("Item")
Result = TypeVar("Result")


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
        # Nothing may hold a future whose result has arrived, or Dask computes it again when its worker dies.
        for future in distributed.as_completed(client.map(work, list(items), pure=False, **shared)):
            result = future.result()
            future.release()
            yield result


def _send_files_by_value() -> None:
    """Send workers the code of plug-in files, which they cannot import."""
    import sys

    import cloudpickle

    for name, module in list(sys.modules.items()):
        if name.startswith("mer_file_"):
            cloudpickle.register_pickle_by_value(module)
