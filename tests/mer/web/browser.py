"""A headless Chromium over its debugging pipe: opens pages and uses them as a person would."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

# Moves both ends out of the way before they become 3 and 4, then turns into the browser.
START = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3), os.dup2(ends[1], 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
OPTIONS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",  # the camera shows a test picture
    "--use-fake-ui-for-media-stream",  # and nobody is asked
    "--remote-debugging-pipe",
]
ANSWERS_S = 120  # a browser that is silent for longer has gone wrong
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39}


def program() -> str | None:
    """Chromium's path: MER_CHROMIUM, or what is installed."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("MER_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


class Browser:
    """One browser with one tab; a second one is `Browser.new_tab`."""

    def __init__(self, program: str, profile: str):
        here_read, there_write = os.pipe()
        there_read, self._write = os.pipe()
        words = [program, *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        # Chromium takes commands from descriptor 3 and answers on 4.
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(there_read), str(there_write), *words],
            pass_fds=(there_read, there_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(there_read), os.close(there_write)
        self._read, self._buffer, self._numbers = here_read, b"", count(1)
        self.session, self.events = None, []
        self.new_tab()

    def new_tab(self) -> str:
        """Open a tab and go to it; returns its session, to be set as `session` to come back."""
        self.session = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "DOM", "Runtime", "Network"):
            self.ask(f"{domain}.enable")
        return self.session

    def ask(self, method: str, **parameters):
        """Send one command and return its result; whatever else the browser reports is kept in `events`."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self._message())
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _message(self) -> bytes:
        while b"\0" not in self._buffer:
            assert select.select([self._read], [], [], ANSWERS_S)[0], "the browser does not answer"
            part = os.read(self._read, 1 << 16)
            assert part, "the browser is gone"
            self._buffer += part
        message, self._buffer = self._buffer.split(b"\0", 1)
        return message

    def run(self, script: str):
        """The value of a JavaScript expression on the page; promises are awaited."""
        answer = self.ask(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, script: str, seconds: float = 180):
        """Wait until the expression is true; returns its value."""
        end = time.monotonic() + seconds
        while not (value := self.run(script)):
            assert time.monotonic() < end, f"{script} never came true: {self.run('document.body.innerText')}"
            time.sleep(0.05)
        return value

    def open(self, address: str, width: int = 1280, height: int = 900) -> None:
        """Go to an address."""
        self.size(width, height)
        self.ask("Page.navigate", url=address)
        self.wait(
            "document.readyState === 'complete' && document.querySelector('#limits')?.textContent !== ''"
        )

    def size(self, width: int, height: int) -> None:
        """Size of the window, px."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def dark(self, on: bool) -> None:
        """Prefer dark colours, or light ones."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if on else "light"}]
        self.ask("Emulation.setEmulatedMedia", features=scheme)

    def choose(self, selector: str, *paths: Path) -> None:
        """Choose files in a file field."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        field = self.ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.ask("DOM.setFileInputFiles", files=[str(path) for path in paths], nodeId=field)

    def drop(self, path: Path, x: int, y: int) -> None:
        """Drag a file onto the page and let it go at (x, y) px."""
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "dragOver", "drop"):
            self.ask("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)
            # Time for the page to answer; a tab in the background gets no animation frames.
            self.run("new Promise(done => setTimeout(done, 100))")

    def click(self, selector: str) -> None:
        """Click in the middle of an element with the mouse."""
        element = f"document.querySelector({json.dumps(selector)})"
        x, y = self.run(
            "(e => { e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            f"return [r.x + r.width / 2, r.y + r.height / 2]; }})({element})"
        )
        self.click_at(x, y)

    def click_at(self, x: float, y: float) -> None:
        """Click at (x, y) px of the window."""
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    def press(self, key: str, times: int = 1) -> None:
        """Press a key."""
        text = {"text": "\r"} if key == "Enter" else {}
        for _ in range(times):
            for kind in ("keyDown", "keyUp"):
                self.ask(
                    "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=KEYS[key], **text
                )
                text = {}

    def picture(self, path: Path) -> None:
        """A PNG of the whole page."""
        png = self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(png))

    def addresses(self) -> set[str]:
        """All that the pages have asked for."""
        asked = [event for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return {event["params"]["request"]["url"] for event in asked}

    def problems(self) -> list:
        """What went wrong in scripts."""
        return [event for event in self.events if event.get("method") == "Runtime.exceptionThrown"]

    def close(self) -> None:
        """End the browser."""
        self.session = None
        self.ask("Browser.close")
        self.process.wait(20)
        os.close(self._write), os.close(self._read)
