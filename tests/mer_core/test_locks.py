"""One writer per folder: refused while it runs, taken over once it is gone, never across machines."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from mer_core.errors import InUse
from mer_core.locks import LOCK_FILE, hold_lock

HOLD = """
import sys, time, pathlib
from mer_core.locks import hold_lock
with hold_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(folder):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_refused_with_host_process_and_age(tmp_path):
    process = holder(tmp_path)
    try:
        with pytest.raises(InUse) as refused, hold_lock(tmp_path):
            pytest.fail("two writers")
        assert str(process.pid) in str(refused.value) and socket.gethostname() in str(refused.value)
        assert "seconds" in str(refused.value)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_the_lock_of_a_process_that_is_gone_is_taken_over(tmp_path, by):
    process = holder(tmp_path)
    process.send_signal(by)
    process.wait()
    with hold_lock(tmp_path):
        assert json.loads((tmp_path / LOCK_FILE).read_text())["process"] == os.getpid()
    assert not (tmp_path / LOCK_FILE).exists()


def test_a_lock_of_another_machine_names_the_file_to_delete(tmp_path):
    held = {"host": "elsewhere", "process": 7, "since": time.time() - 3 * 3600}
    (tmp_path / LOCK_FILE).write_text(json.dumps(held))
    with (
        pytest.raises(InUse, match=rf"process 7 on elsewhere, for 3 hours.*delete {tmp_path / LOCK_FILE}"),
        hold_lock(tmp_path),
    ):
        pass
    assert json.loads((tmp_path / LOCK_FILE).read_text()) == held


@pytest.mark.parametrize("text", ["", "{", "[]", '{"host": 3}'])
def test_a_half_written_lock_is_no_obstacle_on_this_machine(tmp_path, text):
    (tmp_path / LOCK_FILE).write_text(text)
    if "host" in text:
        with pytest.raises(InUse), hold_lock(tmp_path):
            pass
    else:
        with hold_lock(tmp_path):
            pass


def test_the_lock_is_released_by_an_error_and_can_be_taken_again(tmp_path):
    with pytest.raises(KeyError), hold_lock(tmp_path / "new"):
        raise KeyError
    assert not (tmp_path / "new").exists()  # it was made for the lock alone
    with hold_lock(tmp_path / "new"), pytest.raises(InUse), hold_lock(tmp_path / "new"):
        pass
    with hold_lock(tmp_path / "new"):
        (tmp_path / "new" / "result").write_text("kept")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["result"]
