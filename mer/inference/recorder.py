"""The one pass over a video: find the face in each frame, and measure its motion.

Frames are read one by one and dropped; a row of numbers is kept of each. After the last one,
`track_assembly.py` makes a track of them.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from data_prep.face_plausibility import plausibility
from data_prep.frames import Frame, Frames, open_frames
from data_prep.landmarks import interocular
from mer.inference.face_tracker import FaceTracker
from mer.inference.site_motion import METHOD, OPTIONS, KeyFrame
from mer.inference.track import Track
from mer.inference.track_assembly import Recording, make_track, pack_values
from mer_core.device import n_cores
from mer_core.parallel import prefetch
from mer_core.progress import track as show_progress

Progress = Callable[[int], None]  # number of frames read
ClipProgress = Callable[[int, int | None], None]  # the same, and the number expected if it is known

MAX_FPS = 100.0  # of faster videos only this many frames per second are measured, plenty for a face
ASSUMED_FPS = 30.0  # of frames without times
IN_MEMORY = "frames in memory"  # the name of a clip that is an array


class _Recorder:
    """Collects the rows of a pass."""

    def __init__(self) -> None:
        from flow.estimate import load_method

        self.method = load_method(METHOD, **OPTIONS)
        self.rows: list[tuple[int, float, int, int, bool]] = []
        self.values: list[np.ndarray] = []
        self.appearances: list[np.ndarray] = []
        self.key: KeyFrame | None = None
        self.run = 0

    def add(
        self, frame: Frame, time: float, points: np.ndarray | None, plausible: float, n_faces: int
    ) -> None:
        """Measure one frame."""
        if points is None:
            self.run += self.key is not None
            self.key = None
            self.rows.append((frame.number, time, -1, n_faces, False))
            return
        if self.key is None:
            self.key = KeyFrame(frame.image, points, time)
        found = self.key.flow_to(frame.image, points, self.method)
        is_key = self.key.is_stale(time, found.head_shift)
        if is_key:
            self.key = KeyFrame(frame.image, points, time, found.sites, found.turn)
        self.rows.append((frame.number, time, self.run, n_faces, is_key))
        self.values.append(pack_values(points, found, interocular(points), plausible))
        self.appearances.append(found.appearance)


def track_video(
    frames: Iterable[Frame],
    tracker: FaceTracker,
    fps: float | None = None,
    neutral_frame: int | None = None,
    progress: Progress | None = None,
) -> Track:
    """Read the frames once and measure them.

    Parameters
    ----------
    frames : iterable of Frame
    tracker : FaceTracker
    fps : float or None
        Replaces missing times; None: 30.
    neutral_frame : int or None
        Number of a frame that shows the neutral face. None: it is found.
    progress : callable or None
        Called after each frame with the number of frames read; may raise to end the pass.

    Raises
    ------
    BadInput
        If `neutral_frame` does not exist or shows no face.
    """
    recorder, total, shape, timed = _Recorder(), 0, (0, 0), True

    def find_faces() -> Iterator[tuple]:
        nonlocal total, shape, timed
        due = -np.inf
        for total, frame in enumerate(prefetch(frames), start=1):
            shape = frame.image.shape[0], frame.image.shape[1]
            timed &= fps is not None or bool(np.isfinite(frame.time_s))
            time = frame.time_s if np.isfinite(frame.time_s) else frame.number / (fps or ASSUMED_FPS)
            if progress is not None:
                progress(total)
            if time >= due:
                due = time + 0.99 / MAX_FPS  # a little less, or rounded times would skip every other frame
                points = tracker.landmarks(frame.image)
                plausible = 0.0 if points is None else plausibility(points, frame.image).value
                yield frame, time, points, plausible, tracker.n_faces

    with _few_threads():
        for item in prefetch(find_faces()):
            recorder.add(*item)
        recording = Recording(
            recorder.rows,
            recorder.values,
            recorder.appearances,
            total,
            shape,
            timed,
            tracker.face,
            tracker.max_faces,
        )
        return make_track(recording, neutral_frame)


@contextmanager
def _few_threads() -> Iterator[None]:
    """Give OpenCV the cores that the two threads of a pass leave, and BLAS one, until the block ends.

    Threads of both wait for each other by spinning, longer than small pictures and systems of equations take.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(max(1, min(before, n_cores() - 2)))
    try:
        with threadpool_limits(1, "blas"):
            yield
    finally:
        cv2.setNumThreads(before)


def clip_name(clip: str | Path | np.ndarray) -> str:
    """Return the name of a clip in results and messages."""
    return IN_MEMORY if isinstance(clip, np.ndarray) else str(clip)


def track_clip(
    clip: str | Path | np.ndarray,
    fps: float | None = None,
    face: int = 1,
    neutral_frame: int | None = None,
    progress: ClipProgress | None = None,
) -> tuple[Frames, Track]:
    """Open a video, a folder of frames or an array of them, and track a face through it.

    Parameters
    ----------
    clip : path or (N, H, W, 3) uint8 RGB
    fps : float or None
        Frames per second of a folder or array without times.
    face : int
        Face to follow, 1 for the largest.
    neutral_frame : int or None
        As in `track_video`.
    progress : callable or None
        Called after each frame with the number of frames read and the number expected, None if unknown; may
        raise to end the pass. None: a progress bar is shown.

    Returns
    -------
    frames : Frames
        For reading single frames again.
    track : Track

    Raises
    ------
    BadInput
        If the clip cannot be read.
    NothingToScore
        If the face is never seen.
    """
    frames, tracker = open_frames(clip, fps), FaceTracker(face)
    if progress is None:
        shown = show_progress(frames, "Tracking", frames.n_expected)
        track = track_video(shown, tracker, fps, neutral_frame)
    else:
        track = track_video(
            frames, tracker, fps, neutral_frame, lambda n_read: progress(n_read, frames.n_expected)
        )
    tracker.require(clip_name(clip))
    jumps = {*frames.report.jumps, *frames.report.beside_damage, *frames.report.suspects}
    notes = tuple(frames.report.sentences())
    return frames, replace(track, jumps=tuple(sorted(jumps)), frame_notes=notes)
