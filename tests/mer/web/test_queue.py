"""The worker: order, progress, cancelling, short calls in between, and how a task may end."""

import threading
import time
from concurrent.futures import CancelledError

import pytest

from mer.web import queue as queues
from mer.web.queue import Queue, Task
from mer_core.errors import BadInput


@pytest.fixture
def queue():
    queue = Queue()
    yield queue
    queue.stop()


def until(condition, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


class Gate:
    """A task that reports one frame after another until it is opened."""

    def __init__(self):
        self.opened, self.n_frames = threading.Event(), 0
        self.task = Task(self.run)

    def run(self, progress) -> str:
        while not self.opened.wait(0.002):
            self.n_frames += 1
            progress(self.n_frames, 1000)
        return "through"


def test_tasks_run_in_order_and_know_their_place(queue):
    first, order = Gate(), []
    queue.submit(first.task)
    others = [queue.submit(Task(lambda progress, i=i: order.append(i))) for i in range(3)]
    until(lambda: first.task.state == "working" and first.task.n_done > 1)
    assert [queue.position(task) for task in others] == [1, 2, 3] and first.task.n_total == 1000
    queue.cancel(others[0])
    assert others[0].state == "cancelled" and [queue.position(task) for task in others[1:]] == [1, 2]
    first.opened.set()
    until(lambda: others[2].finished)
    assert order == [1, 2] and first.task.result == "through" and first.task.state == "done"


def test_loading_the_models_is_no_clip_ahead(queue):
    loading, waiting = Gate(), Task(lambda progress: None)
    loading.task.is_of_clip = False
    queue.submit(loading.task)
    until(lambda: loading.task.state == "working")
    queue.submit(waiting)
    assert queue.position(waiting) == 0
    loading.opened.set()


def test_a_running_task_ends_at_its_next_frame_when_cancelled(queue):
    gate = Gate()
    queue.submit(gate.task)
    until(lambda: gate.task.state == "working")
    queue.cancel(gate.task)
    until(lambda: gate.task.finished)
    assert gate.task.state == "cancelled" and gate.task.result is None


def test_a_short_call_is_answered_while_a_task_runs_and_its_error_arrives(queue):
    gate = Gate()
    queue.submit(gate.task)
    until(lambda: gate.task.state == "working")
    assert queue.call(lambda: threading.current_thread().name).result(2) == "mer-app-worker"
    with pytest.raises(BadInput):
        queue.call(lambda: (_ for _ in ()).throw(BadInput("no"))).result(2)
    assert gate.task.state == "working"
    gate.opened.set()


def test_errors_become_the_task_s_message_without_the_folder(queue, monkeypatch):
    def fail(progress):
        raise BadInput("/tmp/x/smile.mp4 cannot be read.")

    told = queue.submit(Task(fail, hide="/tmp/x/"))
    broken = queue.submit(Task(lambda progress: 1 / 0))
    until(lambda: broken.finished)
    monkeypatch.setattr(queues, "MAX_TASK_S", -1.0)
    slow = queue.submit(Task(lambda progress: progress(1, None)))
    until(lambda: slow.finished)
    assert (told.state, told.code, told.message) == ("failed", "bad-input", "smile.mp4 cannot be read.")
    assert (broken.state, broken.code) == ("failed", "internal") and "ZeroDivisionError" in broken.message
    assert (slow.state, slow.code) == ("failed", "limit-exceeded")


def test_stopping_ends_everything(queue):
    gate = Gate()
    queue.submit(gate.task)
    waiting = queue.submit(Task(lambda progress: None))
    until(lambda: gate.task.state == "working")
    queue.stop()
    assert gate.task.state == waiting.state == "cancelled"
    with pytest.raises(CancelledError):
        queue.call(lambda: 1).result(1)
