"""Every interval of a long video in which the face does something: expressions, small and large, blinks, moves of the head.

An expression is an excursion of the face from its rest, the running median around it. Lids are left out, so that a blink is
no expression; what the head does is taken off twice: its share in `watch`, and here what grows with it.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter1d, median_filter, percentile_filter

from data_prep.frames import Frames, open_frames
from mer import bundle as bundles
from mer.inference import models
from mer.inference.face_tracker import Follower
from mer.inference.motion import measure
from mer.inference.onset_apex import SEEN, SITES_COUNTED, covered
from mer.inference.reliability import reason_not_to_name
from mer.inference.track import Course, watch
from mer_core.errors import BadInput, NothingToScore
from mer_core.io import replacing
from mer_core.progress import track

RATE = 60.0  # per second: what is looked at of faster films, and the grid on which curves are compared
MICRO_S = 0.5  # a micro-expression is shorter
REST_S = {"micro": 1.0, "macro": 5.0}  # rest is the median over so long: more than twice what is to be found
SMOOTH_S = {"micro": 0.03, "macro": 0.08, "head": 0.15}
LEAST = {"micro": 0.3, "macro": 1.0}  # per cent of the inter-ocular distance
NOISES = 5.0  # times the noise (median absolute deviation): the other condition
EDGE = 0.12  # of its peak: where an interval begins and ends
HEAD_SHARE = 0.15  # of the head's excursion is taken off the face's
TURN, TURN_S = (
    4.0,
    0.5,
)  # a head move is at least so large (per cent of the inter-ocular distance) within so long
CLOSED, BLINK_S = (
    0.2,
    (0.05, 0.6),
)  # how far the eyes close in a blink, a share; how long it lasts; longer, they are closed
REOPENED_S = (
    0.1  # eyes that open for a shorter time have not opened: no landmark is that sure of lids that are shut
)
LONGEST_S = 4.0
WRITERS = {
    ".csv": lambda rows, path: rows.to_csv(path, index=False),
    ".json": lambda rows, path: rows.to_json(path, orient="records", indent=2),
    ".parquet": lambda rows, path: rows.to_parquet(path, index=False),
}
KINDS = {
    "micro": "micro-expressions",
    "macro": "other expressions",
    "blink": "blinks",
    "closed": "times of closed eyes",
    "head": "moves of the head",
}

AT_ONCE = 8  # intervals whose frames are held in memory together


@dataclass(frozen=True)
class Interval:
    """One interval. Frame numbers are the file's own, times seconds from its first frame.

    kind : micro, macro, blink, closed (eyes that stay shut) or head
    strength : per cent of the inter-ocular distance (blink and closed: per cent closed)
    label, confidence : what an expression resembles, where a bundle was asked
    """

    kind: str
    onset: int
    apex: int
    offset: int
    onset_s: float
    apex_s: float
    offset_s: float
    strength: float
    label: str = ""
    confidence: float = float("nan")


def spot(
    video: str | Path,
    bundle: str | Path | bundles.Bundle | None = None,
    *,
    fps: float | None = None,
    face: int = 1,
    label: bool = True,
) -> list[Interval]:
    """The intervals of a video or a folder of frames, in order; expressions get a label from the bundle unless `label` is False.

    bundle, fps, face as in `mer.score`. Raises as it does, and `BadInput` for a folder without `fps`.
    """
    frames = open_frames(video, fps)
    if fps is None and Path(video).is_dir():
        raise BadInput(
            f"{video} is a folder of frames, which has no times. Give its frames per second: --fps 200"
        )
    follower = Follower(face)
    course = watch(track(frames, "Watching"), follower, fps or 30.0, most_fps=RATE)
    follower.require(str(video))
    found = intervals(course)
    if not label:
        return found
    return named(
        found,
        frames,
        course,
        bundle if isinstance(bundle, bundles.Bundle) else models.bundle(str(bundle or bundles.shipped())),
    )


def intervals(course: Course) -> list[Interval]:
    """The intervals in a course, by onset; every run of frames in which the face is seen is read by itself."""
    found = []
    for run in np.unique(course.run):
        at = np.flatnonzero(course.run == run)
        if len(at) > 4:
            found += _of_run(course, at)
    return sorted(found, key=lambda interval: interval.onset_s)


def _of_run(course: Course, at: np.ndarray) -> list[Interval]:
    step = max(float(np.median(np.diff(course.time[at]))), 1e-3)
    sites, head = course.sites[at][:, SEEN], _head_vector(course.head[at])
    spans, taken = [], np.zeros(len(at), bool)
    hidden = covered(course)[at]

    moves = _head_moves(head, step)
    for kind in ("macro", "micro"):
        window = int(REST_S[kind] / step) | 1
        face = np.linalg.norm(_smooth(sites, kind, step) - _median(sites, window), axis=-1)
        face = np.sort(face, axis=-1)[:, -SITES_COUNTED:].mean(-1)
        turned = np.linalg.norm(_smooth(head, kind, step) - _median(head, window), axis=-1)
        curve = np.maximum(face - HEAD_SHARE * turned, 0)
        curve[hidden] = 0
        quiet = np.median(curve)
        limit = max(LEAST[kind], quiet + NOISES * np.median(np.abs(curve - quiet)))
        for first, peak, last in _peaks(curve, limit):
            lasts = (last - first) * step
            fits = lasts < MICRO_S if kind == "micro" else MICRO_S <= lasts <= LONGEST_S
            if fits and not taken[first : last + 1].any() and not _mostly(moves, first, last):
                taken[first : last + 1] = True
                spans.append((kind, first, peak, last, float(curve[peak])))
    spans += [("head", *move) for move in moves] + _eyes(course.lids[at], step)
    return [
        Interval(
            kind,
            *(int(course.number[at[i]]) for i in (first, peak, last)),
            *(round(float(course.time[at[i]]), 4) for i in (first, peak, last)),
            round(strength, 3),
        )
        for kind, first, peak, last, strength in spans
    ]


def _head_vector(head: np.ndarray) -> np.ndarray:
    """Motion of the head as six numbers of one unit, per cent of the inter-ocular distance at a point that far from the middle."""
    return head * np.array([1, 1, *[np.pi / 180 * 100] * 3, 1], np.float32)


def _head_moves(head: np.ndarray, step: float) -> list[tuple[int, int, int, float]]:
    """First, fastest and last position of each quick move of the head, and how large it is."""
    speed = np.linalg.norm(np.gradient(_smooth(head, "head", step), step, axis=0), axis=-1)
    found = []
    for first, peak, last in _peaks(speed, TURN / TURN_S, edge=0.3):
        size = float(np.linalg.norm(head[first : last + 1] - head[first], axis=1).max())
        if size >= TURN:
            found.append((first, peak, last, size))
    return found


def _eyes(lids: np.ndarray, step: float) -> list[tuple[str, int, int, int, float]]:
    """Kind, first, most closed and last position of each blink or longer time of closed eyes, and how far they close, per cent."""
    openness = lids.mean(1)
    usual = percentile_filter(openness, 70, size=int(3.0 / step) | 1, mode="nearest")
    usual = np.maximum(
        usual, np.percentile(openness, 70) / 2
    )  # eyes that are shut for seconds do not become the usual
    closed = 1 - openness / np.maximum(usual, 1e-3)
    joined: list[tuple[int, int]] = []
    for first, _, last in sorted(_peaks(closed, CLOSED)):
        if joined and (first - joined[-1][1]) * step < REOPENED_S:
            first = joined.pop()[0]
        joined.append((first, last))
    found = []
    for first, last in joined:
        lasts, peak = (last - first) * step, first + int(closed[first : last + 1].argmax())
        if lasts >= BLINK_S[0]:
            found.append(
                ("blink" if lasts <= BLINK_S[1] else "closed", first, peak, last, float(closed[peak] * 100))
            )
    return found


def _peaks(curve: np.ndarray, limit: float, edge: float = EDGE) -> list[tuple[int, int, int]]:
    """First, highest and last position of each excursion above `limit`, out to where it has fallen to `edge` of its peak."""
    found, free = [], np.ones(len(curve), bool)
    while (curve * free).max(initial=0) >= limit:
        peak = int((curve * free).argmax())
        low = curve < max(edge * curve[peak], 1e-9)
        before, after = np.flatnonzero(low[:peak]), np.flatnonzero(low[peak:])
        first = int(before[-1]) if len(before) else 0
        last = int(peak + after[0]) if len(after) else len(curve) - 1
        if free[first + 1 : last].all():  # not yet part of a stronger excursion
            found.append((first, peak, last))
        free[first : last + 1] = False
    return found


def _mostly(moves: list[tuple[int, int, int, float]], first: int, last: int) -> bool:
    """Whether more than half of first..last lies within a move of the head."""
    inside = sum(max(0, min(last, end) - max(first, begin)) for begin, _, end, _ in moves)
    return inside > 0.5 * (last - first)


def _median(values: np.ndarray, window: int) -> np.ndarray:
    return median_filter(values, size=(window, *[1] * (values.ndim - 1)), mode="nearest")


def _smooth(values: np.ndarray, kind: str, step: float) -> np.ndarray:
    return gaussian_filter1d(values, SMOOTH_S[kind] / step, axis=0, mode="nearest")


def table(found: list[Interval]) -> pd.DataFrame:
    """One row per interval; the columns are the fields of `Interval`."""
    return pd.DataFrame([asdict(interval) for interval in found], columns=[*Interval.__dataclass_fields__])


def to_text(found: list[Interval]) -> str:
    """A line per interval for a person, and how many of each kind."""
    lines = [
        f"{i.kind:<6}{i.onset_s:9.2f} s to {i.offset_s:8.2f} s  frames {i.onset} to {i.offset}, most at {i.apex}"
        + (f"  {i.label} {i.confidence:.2f}" if i.label else "")
        for i in found
    ]
    counts = [f"{sum(i.kind == kind for i in found)} {word}" for kind, word in KINDS.items()]
    return "\n".join([*lines, ", ".join(counts)])


def check_name(out: Path) -> None:
    """Raise `BadInput` for a file that `write` cannot write, before a long video is watched for it."""
    if out.suffix not in WRITERS:
        raise BadInput(f"{out} must end in {', '.join(WRITERS)}.")


def write(found: list[Interval], out: Path) -> None:
    """Write the table as CSV, JSON or Parquet, by the suffix of `out`. Raises `BadInput` for another suffix."""
    check_name(out)
    with replacing(out) as temporary:
        WRITERS[out.suffix](table(found), temporary)


def named(found: list[Interval], frames: Frames, course: Course, fitted: bundles.Bundle) -> list[Interval]:
    """The same intervals, expressions with label and confidence; without a label where `mer score` would give none."""
    expressions = [i for i, interval in enumerate(found) if interval.kind in ("micro", "macro")]
    found = list(found)
    for start in track(range(0, len(expressions), AT_ONCE), "Naming"):
        part = expressions[start : start + AT_ONCE]
        images = frames.pick(number for i in part for number in (found[i].onset, found[i].apex))
        for i in part:
            found[i] = _named(found[i], images, course, fitted)
    return found


def _named(
    interval: Interval, images: dict[int, np.ndarray], course: Course, fitted: bundles.Bundle
) -> Interval:
    box = course.box[np.flatnonzero(course.number == interval.onset)[0]]
    try:
        shown = measure([images[interval.onset], images[interval.apex]], box, fitted.recipe)
    except NothingToScore:
        return interval
    p = fitted.predict_proba(fitted.extract(shown.taken, shown.landmarks)[None])[0]
    reason = reason_not_to_name(shown.far, p, fitted.recipe)
    return replace(
        interval,
        label="" if reason else fitted.recipe.labels[int(p.argmax())],
        confidence=round(float(p.max()), 4),
    )
