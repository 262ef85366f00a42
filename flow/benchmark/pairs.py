"""Pairs of face frames with exactly known flow, for measuring only, never for training.

`photograph_pairs` have real texture under smooth random motion, noise and a change of light; lids and lips
stay connected, where real ones part. `rendered_pairs` have motion with edges, on faces that are not
photographs. `scanned.py` animates portraits by expressions of scanned people.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import skimage.data

from data_prep.face_regions import SITES
from data_prep.frames import open_frames, read_image
from data_prep.landmarks import FACE_OVAL, FaceMesh, interocular
from data_prep.own_recordings.recordings import is_video
from flow.benchmark.analytic_motion import (
    Displacements,
    GaussianField,
    SplineTexture,
    facial_field,
    forward_flow,
    to_uint8,
)
from flow.benchmark.limit import expected_error
from flow.splatting.sensor import h264_round_trip, jpeg_round_trip
from flow.warp import pixel_grid
from mer_core.errors import NotFound

PEAK_PX = (0.3, 6.0)  # px at 224, and in proportion at other sizes
MAX_DRIFT_PX = 1.0  # px at 224, the largest motion of the whole frame
MAX_SLOPE = 0.45  # px per px, largest slope of the motion
MIN_REACH_FACTOR = 0.3  # smallest reach of a pull relative to that of its site
N_MOTION_SAMPLES = 300  # samples of the family of motions, for the limit
MAX_GAIN_CHANGE, MAX_BIAS = 0.03, 4.0  # change of light in frame 2: fraction, grey levels
NOISE_LEVELS = (1.0, 3.0)  # grey levels, standard deviation of a pair's noise, independent in the two frames
HEAD_MOTION_PX = (0.05, 3.0)  # px at 224, motion of a rendered head, in half of the pairs
RENDER_SEED_OFFSET = 1_000_003  # separates the rendered faces from those of training
AT_REST: dict[str, Any] = dict(still_head=1.0, still_face=1.0, blink=0.0, gaze=0.0, shake=0.0)  # SceneRanges


@dataclass(frozen=True)
class BenchmarkPair:
    """Two frames and their ground truth.

    Attributes
    ----------
    frame1, frame2 : (H, W, 3) uint8 RGB
    flow : (H, W, 2) float32 px, the true motion from frame 1 to frame 2, whole frame
    mask : (H, W) bool, the face in frame 1: where errors count
    peak : float
        The longest facial displacement in the mask at 224 px, before any motion of the whole frame; for a
        rendered face, the longest displacement of all.
    name : str
        The face, or `rendered` and the coder of the frames.
    landmarks : (478, 2) px of frame 1, or None if unknown
    limit : float or None
        In px, see limit.py; None for motion of no linear family.
    """

    frame1: np.ndarray
    frame2: np.ndarray
    flow: np.ndarray
    mask: np.ndarray
    peak: float
    name: str
    landmarks: np.ndarray | None = None
    limit: float | None = None


@dataclass(frozen=True)
class Photograph:
    """A photograph of a face: (H, W, 3) uint8 RGB, and its landmarks (478, 2) px."""

    name: str
    picture: np.ndarray
    landmarks: np.ndarray


def load_photographs(shared: str | Path | None = None) -> list[Photograph]:
    """Return scikit-image's astronaut and the faces in a folder.

    Parameters
    ----------
    shared : path or None
        Folder; every picture of portraits/ and three frames of every video of clips/ are used.

    Raises
    ------
    BadInput
        If `shared` contains no face.
    """
    pictures = {"astronaut": skimage.data.astronaut()}
    if shared is not None:
        for path in sorted(Path(shared).glob("portraits/*")):
            pictures[path.stem] = read_image(path)
        for path in sorted(filter(is_video, Path(shared).glob("clips/*"))):
            clip = open_frames(path)
            count = sum(1 for _ in clip)
            for number, picture in clip.pick([count // 6, count // 2, count * 5 // 6]).items():
                pictures[f"{path.stem}-{number}"] = picture
    with FaceMesh() as mesh:
        found = {name: mesh.landmarks(picture) for name, picture in pictures.items()}
    photographs = [
        Photograph(name, pictures[name], points) for name, points in found.items() if points is not None
    ]
    if shared is not None and len(photographs) == 1:
        raise NotFound(
            f"{shared} contains no faces. It needs portraits/*.jpg or clips/*.mp4 with a frontal face."
        )
    return photographs


def spread_peaks(rng: np.random.Generator, count: int) -> list[float]:
    """Return `count` peaks in px at 224, spread evenly over the logarithm of `PEAK_PX`, in random order."""
    fractions = rng.permutation((np.arange(count) + rng.random(count)) / count)
    return [PEAK_PX[0] * (PEAK_PX[1] / PEAK_PX[0]) ** fraction for fraction in fractions]


def photograph_pairs(
    size: int,
    count: int,
    seed: int,
    shared: str | Path | None = None,
    still: bool = False,
    smooth: bool = False,
    limit: bool = False,
) -> Iterator[BenchmarkPair]:
    """Yield `count` pairs of (size, size) frames, reproducible from the arguments; faces take turns.

    Parameters
    ----------
    shared : path or None
        Folder with more faces, see `load_photographs`.
    still : bool
        The same frame twice, with independent noise and no change of light: any reported motion is an error.
    smooth : bool
        Wide pulls only, slopes to about .25, as in tables before version 0.2; by default also narrower ones,
        slopes to `MAX_SLOPE`.
    limit : bool
        Compute the limit of each pair.
    """
    photographs = load_photographs(shared)
    rng = np.random.default_rng([seed, size, still])
    for index, peak in enumerate(spread_peaks(rng, count)):
        photograph = photographs[index % len(photographs)]
        yield _photograph_pair(photograph, size, 0.0 if still else peak, rng, smooth, limit and not still)


def rendered_pairs(size: int, count: int, seed: int, still: bool = False) -> Iterator[BenchmarkPair]:
    """Yield `count` pairs of rendered faces, each of another person, reproducible from the arguments.

    Muscles move the faces, and often head, lids and eyes; light and camera vary. Motion has edges, parts are
    occluded, and brightness changes with the slope of the skin, as in real clips and unlike
    `photograph_pairs`.

    Parameters
    ----------
    still : bool
        Nothing moves; the frames differ by noise and exposure of the camera only.
    """
    from flow.splatting.scenes import PAIRS_PER_FACE, render_pair

    scale = size / 224
    ranges: dict[str, Any] = AT_REST.copy() if still else {}
    ranges["motion"] = tuple(scale * np.array(PEAK_PX))
    ranges["head"] = tuple(scale * np.array(HEAD_MOTION_PX))
    for number in range(count):
        pair = render_pair(RENDER_SEED_OFFSET + seed, PAIRS_PER_FACE * number, size, **ranges)
        peak = float(np.linalg.norm(pair.flow, axis=-1)[pair.face].max()) / scale
        sensor = pair.about["sensor"]
        coder = " (JPEG)" if sensor.jpeg else " (H.264)" if sensor.h264 else ""
        yield BenchmarkPair(pair.frame1, pair.frame2, pair.flow, pair.face, peak, f"rendered{coder}")


def h264_pairs(pairs: Iterator[BenchmarkPair], crf: int) -> Iterator[BenchmarkPair]:
    """Yield `pairs` after H.264 coding of their two frames at the constant rate factor `crf`."""
    for pair in pairs:
        frame1, frame2 = h264_round_trip([pair.frame1, pair.frame2], crf)
        yield replace(pair, frame1=frame1, frame2=frame2, limit=None)


def jpeg_pairs(pairs: Iterator[BenchmarkPair], quality: int) -> Iterator[BenchmarkPair]:
    """Yield `pairs` after JPEG coding of their frames at `quality` 1..100."""
    for pair in pairs:
        frame1, frame2 = (jpeg_round_trip(frame, quality) for frame in (pair.frame1, pair.frame2))
        yield replace(pair, frame1=frame1, frame2=frame2, limit=None)


def _photograph_pair(
    face: Photograph, size: int, peak: float, rng: np.random.Generator, smooth: bool, limit: bool
) -> BenchmarkPair:
    scale = size / 224
    texture, landmarks = _frame_photograph(face, size, rng)
    points = pixel_grid((size, size))
    mask = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(landmarks[list(FACE_OVAL)].round().astype(np.int32)), 1)
    mask = mask.astype(bool)

    back = GaussianField(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))
    gain, bias = 1.0, 0.0
    if peak:
        back = _add_random_drift(
            _random_facial_motion(landmarks, peak * scale, points[mask], rng, smooth), scale, rng
        )
        gain, bias = 1 + rng.uniform(-MAX_GAIN_CHANGE, MAX_GAIN_CHANGE), rng.uniform(-MAX_BIAS, MAX_BIAS)
    flow = forward_flow(back, (size, size))

    noise = rng.uniform(*NOISE_LEVELS)
    clean = texture.sample(points)
    frame1 = clean + rng.normal(0, noise, (size, size, 3))
    warped = texture.sample(points + back.displacement(points))
    frame2 = warped * gain + bias + rng.normal(0, noise, (size, size, 3))
    error_limit = None
    if limit:
        spread, draw = points[::4, ::4][mask[::4, ::4]], np.random.default_rng(0)
        family = [
            _add_random_drift(
                _random_facial_motion(landmarks, peak * scale, spread, draw, smooth), scale, draw
            ).displacement(spread)
            for _ in range(N_MOTION_SAMPLES)
        ]
        error_limit = expected_error(clean, noise, mask, spread, -np.array(family))
    frames = to_uint8(frame1), to_uint8(frame2)
    return BenchmarkPair(*frames, flow.astype(np.float32), mask, peak, face.name, landmarks, error_limit)


def _add_random_drift(field: GaussianField, scale: float, rng: np.random.Generator) -> GaussianField:
    """Add a drift of the whole frame to half of the fields."""
    if rng.random() >= 0.5:
        return field
    angle = rng.uniform(0, 2 * np.pi)
    length = rng.uniform(0, MAX_DRIFT_PX * scale)
    return replace(field, drift=(length * np.cos(angle), length * np.sin(angle)))


def _random_facial_motion(
    landmarks: np.ndarray, peak: float, points: np.ndarray, rng: np.random.Generator, smooth: bool
) -> GaussianField:
    """Draw a facial field, in frame-2-to-1 form, whose longest displacement at `points` (P, 2) is `peak` px.

    One to four kinds of site move; paired sites mostly move on both sides, mirrored.
    """
    kinds = sorted({site.removesuffix("_right").removesuffix("_left") for site in SITES})
    chosen: Displacements = {}
    for kind in rng.choice(kinds, rng.integers(1, 5), replace=False):
        angle, length = rng.uniform(0, 2 * np.pi), peak * rng.uniform(0.3, 1)
        dx, dy = length * np.cos(angle), length * np.sin(angle)
        sides = {kind: 1} if kind in SITES else {f"{kind}_right": 1, f"{kind}_left": -1}
        if len(sides) == 2 and rng.random() < 0.3:
            sides.pop(rng.choice(sorted(sides)))
        chosen |= {site: (sign * dx, dy) for site, sign in sides.items()}
    field = facial_field(landmarks, chosen)
    if smooth:
        return _scale_to_peak(field, peak, points)
    field = replace(field, reaches=field.reaches * rng.uniform(MIN_REACH_FACTOR, 1, len(field.reaches)))
    sparse = points[:: max(1, len(points) // 5000)]
    while (field := _scale_to_peak(field, peak, points)).max_slope(sparse) > MAX_SLOPE:
        field = replace(field, reaches=1.15 * field.reaches)
    return field


def _scale_to_peak(field: GaussianField, peak: float, points: np.ndarray) -> GaussianField:
    longest = np.linalg.norm(field.displacement(points), axis=1).max()
    return replace(field, shifts=field.shifts * peak / longest)


def _frame_photograph(
    face: Photograph, size: int, rng: np.random.Generator
) -> tuple[SplineTexture, np.ndarray]:
    """Frame a face to fill the frame, slightly rotated and off centre; return texture and landmarks."""
    # Picture pixels per frame pixel; the inter-ocular distance is 0.30 to 0.37 of the frame.
    coarser = interocular(face.landmarks) / (rng.uniform(0.30, 0.37) * size)
    turn = np.deg2rad(rng.uniform(-8, 8))
    linear = coarser * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = (face.landmarks.min(0) + face.landmarks.max(0)) / 2 + coarser * size * rng.uniform(
        -0.03, 0.03, 2
    )

    reach = int(np.ceil(coarser * size)) + 8  # to the frame's corners, with a margin for motion
    left, top = np.maximum(middle.astype(int) - reach, 0)
    part = face.picture[top : int(middle[1]) + reach, left : int(middle[0]) + reach].astype(np.float32)
    # A frame pixel integrates light over its area, which also prevents aliasing.
    part = cv2.GaussianBlur(part, (0, 0), max(0.4 * coarser, 0.2))
    offset = middle - (left, top) - linear @ (size / 2, size / 2)
    landmarks = (face.landmarks - (left, top) - offset) @ np.linalg.inv(linear).T
    return SplineTexture(part, np.column_stack([linear, offset])), landmarks
