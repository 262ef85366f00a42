"""The clips of one server: analyse them one after another, and delete them after a fixed time."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mer.web import analysis
from mer.web.analysis import Analysis
from mer.web.queue import Queue, Task
from mer.web.storage import Storage
from mer_core.errors import InUse, LimitExceeded, NotFound

KEEP_S = 1800.0  # after the analysis has ended
MAX_CLIPS = 20
MAX_BYTES = 500_000_000  # of one clip


@dataclass(eq=False)
class Clip:
    """One clip: its file, its bundle, and the tasks that analyse it and draw its video."""

    key: str
    path: Path
    bundle: str
    task: Task
    face: int = 1  # 1 is the largest
    blur: bool = False  # everything drawn shows the mesh of the face, and the recording is not shown
    video: Task | None = None
    n_analysed: int = 0
    n_scored: int = 0  # in the addresses of pictures, so that browsers reload them after a new score

    @property
    def analysis(self) -> Analysis | None:
        """The result; None until the analysis is done."""
        return self.task.result

    @property
    def result(self) -> Analysis:
        """The result; raise `InUse` until the analysis is done."""
        found = self.analysis
        if found is None:
            raise InUse(f"{self.path.name} has no result yet. Wait for its analysis.")
        return found

    @property
    def folder(self) -> Path:
        """The folder of the file and of everything made from it."""
        return self.path.parent


class Clips:
    """All clips of one server, by key.

    Parameters
    ----------
    storage : Storage
    bundles : dict of str
        Path of each bundle by name; the first is the default.
    keep_s : float
        Time from the end of a clip's analysis to its deletion, s.
    blur : bool
        Show the mesh of the face instead of the picture in everything that is drawn.
    """

    def __init__(self, storage: Storage, bundles: dict[str, str], keep_s: float = KEEP_S, blur: bool = False):
        self.storage, self.bundles, self.keep_s, self.blur = storage, bundles, keep_s, blur
        self.queue = Queue()
        self._clips: dict[str, Clip] = {}

    def start(self) -> None:
        """Load the models in the background."""
        default = next(iter(self.bundles.values()))
        self.queue.submit(Task(lambda progress: analysis.warm_up(default), is_of_clip=False))

    def new_folder(self, size: int) -> Path:
        """Return a folder for an upload of `size` bytes; raise `LimitExceeded` if there is no room for it."""
        if len(self._clips) >= MAX_CLIPS:
            raise LimitExceeded(f"The page holds at most {MAX_CLIPS} clips. Close one first.")
        return self.storage.new_folder(size)

    def add(self, folder: Path, name: str, bundle: str | None, prepare: Callable | None = None) -> Clip:
        """Queue the file `name` in `folder`; `prepare(path, progress)` creates it first if it is missing."""
        task = Task(lambda progress: None)
        clip = Clip(folder.name, folder / name, self.check_bundle(bundle), task, blur=self.blur)
        self._clips[clip.key] = clip
        self._analyse(clip, prepare)
        return clip

    def analyse_again(self, clip: Clip, face: int) -> None:
        """Queue a clip once more, with another face; raise `InUse` while it is being analysed."""
        if not clip.task.finished or not (clip.video is None or clip.video.finished):
            raise InUse(f"{clip.path.name} is being analysed. Cancel that first.")
        clip.face = face
        self._analyse(clip)

    def _analyse(self, clip: Clip, prepare: Callable | None = None) -> None:
        def run(progress):
            if prepare is not None and not clip.path.exists():
                prepare(clip.path, progress)
            result = analysis.analyse(clip.path, self.bundles[clip.bundle], progress, clip.face)
            clip.n_analysed += 1
            clip.n_scored += 1
            return result

        clip.task, clip.video = Task(run, hide=f"{clip.folder}/"), None
        self.queue.submit(clip.task)

    def check_bundle(self, name: str | None) -> str:
        """Return the name, or the default for None; raise `BadInput` for an unknown bundle."""
        name = name or next(iter(self.bundles))
        if name not in self.bundles:
            raise NotFound(f"There is no bundle {name!r}. Available: {', '.join(self.bundles)}.")
        return name

    def get(self, key: str) -> Clip | None:
        """Return the clip, or None."""
        return self._clips.get(key)

    def score(self, clip: Clip, onset: int, apex: int, bundle: str | None) -> Future:
        """Score another moment, or use another bundle; the old score remains if this fails."""
        bundle = self.check_bundle(bundle or clip.bundle)

        def run() -> None:
            analysis.score_moment(clip.result, onset, apex, self.bundles[bundle])
            clip.bundle = bundle
            clip.n_scored += 1

        return self.queue.call(run)

    def annotate(self, clip: Clip, draw: Callable) -> None:
        """Queue `draw(progress)`, which draws the clip's video, unless that is done or queued."""
        if clip.video is None or clip.video.state in ("failed", "cancelled"):
            clip.video = self.queue.submit(Task(draw, hide=f"{clip.folder}/"))

    def close(self, clip: Clip) -> None:
        """Delete the clip and everything made from it."""
        self._clips.pop(clip.key, None)
        for task in (clip.task, clip.video):
            if task is not None:
                self.queue.cancel(task)
        self.storage.delete(clip.folder)
        # The worker may be writing into the folder: delete it again when the worker is free.
        self.queue.call(lambda: self.storage.delete(clip.folder))

    def expires_in(self, clip: Clip) -> float | None:
        """Return the seconds until the clip is deleted; None while a task of it is unfinished."""
        tasks = [task for task in (clip.task, clip.video) if task is not None]
        ended = [task.ended for task in tasks if task.ended is not None]
        return max(ended) + self.keep_s - time.monotonic() if len(ended) == len(tasks) else None

    async def delete_expired(self) -> None:
        """Delete expired clips for as long as the server runs."""
        while True:
            for clip in list(self._clips.values()):
                remaining = self.expires_in(clip)
                if remaining is not None and remaining <= 0:
                    self.close(clip)
            await asyncio.sleep(min(1.0, self.keep_s / 4))

    def stop(self) -> None:
        """Cancel all work and delete all files."""
        self.queue.stop()
        self.storage.close()

    def to_dict(self, clip: Clip) -> dict[str, Any]:
        """Return the state of the clip, ready for JSON."""
        remaining = self.expires_in(clip)
        return {
            "key": clip.key,
            "name": clip.path.name,
            "bundle": clip.bundle,
            "face": clip.face,
            "blur": clip.blur,
            "analysis": clip.n_analysed,
            "version": clip.n_scored,
            "expires_in_s": None if remaining is None else round(max(remaining, 0)),
            "video": None if clip.video is None else self._task(clip.video),
            **self._task(clip.task),
        }

    def list(self) -> "list[dict[str, Any]]":
        """Return the state of every clip, the oldest first."""
        return [self.to_dict(clip) for clip in list(self._clips.values())]

    def _task(self, task: Task) -> dict[str, Any]:
        return {
            "state": task.state,
            "ahead": self.queue.position(task) if task.state == "waiting" else 0,
            "n_done": task.n_done,
            "n_total": task.n_total,
            "code": task.code,
            "message": task.message,
        }
