"""One pass over the frames: how each part of the face has moved since the face came into sight, the head taken out.

Frames are read one by one and forgotten; what is kept of each is one row of numbers. Motion is measured from a key frame
to each frame after it, both warped by the key frame's own transform, so that the jitter of landmarks is no motion. A new
key is taken when the head has moved away or the key has aged; the rows go on from where they were.
"""

from array import array
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from data_prep.align import similarity, transform_points, warp
from data_prep.face_regions import SITES
from data_prep.frames import Frame
from data_prep.landmarks import interocular
from flow.estimate import estimate
from mer.inference.face_tracker import Follower
from mer.inference.head_motion import POINTS, basis, fit, sample

SIZE = 128  # px of the aligned faces that are compared
METHOD, OPTIONS = (
    "dis",
    {"preset": "medium"},
)  # the quickest method; the score's own flow is estimated later, with care
NAMES = tuple(SITES)
HIDDEN = (
    14.0  # grey levels by which a place differs from where it should have come from: something came in front
)
KEY_S = 2.0  # s, oldest key
TURNED = 0.05  # of the inter-ocular distance: how far the head may have moved before a new key is taken
PER_CENT = 100.0
# Upper lid, lower lid and the two corners of each eye: their ratio is how open it is.
LIDS = {"right": ((159, 158), (145, 153), (33, 133)), "left": ((386, 385), (374, 380), (263, 362))}


@dataclass(frozen=True)
class Course:
    """What happened, frame by frame; all arrays have one row per frame in which the face was seen.

    number : (n,) int64, of the frame; time : (n,) float64 s since the first frame of the file
    run    : (n,) int64, counts up whenever the face was out of sight in between
    sites  : (n, 17, 2) float32, motion of `flow.motion.SITES` since the run began, right and down, per cent of the
             inter-ocular distance, head taken out
    head   : (n, 6) float32, motion of the head since the run began: shift right and down (per cent of the inter-ocular
             distance), yaw, pitch, roll (degrees), growth (per cent)
    hidden : (n, 17) bool, sites that no longer look as they did, so that their motion is not the face's
    lids   : (n, 2) float32, openness of the right and the left eye, height over width
    eyes_px : (n,) float32, inter-ocular distance, px of the frame
    box    : (n, 4) float32, left, top, right, bottom of the face, px of the frame
    """

    number: np.ndarray
    time: np.ndarray
    run: np.ndarray
    sites: np.ndarray
    head: np.ndarray
    hidden: np.ndarray
    lids: np.ndarray
    eyes_px: np.ndarray
    box: np.ndarray
    frames: int  # read, with and without a face
    faces: int  # most faces seen at once
    shape: tuple[int, int]  # height and width of a frame, px

    @property
    def fps(self) -> float:
        """Frames per second, from the median step; NaN where it is not known."""
        steps = np.diff(self.time) / np.maximum(np.diff(self.number), 1)
        return float(1 / np.median(steps)) if len(steps) and np.median(steps) > 0 else float("nan")


WIDTH = 3 * len(NAMES) + 13  # of a row: sites, head, hidden, lids, distance of the eyes, box


def watch(frames: Iterable[Frame], follower: Follower, fps: float, most_fps: float = 100.0) -> Course:
    """Read the frames once.

    fps : stands in for the times of frames that have none
    most_fps : of faster films only so many frames a second are looked at, which is plenty for a face
    """
    from flow.estimate import load_method

    method = load_method(METHOD, **OPTIONS)
    rows, numbers, times, runs = array("f"), array("q"), array("d"), array("q")
    key, run, total, shape = None, 0, 0, (0, 0)

    def seen() -> Iterator[tuple[Frame, float, np.ndarray | None]]:
        """Each frame that is looked at, its time and its landmarks."""
        nonlocal total, shape
        due = -np.inf
        for total, frame in enumerate(frames, start=1):
            shape = frame.image.shape[:2]
            time = frame.time_s if np.isfinite(frame.time_s) else frame.number / fps
            if time >= due:
                due = (
                    time + 0.99 / most_fps
                )  # a little less, so that rounded times do not cost every other frame
                yield frame, time, follower.landmarks(frame.image)

    for frame, time, points in ahead(seen()):
        if points is None:
            run += key is not None
            key = None
            continue
        if key is None:
            key = _Key(frame.image, points, time)
        sites, head, hidden, moved = key.to(frame.image, method)
        rows.extend(
            np.concatenate(
                [
                    sites.ravel(),
                    head,
                    hidden,
                    _openness(points),
                    [interocular(points)],
                    points.min(0),
                    points.max(0),
                ]
            ).tolist()
        )
        numbers.append(frame.number), times.append(time), runs.append(run)
        if moved > TURNED or time - key.time > KEY_S:
            key = _Key(frame.image, points, time, sites, head)
    table = np.frombuffer(rows, np.float32).reshape(-1, WIDTH) if rows else np.empty((0, WIDTH), np.float32)
    sites, head, hidden, lids, eyes, box = np.split(
        table, np.cumsum([2 * len(NAMES), 6, len(NAMES), 2, 1]), axis=1
    )
    return Course(
        np.array(numbers, np.int64),
        np.array(times, float),
        np.array(runs, np.int64),
        sites.reshape(-1, len(NAMES), 2),
        head,
        hidden > 0,
        lids,
        eyes[:, 0],
        box,
        total,
        follower.count,
        shape,
    )


def ahead(items: Iterator[tuple]) -> Iterator[tuple]:
    """The same items, each worked out in a second thread while the one before it is in use."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, items, None)
        while (item := following.result()) is not None:
            following = pool.submit(next, items, None)
            yield item


class _Key:
    """The frame from which motion is measured, and what had moved until then."""

    def __init__(
        self,
        image: np.ndarray,
        points: np.ndarray,
        time: float,
        sites: np.ndarray | float = 0.0,
        head: np.ndarray | float = 0.0,
    ):
        self.matrix = similarity(points, SIZE)
        self.face = warp(image, self.matrix, SIZE)
        self.points = transform_points(points, self.matrix)[:POINTS].astype(float)
        self.freedoms = basis(self.points)
        self.unit = interocular(self.points) / PER_CENT
        self.time, self.sites, self.head = time, sites, head

    def to(self, image: np.ndarray, method) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Sites, head and hidden (see `Course`) in `image`, and the head's largest motion since the key in inter-ocular distances."""
        face = warp(image, self.matrix, SIZE)
        flow = estimate(method, self.face, face, match_exposure=False)
        motion = sample(flow, self.points)
        of_head = fit(self.freedoms, motion)
        moved = self.freedoms @ of_head
        sites = at_sites(motion - moved) / self.unit
        units = np.array([1 / self.unit, 1 / self.unit, *[180 / np.pi] * 3, PER_CENT])
        change = np.abs(sample(_soft(face), self.points + motion) - sample(_soft(self.face), self.points))
        hidden = at_sites(change - np.median(change)) > HIDDEN
        return (
            sites + self.sites,
            of_head * units + self.head,
            hidden,
            float(np.linalg.norm(moved, axis=1).max() / (self.unit * PER_CENT)),
        )


def at_sites(values: np.ndarray) -> np.ndarray:
    """Mean over the points of each site: (468, ...) -> (17, ...)."""
    return _SITE_MEANS @ values


def _site_means() -> np.ndarray:
    means = np.zeros((len(SITES), POINTS))
    for row, (points, _) in zip(means, SITES.values()):
        row[list(points)] = 1 / len(points)
    return means


_SITE_MEANS = _site_means()


def _soft(face: np.ndarray) -> np.ndarray:
    """Grey, blurred, (SIZE, SIZE) float32: what may be compared at places known to a pixel."""
    return cv2.GaussianBlur(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 2)


def _openness(points: np.ndarray) -> list[float]:
    """Height over width of each eye."""
    open_ = []
    for upper, lower, corners in LIDS.values():
        height = np.linalg.norm(points[list(upper)].mean(0) - points[list(lower)].mean(0))
        open_.append(height / np.linalg.norm(points[corners[0]] - points[corners[1]]))
    return open_
