"""A headless Chromium over its debugging pipe: enough to open a page, give it a file, ask it things and take its picture."""

import base64
import json
import os
import subprocess
import sys
import time
from itertools import count

# Moves both ends out of the way before they become 3 and 4, then turns into the browser.
START = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3), os.dup2(ends[1], 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""


class Browser:
    def __init__(self, program: str, profile: str):
        here_read, there_write = os.pipe()
        there_read, self.write = os.pipe()
        words = [
            program,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            f"--user-data-dir={profile}",
            "--remote-debugging-pipe",
            "about:blank",
        ]
        # Chromium takes commands from descriptor 3 and answers on 4.
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(there_read), str(there_write), *words],
            pass_fds=(there_read, there_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(there_read), os.close(there_write)
        self.answers, self.numbers, self.session, self.events = os.fdopen(here_read, "rb"), count(1), None, []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "DOM", "Runtime", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters):
        """Send one command and return its result; what else the browser tells is kept in `events`."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters} | (
            {"sessionId": self.session} if self.session else {}
        )
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            told = json.loads(self._message())
            if told.get("id") == number:
                assert "error" not in told, told
                return told["result"]
            self.events.append(told)

    def _message(self) -> bytes:
        read = bytearray()
        while (byte := self.answers.read(1)) != b"\0":
            assert byte, "the browser is gone"
            read += byte
        return bytes(read)

    def run(self, script: str):
        """The value of a JavaScript expression on the page."""
        told = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def wait(self, script: str, seconds: float = 120):
        """Until the expression is true; returns it."""
        end = time.monotonic() + seconds
        while not (value := self.run(script)):
            assert time.monotonic() < end, (
                f"{script} never came true; the page says: {self.run('document.body.innerText')}"
            )
            time.sleep(0.1)
        return value

    def open(self, address: str, width: int = 1280, height: int = 900) -> None:
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.ask("Page.navigate", url=address)
        self.wait("document.readyState === 'complete'")

    def give(self, selector: str, path: str) -> None:
        """Choose a file in a file field."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        field = self.ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.ask("DOM.setFileInputFiles", files=[path], nodeId=field)

    def picture(self, path) -> None:
        """A PNG of the whole page."""
        path.write_bytes(
            base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"])
        )

    def addresses(self) -> set[str]:
        """All that the page has asked for."""
        return {
            told["params"]["request"]["url"]
            for told in self.events
            if told.get("method") == "Network.requestWillBeSent"
        }

    def close(self) -> None:
        self.ask("Browser.close")
        self.process.wait(20)
        os.close(self.write), self.answers.close()
