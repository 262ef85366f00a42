"""One small clip with a face, one without, and one server with one browser for all tests of the page."""

import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import uvicorn

from mer.web.app import create_app
from mer.web.clips import Clips
from mer.web.serve import listen, offered_bundles
from mer.web.storage import Storage
from tests.mer.inference.video_files import write_video
from tests.mer.web.browser import Browser, program


@dataclass
class Page:
    """A server, the browser that looks at it, and where both keep their files."""

    address: str
    clips: Clips
    browser: Browser

    def open(self, path: str = "", width: int = 1280) -> Browser:
        """Go to a path of the server in the browser."""
        self.browser.open(self.address + path, width)
        return self.browser


@pytest.fixture(scope="session")
def smile(tmp_path_factory) -> Path:
    from flow.splatting.actor import Actor
    from flow.splatting.expression import film_expression

    frames = film_expression(
        Actor(77, 200), {"12": 1.0, "6": 0.6}, 3.5, 6, 6, np.random.default_rng(0), rest=4
    )
    return write_video(tmp_path_factory.mktemp("clip") / "smile.mp4", list(frames))


@pytest.fixture(scope="session")
def faceless(tmp_path_factory) -> Path:
    frames = [np.full((96, 128, 3), 40 + 5 * i, np.uint8) for i in range(6)]
    return write_video(tmp_path_factory.mktemp("clip") / "wall.mp4", frames)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    if program() is None:
        pytest.skip("needs Chromium: apt install chromium, or name one in MER_CHROMIUM")
    folder = tmp_path_factory.mktemp("page")
    bundles = offered_bundles([])
    other = shutil.copytree(bundles["synthetic"], folder / "another")
    clips = Clips(Storage(folder), bundles | {"another": str(other)})
    listener = listen(0)
    server = uvicorn.Server(uvicorn.Config(create_app(clips), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    browser = Browser(program(), str(folder / "profile"))
    yield Page(f"http://127.0.0.1:{listener.getsockname()[1]}/", clips, browser)
    browser.close()
    server.should_exit = True
    thread.join(20)
    assert not list(folder.glob("mer-app-*"))


@pytest.fixture(scope="module")
def analysed(page, smile) -> str:
    """The path of the page of a clip that has been analysed."""
    browser = page.open()
    browser.choose("#file", smile)
    browser.wait("!document.getElementById('result').hidden")
    return browser.run("location.pathname").lstrip("/")


def eventually(condition, seconds: float = 10.0) -> None:
    """Wait until a condition of this process is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
