"""Files of the page: names, room, and that nothing outlives its server beyond the next start."""

import os
import signal
import stat
import subprocess
import sys
from collections import namedtuple

import pytest

from mer.web.storage import Storage, safe_name
from mer_core.errors import LimitExceeded

HOLD = """
import time
from mer.web.storage import Storage
storage = Storage({!r})
(storage.new_folder() / "clip").touch()
print(storage.root, flush=True)
time.sleep(60)
"""


def test_everything_goes_with_the_server_and_nobody_else_may_look(tmp_path):
    with Storage(tmp_path) as storage:
        folder = storage.new_folder()
        (folder / "clip.mp4").write_bytes(b"x")
        assert stat.S_IMODE(storage.root.stat().st_mode) == 0o700
        storage.delete(folder)
        assert not folder.exists()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_server_left_is_deleted_at_the_next_start_and_a_living_one_is_spared(tmp_path):
    hold = [sys.executable, "-c", HOLD.format(str(tmp_path))]
    servers = [subprocess.Popen(hold, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    killed, alive = (server.stdout.readline().strip() for server in servers)
    servers[0].send_signal(signal.SIGKILL)
    servers[0].wait()
    assert os.listdir(killed)
    (tmp_path / "mer-app-foreign").mkdir()  # without a lock: not known to be ours
    with Storage(tmp_path) as storage:
        assert storage.n_leftovers == 1
        assert not os.path.exists(killed) and os.listdir(alive) and (tmp_path / "mer-app-foreign").exists()
    servers[1].kill(), servers[1].wait()


def test_a_full_disk_is_said_before_the_upload(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: namedtuple("Usage", "free")(free=10**8))
    with Storage(tmp_path) as storage, pytest.raises(LimitExceeded, match="100 MB left"):
        storage.new_folder(10**7)


@pytest.mark.parametrize(
    "name, safe",
    [
        ("smile.mp4", "smile.mp4"),
        ("../../etc/passwd", "passwd"),
        ("C:\\clips\\smile.MOV", "smile.MOV"),
        ("..", "clip"),
        (".mp4", "mp4"),
        ("", "clip"),
        ("a\x00b\n.mp4", "ab.mp4"),
        ("微表情.mp4", "微表情.mp4"),
    ],
)
def test_names_stay_in_their_folder(name, safe):
    assert safe_name(name) == safe


def test_long_names_keep_their_suffix():
    assert (
        safe_name("情" * 300 + ".mp4").endswith("情.mp4")
        and len(os.fsencode(safe_name("情" * 300 + ".mp4"))) <= 255
    )
