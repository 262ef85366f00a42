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
from mer_core.errors import MerError


def square(number):
    return number**2


def kill(number):
    os.kill(os.getpid(), signal.SIGKILL)


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


def test_a_killed_worker_is_one_message():
    with pytest.raises(MerError, match="killed.*fewer --jobs"):
        list(parallel.map_items(kill, [1, 2], None, jobs=2))


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


POOLS = {
    "map_items": "from mer_core.parallel import map_items\n"
    "list(map_items(write_pid_and_wait, [path, path + '2'], None, jobs=2))",
    "mer score": "from concurrent.futures import ProcessPoolExecutor\n"
    "from multiprocessing import get_context\n"
    "from mer.inference.batch import _start\n"
    "pool = ProcessPoolExecutor(1, get_context('spawn'), _start)\n"
    "pool.submit(write_pid_and_wait, path).result()",
}


@pytest.mark.parametrize("pool", POOLS)
def test_workers_end_with_a_parent_that_is_killed(tmp_path, pool):
    """Else each killed command would leave processes that hold its models in memory for ever."""
    script = f"from {__name__} import write_pid_and_wait\npath = {str(tmp_path / 'pid')!r}\n{POOLS[pool]}"
    with subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[2]) as parent:
        try:
            assert wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
            worker = int((tmp_path / "pid").read_text())
            assert is_alive(worker)
        finally:
            parent.kill()
        assert wait_until(lambda: not is_alive(worker), 30)
