"""Make a `Track` of what one pass over a video recorded.

The head's pose is fitted to the rigid points, the person's neutral face is found, and the motion of each site
is measured against it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import median_filter

from data_prep.face_plausibility import MIN_PLAUSIBILITY
from data_prep.face_regions import SITES
from mer.inference import eyes, neutral
from mer.inference.appearance import N_POINTS
from mer.inference.frontal_face import (
    STORED_POINTS,
    lid_distances,
    mouth_shape,
    pose_and_frontal_points,
    site_positions,
)
from mer.inference.site_motion import FaceReading, combine, combine_turn
from mer.inference.track import Track
from mer_core.errors import BadSetting
from mer_core.progress import count_steps

IMPLAUSIBLE_S = 0.3  # s: landmarks that are implausible for a shorter time are noise, not a covered face


@dataclass(frozen=True)
class Recording:
    """What one pass over a video recorded: a row per measured frame, values only where a face was seen.

    Attributes
    ----------
    rows : list of (int, float, int, int, bool)
        Frame number; time, s; number of the unbroken run, -1 without a face; faces in view; whether flow is
        measured from this frame on.
    values : list of (D,) float32
        A vector of `pack_values` for each row with a face.
    appearances : list of (3, 128) uint8
        As `read_appearance` returns them, likewise.
    n_frames : int
        Frames read, measured or not.
    shape : (int, int)
        Height and width of a frame, px.
    is_timed : bool
        False if a frame rate was assumed.
    face_id, max_faces : int
        As in `Track`.
    """

    rows: list[tuple[int, float, int, int, bool]]
    values: list[np.ndarray]
    appearances: list[np.ndarray]
    n_frames: int
    shape: tuple[int, int]
    is_timed: bool
    face_id: int
    max_faces: int


def pack_values(points: np.ndarray, found: FaceReading, eyes_px: float, plausible: float) -> np.ndarray:
    """Pack what is measured in a frame into one vector, (D,) float32.

    Parameters
    ----------
    points : (478, 2) px
        Landmarks.
    found : FaceReading
    eyes_px : float
        Inter-ocular distance, px.
    plausible : float
        Plausibility of the landmarks, 0..1.
    """
    scalars = [eyes_px, plausible, *points.min(0), *points.max(0)]
    motion = [found.sites.ravel(), found.turn, found.change]
    vector = np.concatenate([points[STORED_POINTS].ravel(), *motion, scalars])
    return vector.astype(np.float32)


def _unpack_values(values: list[np.ndarray]) -> list[np.ndarray]:
    """Return stored points (m, P, 2), sites (m, 17, 2), turn (m, 3), change (m, 17) and scalars (m, 6)."""
    n_points, n_sites = len(STORED_POINTS), len(SITES)
    table = np.array(values, np.float64).reshape(len(values), 2 * n_points + 3 * n_sites + 9)
    ends = np.cumsum([2 * n_points, 2 * n_sites, 3, n_sites])
    points, sites, *others = np.split(table, ends, axis=1)
    return [points.reshape(-1, n_points, 2), sites.reshape(-1, n_sites, 2), *others]


def make_track(recording: Recording, neutral_frame: int | None = None) -> Track:
    """Turn what a pass recorded into a track.

    Parameters
    ----------
    recording : Recording
    neutral_frame : int or None
        Number of a frame that shows the neutral face. None: it is found.

    Raises
    ------
    BadSetting
        If `neutral_frame` does not exist or shows no face.
    """
    number, time, run, n_faces, is_key = _columns(recording.rows)
    seen = run >= 0
    points, flow, flow_turn, change, scalars = _unpack_values(recording.values)
    with count_steps("Evaluating", 3) as advance:
        found = _measure_faces(points, scalars)
        advance()
        lids = found["lids"]
        open_lids = eyes.open_lid_distances(lids) if len(lids) else np.ones(2)
        run = _without_implausible(run, seen, time, found["plausibility"])
        motion = flow, change, flow_turn, is_key[seen]
        smooth, still = _refine(found, run[seen], time[seen], open_lids, motion)
        advance()
        anchor = _find_neutral(found, smooth, run[seen] >= 0, time[seen], number[seen], still, neutral_frame)
        advance()
    per_frame: dict[str, Any] = {name: _expand(values, seen) for name, values in found.items()}
    appearance = np.zeros((len(seen), 3, N_POINTS), np.uint8)
    appearance[seen] = np.reshape(recording.appearances, (-1, 3, N_POINTS))
    return Track(
        number=number,
        time=time,
        seen=seen,
        run=run,
        n_faces=n_faces,
        open_lids=open_lids,
        neutral_frame=anchor,
        face_id=recording.face_id,
        max_faces=recording.max_faces,
        frames=recording.n_frames,
        shape=recording.shape,
        timed=recording.is_timed,
        is_neutral_given=neutral_frame is not None,
        appearance=appearance,
        **per_frame,
    )


def _measure_faces(points: np.ndarray, scalars: np.ndarray) -> dict[str, np.ndarray]:
    """Return the fields of a `Track` that have a row per seen frame, without the neutral face."""
    pose, frontal = pose_and_frontal_points(points)
    m = len(points)
    return {
        "plausibility": scalars[:, 1],
        "box": scalars[:, 2:],
        "eyes_px": scalars[:, 0],
        "turn": pose.angles() if m else np.empty((0, 3)),
        "shift": pose.shift,
        "sites": site_positions(frontal),
        "neutral": np.full((m, len(SITES), 2), np.nan),
        "at_rest": np.full(m, np.nan),
        "lids": lid_distances(frontal),
        "mouth": mouth_shape(frontal),
    }


def _columns(rows: list[tuple[int, float, int, int, bool]]) -> list[np.ndarray]:
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
        raise BadSetting(f"Frame {frame} cannot be the neutral one: it is not there or shows no face{seen}.")
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
