"""One worker thread for all clips: it runs tasks in order, and short calls between two frames of a task.

The models (face mesh, detector, flow) are not thread-safe, so everything that uses them runs here.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from mer_core.errors import LimitExceeded, MerError

MAX_TASK_S = 900.0
log = logging.getLogger(__name__)


class Cancelled(Exception):
    """Raised inside a cancelled task at its next report of progress."""


@dataclass(eq=False)
class Task:
    """One piece of work.

    Parameters
    ----------
    run : callable
        Called with `progress(n_done, n_total)`; `n_total` is None if the length is unknown.
    hide : str
        Text removed from error messages: the temporary folder means nothing to a user.
    is_of_clip : bool
        False for a task that is not counted in the position shown for a waiting clip.
    """

    run: Callable[[Callable[[int, int | None], None]], Any]
    hide: str = ""
    is_of_clip: bool = True
    state: str = "waiting"  # then working, and done, failed or cancelled
    n_done: int = 0
    n_total: int | None = None
    code: str = ""  # of the error
    message: str = ""  # of the error
    result: Any = None
    ended: float | None = None  # time.monotonic()
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def finished(self) -> bool:
        """Whether the task is done, failed or cancelled."""
        return self.ended is not None

    def end(self, state: str, error: Exception | None = None) -> None:
        """Record the final state, and the error if it failed."""
        if error is not None:
            self.code = error.code if isinstance(error, MerError) else "internal"
            self.message = str(error).replace(self.hide, "") if self.hide else str(error)
        self.state, self.ended = state, time.monotonic()


class Queue:
    """Run tasks one after another in one thread; `call` runs a short function before the next frame."""

    def __init__(self):
        self._waiting: deque[Task] = deque()
        self._calls: deque[tuple[Future, Callable[[], Any]]] = deque()
        self._changed = threading.Condition()
        self._current: Task | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._loop, name="mer-app-worker", daemon=True)
        self._thread.start()

    def submit(self, task: Task) -> Task:
        """Append a task."""
        with self._changed:
            self._waiting.append(task)
            self._changed.notify()
        return task

    def call(self, function: Callable[[], Any]) -> Future:
        """Run a short function in the worker, ahead of all waiting tasks."""
        future: Future = Future()
        with self._changed:
            if self._stopped:
                future.cancel()
            else:
                self._calls.append((future, function))
                self._changed.notify()
        return future

    def position(self, task: Task) -> int:
        """Return the number of tasks before a waiting one, the running one included."""
        with self._changed:
            ahead = self._waiting.index(task) if task in self._waiting else 0
            current = self._current
            return ahead + (current is not None and current is not task and current.is_of_clip)

    def cancel(self, task: Task) -> None:
        """Remove a waiting task, or stop the running one at its next frame."""
        task.cancelled.set()
        with self._changed:
            if task in self._waiting:
                self._waiting.remove(task)
                task.end("cancelled")

    def stop(self, timeout_s: float = 0.5) -> None:
        """Cancel all tasks and wait up to `timeout_s` for the worker, which may be loading models."""
        with self._changed:
            self._stopped = True
            for task in self._waiting:
                task.end("cancelled")
            self._waiting.clear()
            if self._current is not None:
                self._current.cancelled.set()
            for future, _ in self._calls:
                future.cancel()
            self._calls.clear()
            self._changed.notify()
        self._thread.join(timeout_s)

    def _loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or self._calls or self._waiting)
                if self._stopped:
                    return
                self._current = None if self._calls else self._waiting.popleft()
            self._run_calls()
            if self._current is not None:
                self._run(self._current)
                self._current = None

    def _run(self, task: Task) -> None:
        started = time.monotonic()

        def progress(done: int, total: int | None) -> None:
            task.n_done, task.n_total = done, total
            if task.cancelled.is_set():
                raise Cancelled
            if time.monotonic() - started > MAX_TASK_S:
                raise LimitExceeded(
                    f"Stopped after {MAX_TASK_S / 60:.0f} minutes. Cut the clip, or use mer spot."
                )
            self._run_calls()

        task.state = "working"
        try:
            progress(0, None)
            task.result = task.run(progress)
            task.end("done")
        except Cancelled:
            task.end("cancelled")
        except MerError as error:
            task.end("failed", error)
        except Exception as error:  # the page must say so; the terminal shows where
            log.exception("A task of the page failed")
            task.end(
                "failed", RuntimeError(f"Internal error ({type(error).__name__}: {error}). Please report it.")
            )

    def _run_calls(self) -> None:
        while self._calls:
            with self._changed:
                if not self._calls:
                    return
                future, function = self._calls.popleft()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except BaseException as error:
                    future.set_exception(error)
