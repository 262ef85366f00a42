"""A short film from onset to apex: as recorded on the left, facial motion magnified on the right."""

from pathlib import Path

import cv2
import numpy as np

from data_prep.align import warp_face
from data_prep.frames import Frames, write_image
from flow.estimate import estimate
from flow.visualize import place_side_by_side
from mer.inference import models
from mer.inference.head_motion import DenseHeadMotion, sample
from mer.inference.score import Score
from mer.report.mesh_picture import mesh_picture
from mer.report.theme import DARK, Theme
from mer_core.io import atomic_replace
from mer_core.text_images import render_text

BEFORE_S, AFTER_S = 0.3, 0.6  # shown before the onset and after the apex
MAX_FRAMES = 48
PLAYBACK_FPS = 12
# Motion is magnified to this many % of the inter-ocular distance, at most so many times.
MAGNIFIED_MOTION, MAX_MAGNIFICATION = 8.0, 12.0
ENLARGEMENT, GAP = 2, 12  # of the aligned face; px between the two pictures


def write_film(score: Score, frames: Frames, path: Path, theme: Theme = DARK, blur: bool = False) -> None:
    """Write the film as H.264 in MP4 to `path`, and the apex as its poster beside it, as PNG.

    With `blur`, it shows the mesh of the face instead of its skin.
    """
    import av

    shown = moment_frames(score, frames, theme, blur)
    with atomic_replace(path) as temporary, av.open(str(temporary), "w") as out:
        stream = out.add_stream("libx264", rate=PLAYBACK_FPS, options={"crf": "20", "threads": "1"})
        stream.pix_fmt = "yuv420p"
        stream.height, stream.width = next(iter(shown.values())).shape[:2]
        for image in shown.values():
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode())
    with atomic_replace(path.with_suffix(".png")) as temporary:
        write_image(temporary, shown[min(shown, key=lambda number: abs(number - score.apex))])


def magnification(score: Score) -> float:
    """Return how many times motion is magnified."""
    return float(np.clip(MAGNIFIED_MOTION / max(score.motion, 1e-6), 1.0, MAX_MAGNIFICATION))


def moment_frames(
    score: Score, frames: Frames, theme: Theme = DARK, blur: bool = False
) -> dict[int, np.ndarray]:
    """Return the pictures of the film by frame number, (H, W, 3) uint8 RGB with even sides."""
    track, times = score.track, score.track.time
    onset, apex = (times[np.flatnonzero(track.number == number)[0]] for number in (score.onset, score.apex))
    near = np.flatnonzero((times >= min(onset, apex) - BEFORE_S) & (times <= max(onset, apex) + AFTER_S))
    numbers = track.number[near[:: -(-len(near) // MAX_FRAMES)]]
    method, size = models.method("dis", {"preset": "medium"}), score.onset_face.shape[0]
    head, shown = DenseHeadMotion(score.landmarks, (size, size)), {}
    for number, image in frames.pick(int(n) for n in numbers).items():
        flow = estimate(method, score.onset_face, warp_face(image, score.matrix, size))
        own = cv2.GaussianBlur(head.subtract(flow), (0, 0), size / 40)
        flow, own = (
            ENLARGEMENT * cv2.resize(motion, None, fx=ENLARGEMENT, fy=ENLARGEMENT) for motion in (flow, own)
        )
        word = {score.onset: ", onset", score.apex: ", apex"}.get(number, "")
        title = f"frame {number}{word}, {times[np.flatnonzero(track.number == number)[0]]:.3f} s"
        if blur:
            halves = _meshes(score, flow, own, theme)
        else:
            face = warp_face(image, ENLARGEMENT * score.matrix, ENLARGEMENT * size)
            halves = face, magnify(face, own, magnification(score))
        shown[number] = _captioned(*halves, title, f"motion × {magnification(score):.1f}", theme)
    return shown


def magnify(face: np.ndarray, own: np.ndarray, factor: float) -> np.ndarray:
    """Return `face` as it would look if its motion from the onset were `factor` times as large.

    `own` (H, W, 2) px is the motion from the onset to `face`, in the coordinates of the onset.
    """
    y, x = np.mgrid[: face.shape[0], : face.shape[1]].astype(np.float32)
    back = np.zeros_like(own)
    for _ in range(4):  # solve q + factor * own(q) = (x, y) for q in the onset
        back = factor * cv2.remap(
            own, x - back[..., 0], y - back[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    there = back * (factor - 1) / factor
    return cv2.remap(
        face, x - there[..., 0], y - there[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def _meshes(score: Score, flow: np.ndarray, own: np.ndarray, theme: Theme) -> tuple[np.ndarray, np.ndarray]:
    """Draw the mesh of the face as it moves, and with its own motion magnified."""
    points, shape = ENLARGEMENT * score.landmarks, flow.shape[:2]
    moved = points + sample(flow, points)
    more = moved + (magnification(score) - 1) * sample(own, points)
    return mesh_picture(moved, shape, theme), mesh_picture(more, shape, theme)


def _captioned(left: np.ndarray, right: np.ndarray, title: str, note: str, theme: Theme) -> np.ndarray:
    """Join both halves with captions below, cut to even sides."""
    width = left.shape[1] + GAP // 2
    below = [render_text(text, width, 20, theme.ink, theme.ground) for text in (title, note)]
    both = place_side_by_side(left, right, gap=GAP, ground=theme.ground)
    both = np.vstack([both, np.hstack(below)])
    return np.ascontiguousarray(both[: both.shape[0] // 2 * 2, : both.shape[1] // 2 * 2])
