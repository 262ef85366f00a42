"""Measure a video in one pass. Nothing else does.

Frames are read one by one and dropped; a row of numbers is kept of each. After the last one, the head's pose
is fitted to the rigid points, the person's neutral face is found, and the motion of each site is measured
against it.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from scipy.ndimage import median_filter
from threadpoolctl import threadpool_limits

from data_prep.face_plausibility import MIN_PLAUSIBILITY, plausibility
from data_prep.face_regions import SITES
from data_prep.frames import Frame, Frames, open_frames
from data_prep.landmarks import interocular
from mer.inference import eyes, neutral
from mer.inference.face_tracker import FaceTracker
from mer.inference.frontal_face import (
    STORED_POINTS,
    lid_distances,
    mouth_shape,
    pose_and_frontal_points,
    site_positions,
)
from mer.inference.site_motion import METHOD, OPTIONS, KeyFrame, combine, combine_turn
from mer.inference.track import Track
from mer_core.errors import BadInput
from mer_core.parallel import prefetch
from mer_core.progress import track as show_progress

Progress = Callable[[int], None]

MAX_FPS = 100.0  # of faster videos only this many frames per second are measured, plenty for a face
ASSUMED_FPS = 30.0  # of frames without times
IMPLAUSIBLE_S = 0.3  # s: landmarks that are implausible for a shorter time are noise, not a covered face


class _Recorder:
    """Collects the rows of a pass."""

    def __init__(self, tracker: FaceTracker):
        from flow.estimate import load_method

        self.tracker, self.method = tracker, load_method(METHOD, **OPTIONS)
        self.rows: list[tuple] = []  # number, time, run, n_faces, is_key
        self.measured: list[np.ndarray] = []  # float32, one vector a frame
        self.key: KeyFrame | None = None
        self.run = 0

    def add(self, frame: Frame, time: float, points: np.ndarray | None, n_faces: int) -> None:
        """Measure one frame."""
        if points is None:
            self.run += self.key is not None
            self.key = None
            self.rows.append((frame.number, time, -1, n_faces, False))
            return
        if self.key is None:
            self.key = KeyFrame(frame.image, points, time)
        sites, turn, change, head_shift = self.key.flow_to(frame.image, self.method)
        is_key = self.key.is_stale(time, head_shift)
        if is_key:
            self.key = KeyFrame(frame.image, points, time, sites, turn)
        self.rows.append((frame.number, time, self.run, n_faces, is_key))
        scalars = [
            interocular(points),
            plausibility(points, frame.image).value,
            *points.min(0),
            *points.max(0),
        ]
        vector = np.concatenate([points[STORED_POINTS].ravel(), np.ravel(sites), turn, change, scalars])
        self.measured.append(vector.astype(np.float32))


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
    recorder, total, shape, timed = _Recorder(tracker), 0, (0, 0), True

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
                yield frame, time, tracker.landmarks(frame.image), tracker.n_faces

    with threadpool_limits(1, "blas"):  # threads wait longer for each other than these small systems take
        for item in prefetch(find_faces()):
            recorder.add(*item)
        return _finish(recorder, total, shape, timed, neutral_frame)


def track_clip(
    clip: str | Path,
    fps: float | None = None,
    face: int = 1,
    neutral_frame: int | None = None,
    progress: Progress | None = None,
) -> tuple[Frames, Track]:
    """Open a video or a folder of frames and track a face through it.

    Parameters
    ----------
    clip : path
    fps : float or None
        Frames per second of a folder without times.
    face : int
        Face to follow, 1 for the largest.
    neutral_frame, progress
        As in `track_video`.

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
    watched = frames if progress else show_progress(frames, "Tracking")
    track = track_video(watched, tracker, fps, neutral_frame, progress)
    tracker.require(str(clip))
    return frames, track


def _finish(
    recorder: _Recorder, frames: int, shape: tuple[int, int], timed: bool, neutral_frame: int | None
) -> Track:
    """Turn the rows of a pass into a track."""
    number, time, run, n_faces, is_key = _columns(recorder.rows)
    seen = run >= 0
    m = int(seen.sum())
    width = 2 * len(STORED_POINTS) + 3 * len(SITES) + 9
    table = np.array(recorder.measured, np.float64).reshape(m, width)
    points, flow, flow_turn, change, scalars = np.split(
        table, np.cumsum([2 * len(STORED_POINTS), 2 * len(SITES), 3, len(SITES)]), axis=1
    )
    pose, frontal = pose_and_frontal_points(points.reshape(m, len(STORED_POINTS), 2))
    lids, mouth = lid_distances(frontal), mouth_shape(frontal)
    found = {
        "plausibility": scalars[:, 1],
        "box": scalars[:, 2:],
        "eyes_px": scalars[:, 0],
        "turn": pose.angles() if m else np.empty((0, 3)),
        "shift": pose.shift,
        "sites": site_positions(frontal),
        "neutral": np.full((m, len(SITES), 2), np.nan),
        "at_rest": np.full(m, np.nan),
        "lids": lids,
        "mouth": mouth,
    }
    open_lids = eyes.open_lid_distances(lids) if m else np.ones(2)
    run = _without_implausible(run, seen, time, scalars[:, 1])
    measured = run[seen]
    motion = (flow.reshape(m, len(SITES), 2), change, flow_turn, is_key[seen])
    smooth, still = _refine(found, measured, time[seen], open_lids, motion)
    anchor = _find_neutral(found, smooth, measured >= 0, time[seen], number[seen], still, neutral_frame)
    return Track(
        number=number,
        time=time,
        seen=seen,
        run=run,
        n_faces=n_faces,
        open_lids=open_lids,
        neutral_frame=anchor,
        face_id=recorder.tracker.face,
        max_faces=recorder.tracker.max_faces,
        frames=frames,
        shape=shape,
        timed=timed,
        is_neutral_given=neutral_frame is not None,
        **{name: _expand(values, seen) for name, values in found.items()},
    )


def _columns(rows: list[tuple]) -> list[np.ndarray]:
    """Return number, time, run, number of faces and whether it is a key frame, of all rows."""
    columns: list[tuple] = list(zip(*rows)) or [()] * 5
    kinds = (int, float, int, int, bool)
    return [np.array(column, kind) for column, kind in zip(columns, kinds)]


def _without_implausible(
    run: np.ndarray, seen: np.ndarray, time: np.ndarray, plausible: np.ndarray
) -> np.ndarray:
    """Break runs where the landmarks stay implausible, because something covers the face.

    If most of a clip is implausible, the check does not suit the video and breaks nothing.
    """
    if len(plausible) < 2 or np.median(plausible) < MIN_PLAUSIBILITY:
        return run
    width = int(IMPLAUSIBLE_S / max(float(np.median(np.diff(time[seen]))), 1e-3)) | 1
    covered = np.zeros(len(run), bool)
    covered[seen] = median_filter(plausible, size=width, mode="nearest") < MIN_PLAUSIBILITY
    out, count = np.full(len(run), -1), -1
    for row in np.flatnonzero(seen & ~covered):
        if row == 0 or covered[row - 1] or run[row - 1] != run[row]:
            count += 1
        out[row] = count
    return out


def _refine(
    found: dict, run: np.ndarray, time: np.ndarray, open_lids: np.ndarray, motion: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, float]:
    """Add the fine motion of every run, in place; return the smoothed sites and the stillness of the face."""
    smooth, still = np.empty_like(found["sites"]), 1.0
    runs = [np.flatnonzero(run == which) for which in np.unique(run[run >= 0])]
    for rows in sorted(runs, key=len):  # the longest last, because its stillness is used
        still = _refine_run(found, smooth, rows, time[rows], open_lids, *(part[rows] for part in motion))
    return smooth, still


def _refine_run(
    found: dict,
    smooth: np.ndarray,
    rows: np.ndarray,
    time: np.ndarray,
    open_lids,
    flow,
    change,
    flow_turn,
    is_key,
) -> float:
    """Add the fine motion of one run, in place; return its stillness."""
    step = max(float(np.median(np.diff(time))), 1e-3) if len(rows) > 1 else 1.0
    if len(rows) > 1:  # the flow of a frame to itself has no noise, which would set the first frame apart
        flow[0] = flow[1]
    found["turn"][rows] = combine_turn(found["turn"][rows], flow_turn, step)
    sites = combine(found["sites"][rows], flow, change, is_key, step)
    lids = found["lids"][rows]
    blinks = eyes.find_closures(time, lids, open_lids) + eyes.find_cut_blinks(time, lids, open_lids)
    found["sites"][rows] = eyes.bridge_blinks(sites, blinks, step)
    smooth[rows] = neutral.smooth_sites(time, found["sites"][rows], step)
    return neutral.stillness(found["sites"][rows], step)


def _find_neutral(
    found: dict, smooth: np.ndarray, measured: np.ndarray, time, number, still: float, frame: int | None
) -> int:
    """Find and follow the neutral face, in place; return its frame number, -1 if nothing was measured."""
    rows = np.flatnonzero(measured)
    if frame is not None and frame not in number[rows]:
        seen = f", which is seen from {number[rows[0]]} to {number[rows[-1]]}" if len(rows) else ""
        raise BadInput(f"Frame {frame} cannot be the neutral one: it is not there or shows no face{seen}.")
    if not len(rows):
        return -1
    if frame is None:
        anchor = neutral.find_neutral(
            time[rows], smooth[rows], found["mouth"][rows], found["lids"][rows], still
        )
    else:
        anchor = int(np.flatnonzero(number[rows] == frame)[0])
    head = neutral.head_position(found["turn"][rows], found["shift"][rows], found["eyes_px"][rows])
    face, rest = neutral.follow_neutral(time[rows], smooth[rows], head, anchor, still)
    found["neutral"][rows], found["at_rest"][rows] = face, rest
    return int(number[rows[anchor]])


def _expand(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return the rows of seen frames among all rows, NaN in between."""
    out = np.full((len(seen), *values.shape[1:]), np.nan)
    out[seen] = values
    return out
