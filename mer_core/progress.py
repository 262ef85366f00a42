"""Narration and progress bars on stderr; stdout carries results only."""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from multiprocessing import parent_process
from typing import TypeVar

T = TypeVar("T")
LOGGER = logging.getLogger("mer")
_is_shown = False  # whether there is a progress bar
_QUIET, _NORMAL, _VERBOSE = logging.WARNING, logging.INFO, logging.DEBUG


class _Stderr(logging.Handler):
    """Writes to the current `sys.stderr`, which tests and notebooks replace."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)


LOGGER.addHandler(_Stderr())
LOGGER.setLevel(_NORMAL)
LOGGER.propagate = False


def set_verbosity(quiet: bool = False, verbose: bool = False) -> None:
    """Set the amount of narration: none (`quiet`), or with details (`verbose`)."""
    LOGGER.setLevel(_QUIET if quiet else _VERBOSE if verbose else _NORMAL)


def say(text: str) -> None:
    """Print one line of narration to stderr, unless `-q` is given."""
    LOGGER.info(text)


def detail(text: str) -> None:
    """Print one line to stderr if `-v` is given."""
    LOGGER.debug(text)


@contextmanager
def count_steps(title: str, total: int | None) -> Iterator[Callable[[], None]]:
    """Show a progress bar on stderr until the block ends; yield a function to call after each step.

    The bar is drawn only on a terminal, so logs stay readable, and disappears when done. It is left out while
    another is shown, and in worker processes. With `-v`, count and duration stay as a line.

    Parameters
    ----------
    title : str
    total : int or None
        Number of steps; None if unknown.
    """
    global _is_shown
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = not LOGGER.isEnabledFor(_NORMAL) or not console.is_terminal
    hidden, is_first = hidden or _is_shown or parent_process() is not None, not _is_shown
    done, start = 0, time.perf_counter()
    _is_shown = True
    try:
        with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
            task = bar.add_task(title, total=total)

            def advance() -> None:
                nonlocal done
                done += 1
                bar.advance(task)

            yield advance
    finally:
        _is_shown = not is_first
    if is_first:
        detail(f"{title}: {done} in {time.perf_counter() - start:.1f} s")


def track(items: Iterable[T], title: str, total: int | None = None) -> Iterator[T]:
    """Yield `items` while a progress bar titled `title` counts them; see `count_steps`."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with count_steps(title, total) as advance:
        for item in items:
            yield item
            advance()
