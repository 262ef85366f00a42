"""The server as a process: how it starts, what it opens, how it ends, and what it leaves behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

START_S = 3.0  # promised; other work on the machine is allowed for below
COMMAND = [sys.executable, "-m", "mer.cli", "app", "--port", "0"]


class Server:
    """`mer app` with its temporary folder in `folder`; `environment` is added to this process's."""

    def __init__(self, folder, *words: str, **environment: str):
        self.folder = folder
        variables = {
            name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")
        }
        self.process = subprocess.Popen(
            [*COMMAND, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=variables | {"TMPDIR": str(folder)} | environment,
        )
        self.address = self.process.stdout.readline().strip()

    def post(self, path: str, data: bytes) -> bytes:
        return urllib.request.urlopen(
            urllib.request.Request(self.address + path, data, method="POST"), timeout=20
        ).read()

    def end(self, number: int) -> str:
        """Send a signal, wait, and return what was said on stderr."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=20)[1]


def test_it_serves_within_three_seconds_and_opens_no_text_browser_without_a_display(tmp_path):
    (tmp_path / "bin").mkdir()
    for name in ("lynx", "w3m", "www-browser"):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/opened\nexec sleep 60\n")
        (tmp_path / "bin" / name).chmod(0o755)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    began, busy = time.monotonic(), os.getloadavg()[0] / (os.cpu_count() or 1)
    server = Server(tmp_path, PATH=path, TERM="xterm", BROWSER="")
    assert b"<h1" in urllib.request.urlopen(server.address, timeout=20).read()
    assert time.monotonic() - began < START_S * max(1.0, busy)
    assert not (tmp_path / "opened").exists()
    server.end(signal.SIGINT)


def test_a_graphical_browser_is_opened_after_the_server_answers_and_blocks_nothing(tmp_path):
    program = tmp_path / "screen-browser"
    program.write_text(
        f"#!/bin/sh\n{sys.executable} -c 'import sys, urllib.request; "
        f'open("{tmp_path}/seen", "wb").write(urllib.request.urlopen(sys.argv[1]).read())\' "$1"\n'
        "exec sleep 20 >/dev/null 2>&1\n"
    )
    program.chmod(0o755)
    server = Server(tmp_path, DISPLAY=":9", BROWSER=str(program))
    end = time.monotonic() + 15
    while not (tmp_path / "seen").exists() or not (tmp_path / "seen").read_bytes():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert urllib.request.urlopen(server.address, timeout=5).status == 200
    server.end(signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_deletes_every_clip(tmp_path, number):
    server = Server(tmp_path)
    server.post("api/clips?name=x.mp4", b"no video")
    assert list(tmp_path.rglob("x.mp4"))
    told = server.end(number)
    assert "Traceback" not in told and not list(tmp_path.glob("mer-app-*"))


def test_what_a_kill_leaves_is_deleted_at_the_next_start_and_said(tmp_path):
    server = Server(tmp_path)
    server.post("api/clips?name=x.mp4", b"no video")
    server.end(signal.SIGKILL)
    assert list(tmp_path.rglob("x.mp4"))
    server = Server(tmp_path)
    assert not list(tmp_path.rglob("x.mp4"))
    assert "1 killed server" in server.end(signal.SIGTERM)


def test_a_connection_that_closes_early_is_quiet_and_leaves_nothing(tmp_path):
    server = Server(tmp_path)
    port = int(re.search(r":(\d+)/", server.address)[1])
    asked = b"GET /static/base.css HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    sent = b"POST /api/clips?name=x.mp4 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\nabc"
    for request in (asked, sent, b"\x16\x03\x01 no HTTP\r\n\r\n"):
        for _ in range(5):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.sendall(request)
            connection.close()
    time.sleep(0.3)
    assert urllib.request.urlopen(server.address, timeout=5).status == 200 and not list(
        tmp_path.rglob("x.mp4")
    )
    assert len(server.end(signal.SIGTERM).splitlines()) == 1  # the line that says where the page is


def test_a_port_that_is_taken_and_a_missing_extra_are_one_message():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        words = [*COMMAND[:-1], str(taken.getsockname()[1])]
        answer = subprocess.run(words, capture_output=True, text=True)
        assert answer.returncode == 1 and "--port 0" in answer.stderr and len(answer.stderr.splitlines()) == 1
    code = "import sys; sys.modules['uvicorn'] = None; from mer.cli.main import main; main()"
    answer = subprocess.run([sys.executable, "-c", code, "app"], capture_output=True, text=True)
    assert answer.returncode == 1 and "pip install" in answer.stderr and len(answer.stderr.splitlines()) == 1
