"""Compiling functions with numba, once for all processes where that is possible."""

from collections.abc import Callable
from typing import Any


def cached_njit(function: Callable[..., Any]) -> Any:
    """Compile for several threads; keep the result on disk wherever numba finds a writable folder."""
    from numba import njit

    try:
        return njit(function, nogil=True, cache=True)
    except RuntimeError:  # there is none: every process compiles anew
        return njit(function, nogil=True)
