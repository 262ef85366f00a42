"""Work in processes: every result once, what a worker needs, and a worker that is killed."""

import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mer_core import parallel, registry
from mer_core.errors import WorkerKilled


def square(number):
    return number**2


def kill(number):
    os.kill(os.getpid(), signal.SIGKILL)


def touch_slowly(path):
    path.touch()
    time.sleep(0.1)


def call(function, number):
    return function(number)


def keep(value):
    global kept
    kept = value


def add_kept(number):
    return number + kept


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_item_is_worked_on_once(jobs):
    assert sorted(parallel.map_items(square, range(5), "squares", jobs=jobs)) == [0, 1, 4, 9, 16]
    assert list(parallel.map_items(square, range(5), None, jobs=jobs, ordered=True)) == [0, 1, 4, 9, 16]
    assert list(parallel.map_items(square, [], None, jobs=jobs)) == []


def test_a_worker_is_set_up_and_knows_the_users_file(tmp_path):
    (tmp_path / "mine.py").write_text("def double(number):\n    return 2 * number\n")
    double = registry.import_file(tmp_path / "mine.py").double
    setup = functools.partial(keep, 10)
    assert list(parallel.map_items(add_kept, [1, 2], None, jobs=2, setup=setup, ordered=True)) == [11, 12]
    assert sorted(parallel.map_items(functools.partial(call, double), [1, 2], None, jobs=2)) == [2, 4]


def test_a_killed_worker_is_an_error_that_names_the_jobs():
    with pytest.raises(WorkerKilled, match="--jobs"):
        list(parallel.map_items(kill, [1, 2], None, jobs=2))
    with pytest.raises(WorkerKilled, match="--jobs"):
        list(parallel.map_items(kill, [1], None, isolated=True))


def test_items_that_have_not_begun_are_dropped_when_the_consumer_stops(tmp_path):
    files = [tmp_path / str(i) for i in range(20)]
    results = parallel.map_items(touch_slowly, files, None, isolated=True)
    next(results)
    results.close()
    assert 1 <= len(list(tmp_path.iterdir())) < 20


def write_pid_and_wait(path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(300)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return condition()


def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    """Otherwise each killed command would leave processes that hold its models in memory."""
    script = (
        f"from mer_core.parallel import map_items\nfrom {__name__} import write_pid_and_wait\n"
        f"list(map_items(write_pid_and_wait, [{str(tmp_path / 'pid')!r}], None, isolated=True))"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[2]) as parent:
        try:
            assert wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
            worker = int((tmp_path / "pid").read_text())
            assert is_alive(worker)
        finally:
            parent.kill()
        assert wait_until(lambda: not is_alive(worker), 30)


def refuse():
    raise FileNotFoundError("not here")


def end_process():
    os._exit(1)


def test_threads_keep_the_order_and_start_few_items_ahead():
    n_started = []
    results = parallel.map_in_threads(abs, (n_started.append(n) or -n for n in range(100)))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    assert len(n_started) <= 3 + parallel.n_cores()
    assert list(results) == list(range(3, 100))


def test_a_companion_keeps_what_its_setup_loaded():
    with parallel.companion(functools.partial(keep, 5)) as call:
        assert [call(functools.partial(add_kept, number)) for number in (1, 2)] == [6, 7]
        assert call(os.getpid) != os.getpid()


def test_an_error_of_a_companion_is_raised_here():
    with parallel.companion(refuse) as call, pytest.raises(FileNotFoundError, match="not here"):
        call(os.getpid)
    with parallel.companion(os.getpid) as call:
        with pytest.raises(FileNotFoundError, match="not here"):
            call(refuse)
        assert call(functools.partial(square, 3)) == 9


def test_a_companion_that_is_killed_is_an_error():
    with parallel.companion(os.getpid) as call, pytest.raises(WorkerKilled):
        call(end_process)


def test_a_companion_ends_with_its_block():
    with parallel.companion(os.getpid) as call:
        number = call(os.getpid)
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
