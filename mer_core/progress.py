"""Narration and progress bars on stderr; stdout carries results only."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")
LOGGER = logging.getLogger("mer")
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


def track(items: Iterable[T], title: str, total: int | None = None) -> Iterator[T]:
    """Yield `items` while a progress bar titled `title` shows the count and the remaining time on stderr.

    The bar is drawn only on a terminal, so logs stay readable, and disappears when done. With `-v`, count and
    duration stay as a line.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if total is None and isinstance(items, Sized):
        total = len(items)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = not LOGGER.isEnabledFor(_NORMAL) or not console.is_terminal
    done, start = 0, time.perf_counter()
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        for item in bar.track(items, total=total, description=title):
            yield item
            done += 1
    detail(f"{title}: {done} in {time.perf_counter() - start:.1f} s")
