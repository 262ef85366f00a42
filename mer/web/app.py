"""A web page for scoring one's own clips, served to this machine alone.

It is the standard library's server and one HTML file: nothing is fetched, nothing is sent anywhere, nothing more is
installed. Clips lie in a temporary folder, and are gone when the page lets go of them, after half an hour, or at the end.
"""

import json
import secrets
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from mer import bundle as bundles
from mer_core.errors import BadInput, MerError

MOST_BYTES = 500_000_000  # of one clip
MOST_S = 300.0  # for watching one clip
KEEP_S, KEEP = 1800.0, 4  # how long, and how many clips are kept at once
CHUNK = 1 << 20


class Clip:
    """An uploaded clip on its way: `state` is working, done or failed; `message` says why it failed."""

    def __init__(self, path: Path, name: str):
        self.path, self.name, self.since = path, name, time.monotonic()
        self.state, self.message, self.seen = "working", "", 0
        self.course = self.score = None

    def watched(self, frames: Iterable) -> Iterator:
        """The frames, counted, until the time is up or the clip is gone."""
        end = time.monotonic() + MOST_S
        for frame in frames:
            if time.monotonic() > end:
                raise BadInput(
                    f"This took longer than {MOST_S:.0f} s. Cut the clip, or use mer score on the command line."
                )
            self.seen += 1
            yield frame

    def to_dict(self) -> dict:
        """What the page needs to know."""
        told = {"state": self.state, "message": self.message, "seen": self.seen, "name": self.name}
        if self.score is not None:
            course = self.course
            told |= {
                "score": self.score.to_dict() | {"clip": self.name},
                "numbers": course.number.tolist(),
                "times": [round(float(t), 4) for t in course.time],
                "activity": [round(float(a), 4) for a in self.score.activity],
            }
        return told


class Desk:
    """The clips of one running server, and the one place where they are scored, one after another."""

    def __init__(self, folder: Path, bundle: str | Path | None):
        self.folder, self.bundle = folder, bundles.load(bundle)
        self.bundle_name = str(bundle or "synthetic, the one that comes with mer")
        self.clips: dict[str, Clip] = {}
        self.turn = threading.Lock()  # models are not made for two threads at once

    def take(self, name: str, body, length: int) -> str:
        """Keep an upload of `length` bytes, start on it, and return its key."""
        self.tidy()
        key = secrets.token_urlsafe(12)
        path = self.folder / (key + Path(name).suffix.lower()[:8])
        with path.open("wb") as file:
            while length > 0 and (part := body.read(min(CHUNK, length))):
                file.write(part)
                length -= len(part)
        self.clips[key] = clip = Clip(path, Path(name).name[:120])
        threading.Thread(target=self._work, args=(clip, None), daemon=True).start()
        return key

    def again(self, clip: Clip, onset: int, apex: int) -> None:
        """Score the clip once more, between two frames that the user chose."""
        self._work(clip, (onset, apex))

    def _work(self, clip: Clip, numbers: tuple[int, int] | None) -> None:
        from data_prep.frames import open_frames
        from mer.inference import onset_apex
        from mer.inference.face_tracker import Follower
        from mer.inference.predict import FPS, explain, given
        from mer.inference.track import watch

        try:
            with self.turn:
                frames = open_frames(clip.path)
                if clip.course is None:
                    follower = Follower()
                    clip.course = watch(clip.watched(frames), follower, FPS)
                    follower.require(clip.name)
                picked = (
                    given(clip.course, *numbers, Path(clip.name))
                    if numbers
                    else onset_apex.strongest(clip.course, clip.name)
                )
                clip.score = explain(clip.path, frames, clip.course, picked, self.bundle, self.bundle_name)
            clip.state = "done"
        except MerError as error:
            clip.state, clip.message = "failed", str(error).replace(str(clip.path), clip.name)
        except Exception as error:  # the page must hear of it
            clip.state, clip.message = "failed", f"{type(error).__name__}: {error}"

    def tidy(self, everything: bool = False) -> None:
        """Let go of clips that are old, or too many."""
        keys = list(self.clips)
        for i, key in enumerate(keys):
            if everything or len(keys) - i >= KEEP or time.monotonic() - self.clips[key].since > KEEP_S:
                self.drop(key)

    def drop(self, key: str) -> None:
        clip = self.clips.pop(key, None)
        if clip is not None:
            clip.path.unlink(missing_ok=True)


class Handler(BaseHTTPRequestHandler):
    """The routes: the page, a clip sent in, how it stands, another moment of it, its pictures, its report, its end."""

    desk: Desk
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        if not self._from_here():
            return
        if self.path == "/":
            return self._send(
                200, (Path(__file__).parent / "app.html").read_bytes(), "text/html; charset=utf-8"
            )
        parts = self.path.strip("/").split("/")
        clip = self._clip(parts)
        if clip is None:
            return
        if len(parts) == 2:
            return self._json(200, clip.to_dict())
        if clip.score is None:
            return self._json(404, {"message": "There is no score yet."})
        self._of_score(clip, parts[2].split("?")[0])

    def _of_score(self, clip: Clip, what: str) -> None:
        import cv2

        from mer.report.clip_figures import curve, pictures
        from mer.report.clip_page import page

        drawn = pictures(clip.score)
        if what == "report.html":
            from dataclasses import replace

            named = replace(clip.score, clip=clip.name)
            return self._send(
                200,
                page(named, drawn, curve(named)).encode(),
                "text/html; charset=utf-8",
                f'attachment; filename="{Path(clip.name).stem}.html"'.encode("ascii", "replace").decode(),
            )
        if what.removesuffix(".png") not in drawn:
            return self._json(404, {"message": "There is no such picture."})
        self._send(
            200, cv2.imencode(".png", drawn[what.removesuffix(".png")][..., ::-1])[1].tobytes(), "image/png"
        )

    def do_POST(self) -> None:
        if not self._from_here(changes=True):
            return
        length = int(self.headers.get("Content-Length") or 0)
        parts = self.path.strip("/").split("/")
        if parts == ["clips"]:
            from urllib.parse import unquote

            if not 0 < length <= MOST_BYTES:
                self.close_connection = True
                return self._json(
                    413,
                    {
                        "message": f"A clip may have up to {MOST_BYTES // 1_000_000} MB; this one has {length / 1e6:.0f}. Cut it, or use mer score."
                    },
                )
            return self._json(
                200, {"key": self.desk.take(unquote(self.headers.get("X-Name", "clip")), self.rfile, length)}
            )
        clip = self._clip(parts)
        if clip is None or length > 10_000:
            return
        asked = json.loads(self.rfile.read(length))
        self.desk.again(clip, int(asked["onset"]), int(asked["apex"]))
        told = clip.to_dict()
        clip.state, clip.message = "done", ""  # a moment that could not be read leaves the last one standing
        self._json(200, told)

    def do_DELETE(self) -> None:
        if self._from_here(changes=True):
            self.desk.drop(self.path.rsplit("/", 1)[-1])
            self._json(200, {})

    def _from_here(self, changes: bool = False) -> bool:
        """Refuse what another site's page could have sent: a strange host name, or a change without our own header."""
        host = (self.headers.get("Host") or "").rsplit(":", 1)[0]
        if host in ("127.0.0.1", "localhost") and (not changes or self.headers.get("X-Mer") == "1"):
            return True
        self.close_connection = True
        self._json(403, {"message": "This page answers its own machine only."})
        return False

    def _clip(self, parts: list[str]) -> Clip | None:
        clip = self.desk.clips.get(parts[1]) if len(parts) >= 2 and parts[0] == "clips" else None
        if clip is None:
            self._json(
                404, {"message": "There is no such clip; it may be gone after half an hour. Drop it again."}
            )
        return clip

    def _json(self, status: int, value: dict) -> None:
        self._send(status, json.dumps(value, allow_nan=False).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str, disposition: str | None = None) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; frame-ancestors 'none'",
        }
        for name, value in (headers | ({"Content-Disposition": disposition} if disposition else {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        """Say nothing for each request."""


def make_server(folder: Path, port: int = 0, bundle: str | Path | None = None) -> ThreadingHTTPServer:
    """A server on 127.0.0.1 that keeps its clips in `folder`; raises `BadInput` if the port is taken."""
    handler = type("Handler", (Handler,), {"desk": Desk(folder, bundle)})
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise BadInput(
            f"Port {port} cannot be used ({error.strerror}). Choose another: --port 0 takes any free one."
        ) from error


def serve(port: int, bundle: str | Path | None = None, open_browser: bool = True) -> None:
    """Serve until interrupted."""
    import webbrowser

    from mer_core.progress import say

    with (
        tempfile.TemporaryDirectory(prefix="mer-app-") as folder,
        make_server(Path(folder), port, bundle) as server,
    ):
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        print(address, flush=True)
        say("Open this address in a browser on this machine; Ctrl+C ends it.")
        if open_browser:
            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
