"""A short film from onset to apex: as recorded on the left, facial motion magnified on the right."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from data_prep.align import warp_face
from data_prep.frames import Frames, write_image
from data_prep.videos.write_video import write_mp4
from flow.estimate import estimate
from flow.visualize import place_side_by_side
from flow.warp import invert_by_warping, warp
from mer.inference import models
from mer.inference.head_motion import DenseHeadMotion, sample
from mer.inference.score import Score
from mer.report.mesh_picture import mesh_picture
from mer.report.theme import DARK, Theme
from mer_core.io import atomic_replace
from mer_core.parallel import map_in_threads, prefetch
from mer_core.progress import track as show_progress
from mer_core.text_images import render_text

BEFORE_S, AFTER_S = 0.3, 0.6  # time before the onset and after the apex
MAX_FRAMES = 48
PLAYBACK_FPS = 12
# Motion is magnified to this many % of the inter-ocular distance, at most so many times.
MAGNIFIED_MOTION, MAX_MAGNIFICATION = 8.0, 12.0
ENLARGEMENT, GAP = 2, 12  # of the aligned face; px between the two pictures


def write_film(score: Score, frames: Frames, path: Path, blur: bool = False) -> None:
    """Write the film as H.264 in MP4 to `path`, and the apex as its poster beside it, as PNG.

    With `blur`, it shows the mesh of the face instead of its skin.
    """
    numbers = _frames_of_film(score)
    poster, distance = np.empty(0), math.inf

    def drawn() -> Iterator[np.ndarray]:
        nonlocal poster, distance
        pictures = draw_film(score, frames.select(numbers), DARK, blur)
        for number, picture in show_progress(pictures, "Drawing", len(numbers)):
            if abs(number - score.apex) < distance:
                poster, distance = picture, abs(number - score.apex)
            yield picture

    with threadpool_limits(
        1, "blas"
    ):  # frames are drawn in parallel, and their systems of equations are small
        write_mp4(path, drawn(), PLAYBACK_FPS, preset="veryfast")  # a third of the time, at the same size
    with atomic_replace(path.with_suffix(".png")) as temporary:
        write_image(temporary, poster)


def magnification(score: Score) -> float:
    """Return how many times motion is magnified; once between two faces that do not compare."""
    if score.motion is None:
        return 1.0
    return float(np.clip(MAGNIFIED_MOTION / max(score.motion, 1e-6), 1.0, MAX_MAGNIFICATION))


def magnify(face: np.ndarray, facial_flow: np.ndarray, factor: float) -> np.ndarray:
    """Return `face` as it would look if its motion from the onset were `factor` times as large.

    Parameters
    ----------
    face : (H, W, 3) uint8 RGB
    facial_flow : (h, w, 2) float32 px of its own size, from the onset to `face`
    factor : float
    """
    magnified_to_onset = invert_by_warping(facial_flow, factor)
    scale = face.shape[0] / facial_flow.shape[0]
    return warp(face, scale * (factor - 1) / factor * cv2.resize(magnified_to_onset, face.shape[1::-1]))


def draw_film(
    score: Score, images: Iterable[tuple[int, np.ndarray]], theme: Theme, blur: bool
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield number and picture, (H, W, 3) uint8 RGB with even sides, of numbered frames; threads draw."""
    size, factor = score.onset_face.shape[0], magnification(score)
    method, head = (
        models.get_method("dis", {"preset": "medium"}),
        DenseHeadMotion(score.landmarks, (size, size)),
    )

    def with_mesh() -> Iterator[tuple[int, np.ndarray, np.ndarray | None]]:
        for number, image in images:  # one after the other, as MediaPipe needs it
            is_far = blur and factor == 1.0
            face = warp_face(image, score.matrix, size) if is_far else None
            yield number, image, None if face is None else models.get_mesh().landmarks(face)

    def draw(numbered: tuple[int, np.ndarray, np.ndarray | None]) -> tuple[int, np.ndarray]:
        number, image, points = numbered
        flow = estimate(method, score.onset_face, warp_face(image, score.matrix, size))
        facial_flow = cv2.GaussianBlur(head.subtract(flow), (0, 0), size / 40)
        if blur:
            pair = _draw_meshes(score, flow, facial_flow, theme, points)
        else:
            face = warp_face(image, ENLARGEMENT * score.matrix, ENLARGEMENT * size, cv2.INTER_CUBIC)
            pair = face, magnify(face, facial_flow, factor)
        return number, _add_captions(*pair, _title(score, number), f"motion × {factor:.1f}", theme)

    return map_in_threads(draw, prefetch(with_mesh()))


def _frames_of_film(score: Score) -> list[int]:
    """Return the numbers of at most `MAX_FRAMES` frames around onset and apex, evenly spaced."""
    times = score.track.time
    onset_s, apex_s = (_time(score, number) for number in (score.onset, score.apex))
    first, last = min(onset_s, apex_s) - BEFORE_S, max(onset_s, apex_s) + AFTER_S
    rows = np.flatnonzero((times >= first) & (times <= last))
    step = -(-len(rows) // MAX_FRAMES)  # rounded up
    return [int(number) for number in score.track.number[rows[::step]]]


def _time(score: Score, number: int) -> float:
    return score.track.time[np.flatnonzero(score.track.number == number)[0]]


def _title(score: Score, number: int) -> str:
    names = {score.onset: ", onset" if score.onset < score.apex else "", score.apex: ", apex"}
    return f"frame {number}{names.get(number, '')}, {_time(score, number):.3f} s"


def _draw_meshes(
    score: Score, flow: np.ndarray, facial_flow: np.ndarray, theme: Theme, found: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the mesh of the face as it moves, and with its facial motion magnified.

    Flow moves it, or `found`, landmarks (478, 2) px of this frame, where motion is too large for flow.
    """
    points, shape = score.landmarks, (ENLARGEMENT * flow.shape[0], ENLARGEMENT * flow.shape[1])
    moved = points + sample(flow, points) if found is None else found
    magnified = moved + (magnification(score) - 1) * sample(facial_flow, points)
    left, right = (mesh_picture(ENLARGEMENT * places, shape, theme) for places in (moved, magnified))
    return left, right


def _add_captions(left: np.ndarray, right: np.ndarray, title: str, note: str, theme: Theme) -> np.ndarray:
    """Join two pictures with captions below, cut to even sides."""
    width = left.shape[1] + GAP // 2
    captions = [render_text(text, width, 20, theme.ink, theme.ground) for text in (title, note)]
    pictures = place_side_by_side(left, right, gap=GAP, ground=theme.ground)
    joined = np.vstack([pictures, np.hstack(captions)])
    return np.ascontiguousarray(joined[: joined.shape[0] // 2 * 2, : joined.shape[1] // 2 * 2])
