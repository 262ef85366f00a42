"""Narration and progress, on stderr, so that stdout carries results alone."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
quiet = False  # set by the command line's -q


def say(text: str) -> None:
    """Print one line of narration to stderr, unless the user asked for quiet."""
    if not quiet:
        print(text, file=sys.stderr, flush=True)


def track(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield `items` while a progress bar titled `what` runs on stderr, with the count and the time left.

    On a terminal the bar is live and disappears when done; elsewhere nothing is drawn, so logs stay readable.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if total is None and hasattr(items, "__len__"):
        total = len(items)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        yield from bar.track(items, total=total, description=what)
