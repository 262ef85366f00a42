"""The web page from upload to result, in a real browser where there is one; and what its server refuses."""

import http.client
import json
import os
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from flow.splatting.actor import Actor
from flow.splatting.expression import film
from mer.web import app
from tests.mer.web.browser import Browser


@pytest.fixture(scope="module")
def smile(tmp_path_factory) -> Path:
    import av

    path = tmp_path_factory.mktemp("clip") / "smile.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=30, options={"crf": "12"})
        stream.height = stream.width = 200
        stream.pix_fmt = "yuv420p"
        for image in film(Actor(77, 200), {"12": 1.0, "6": 0.6}, 3.5, 6, 6, np.random.default_rng(0), rest=4):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode())
    return path


@pytest.fixture
def server(tmp_path):
    with app.make_server(tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def ask(server, method: str, path: str, body=None, **headers):
    """Status and JSON of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=60)
    connection.request(method, path, body, {"X-Mer": "1", **headers})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, json.loads(data) if answer.headers["Content-Type"] == "application/json" else data


def finished(server, key: str) -> dict:
    while (told := ask(server, "GET", f"/clips/{key}")[1])["state"] == "working":
        time.sleep(0.1)
    return told


def test_only_this_machine_is_answered(server):
    assert server.server_address[0] == "127.0.0.1"
    assert ask(server, "GET", "/", Host="evil.example")[0] == 403
    assert ask(server, "POST", "/clips", b"x", **{"X-Mer": "0"})[0] == 403
    status, page = ask(server, "GET", "/")
    assert status == 200 and b"https://" not in page and b"http://" not in page


def test_a_clip_too_large_is_refused_before_it_is_read(server, monkeypatch):
    monkeypatch.setattr(app, "MOST_BYTES", 10)
    status, told = ask(server, "POST", "/clips", b"x" * 11)
    assert status == 413 and "up to 0 MB" in told["message"]


def test_what_is_no_clip_is_said_and_files_go(server, tmp_path):
    key = ask(server, "POST", "/clips", b"this is no video", **{"X-Name": "holiday.mp4"})[1]["key"]
    told = finished(server, key)
    assert told["state"] == "failed" and told["message"].startswith("holiday.mp4 cannot be read as a video")
    assert len(list(tmp_path.iterdir())) == 1
    ask(server, "DELETE", f"/clips/{key}")
    assert list(tmp_path.iterdir()) == [] and ask(server, "GET", f"/clips/{key}")[0] == 404


def test_only_few_clips_are_kept(server, tmp_path):
    for _ in range(app.KEEP + 2):
        finished(server, ask(server, "POST", "/clips", b"no video")[1]["key"])
    assert len(list(tmp_path.iterdir())) <= app.KEEP


def test_a_clip_that_takes_too_long_is_given_up(server, smile, monkeypatch):
    monkeypatch.setattr(app, "MOST_S", -1.0)
    told = finished(
        server, ask(server, "POST", "/clips", smile.read_bytes(), **{"X-Name": "smile.mp4"})[1]["key"]
    )
    assert told["state"] == "failed" and "took longer" in told["message"]


def test_from_upload_to_result_in_a_browser(server, smile, tmp_path_factory):
    program = os.environ.get("MER_CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if program is None:
        pytest.skip("needs Chromium (or name one: MER_CHROMIUM)")
    folder = tmp_path_factory.mktemp("browser")
    browser = Browser(program, str(folder / "profile"))
    try:
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        browser.open(address)
        browser.give("#file", str(smile))
        browser.wait("!document.getElementById('result').hidden")
        assert browser.run("document.getElementById('label').textContent") == "Positive"
        browser.wait("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        browser.picture(folder / "wide.png")

        browser.run(
            "(() => { const s = document.getElementById('apex'); s.value = 8; s.dispatchEvent(new Event('input')); })()"
        )
        browser.wait(
            "told.score.apex === told.numbers[8] && !document.getElementById('result').classList.contains('busy')"
        )
        assert "AU" in browser.run("document.getElementById('units').textContent")
        report = browser.run("fetch(document.getElementById('report').href).then(answer => answer.text())")
        assert "smile.mp4" in report and "apex frame 8" in report

        browser.ask(
            "Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True
        )
        assert browser.run("document.documentElement.scrollWidth <= 390")
        browser.picture(folder / "narrow.png")
        assert all(asked.startswith((address, "about:", "data:", "blob:")) for asked in browser.addresses())
        browser.run("document.getElementById('forget').click()")
        browser.wait(
            "document.getElementById('result').hidden && document.getElementById('status').textContent === 'Forgotten.'"
        )
        assert browser.run("ask('http://127.0.0.1:9/').catch(error => error.message)").startswith(
            "The page's server does not answer"
        )
    finally:
        browser.close()
