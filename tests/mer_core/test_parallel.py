"""Work in processes: every result once, what a worker needs, and a worker that is killed."""

import functools
import os
import signal

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
