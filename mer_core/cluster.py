"""Working on a Dask cluster that already runs, instead of in processes of this machine; what the work is, its
owners know.

The cluster's machines must see the same folders under the same paths. Needs the extra `[cluster]`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from mer_core.errors import BadInput

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_items(
    scheduler: str, work: Callable[..., Result], items: Iterable[Item], **same: Any
) -> Iterator[Result]:
    """Yield `work(item, **same)` for every item, as they come; an item whose worker dies is given to another
    by the scheduler.

    Raises `BadInput` where Dask is not installed or no scheduler answers, and whatever `work` raises.
    """
    try:
        import distributed
    except ImportError as error:
        raise BadInput(
            "Working on a cluster needs Dask. Install it with: pip install 'mer[cluster]'"
        ) from error
    try:
        client = distributed.Client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"No Dask scheduler answers at {scheduler}: {error}. Start one with: dask scheduler"
        ) from error
    _send_files_by_value()
    with client:
        futures = client.map(work, list(items), pure=False, **same)
        for future in distributed.as_completed(futures):
            yield future.result()


def _send_files_by_value() -> None:
    """Let workers get the code of files that the user typed, which they cannot import."""
    import sys

    import cloudpickle

    for name, module in list(sys.modules.items()):
        if name.startswith("mer_file_"):
            cloudpickle.register_pickle_by_value(module)
