"""Compilation with numba, cached on disk so that processes share the result."""

from collections.abc import Callable
from typing import Any


def cached_njit(function: Callable[..., Any]) -> Any:
    """Compile `function` without the GIL; cache the result on disk if numba finds a writable folder."""
    from numba import njit

    try:
        return njit(function, nogil=True, cache=True)
    except RuntimeError:  # no writable folder: each process compiles for itself
        return njit(function, nogil=True)
