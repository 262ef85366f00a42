"""Compile loops with numba, an extra; without it, functions of the same name in numpy or torch take over."""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from multiprocessing import parent_process
from typing import Any

from mer_core.progress import say

HAS_NUMBA = find_spec("numba") is not None


def cached_njit(plain: Callable[..., Any] | None = None, **options: Any) -> Callable[..., Any]:
    """Return a decorator that compiles a function, or replaces it by `plain` where numba is not installed.

    The compiled code is cached on disk, if numba finds a writable folder, so that processes share it.

    Parameters
    ----------
    plain : callable or None
        Same result up to rounding, without numba. None for functions that only compiled code calls.
    **options
        Of `numba.njit`.
    """

    def compile_or_replace(function: Callable[..., Any]) -> Any:
        if not HAS_NUMBA:
            return plain or function
        from numba import njit

        try:
            return njit(function, cache=True, **options)
        except RuntimeError:  # no writable folder: each process compiles for itself
            return njit(function, **options)

    return compile_or_replace


@cache
def say_what_numba_saves() -> None:
    """Print once, where the process that a user started begins slow work, which extra makes it faster."""
    if not HAS_NUMBA and parent_process() is None:
        say("numba is not installed, so this takes longer. Install it: pip install 'srflow-mer[numba]'")
