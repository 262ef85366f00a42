"""The moment as a short film: as recorded on the left, with the face's own motion magnified on the right."""

from pathlib import Path

import cv2
import numpy as np

from data_prep.align import warp
from data_prep.frames import Frames
from flow.estimate import estimate
from mer.inference import models
from mer.inference.head_motion import Dense
from mer.inference.predict import Score
from mer.report.clip_figures import caption
from mer_core.io import replacing

BEFORE_S, AFTER_S = 0.3, 0.6  # shown before the onset and after the apex
MOST_FRAMES = 48
SHOWN_FPS = 12  # slow enough to see it
GOAL, MOST = (
    8.0,
    12.0,
)  # per cent of the distance of the eyes to which motion is magnified; at most so many times


def write_film(score: Score, frames: Frames, path: Path) -> None:
    """Write the film as H.264 in MP4 to `path`."""
    import av

    shown = moment_frames(score, frames)
    with replacing(path) as temporary, av.open(str(temporary), "w") as out:
        stream = out.add_stream("libx264", rate=SHOWN_FPS, options={"crf": "20", "threads": "1"})
        stream.pix_fmt = "yuv420p"
        stream.height, stream.width = shown[0].shape[:2]
        for image in shown:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode())


def factor(score: Score) -> float:
    """How many times motion is magnified."""
    return float(np.clip(GOAL / max(score.motion, 1e-6), 1.0, MOST))


def moment_frames(score: Score, frames: Frames) -> list[np.ndarray]:
    """The frames of the film, (H, W, 3) uint8 with even sides."""
    course, times = score.course, score.course.time
    onset, apex = (
        float(times[np.flatnonzero(course.number == number)[0]]) for number in (score.onset, score.apex)
    )
    near = np.flatnonzero((times >= min(onset, apex) - BEFORE_S) & (times <= max(onset, apex) + AFTER_S))
    numbers = course.number[near[:: -(-len(near) // MOST_FRAMES)]]
    times_more, method = factor(score), models.method("dis", {"preset": "medium"})
    size = score.onset_face.shape[0]
    head = Dense(score.landmarks, (size, size))
    shown = []
    for number, image in frames.pick(int(n) for n in numbers).items():
        face = warp(image, score.matrix, size)
        own = head.own(estimate(method, score.onset_face, face))
        own = cv2.GaussianBlur(own, (0, 0), size / 40)
        both = np.hstack([face, np.full((size, 8, 3), 255, np.uint8), magnified(face, own, times_more)])
        word = " onset" if number == score.onset else " apex" if number == score.apex else ""
        both = np.vstack(
            [
                both,
                caption(
                    f"frame {number}{word}   left: as recorded   right: motion x {times_more:.1f}",
                    both.shape[1],
                ),
            ]
        )
        shown.append(both[: both.shape[0] // 2 * 2, : both.shape[1] // 2 * 2])
    return shown


def magnified(face: np.ndarray, own: np.ndarray, times: float) -> np.ndarray:
    """`face`, reached from the onset by the motion `own` (H, W, 2) px of the onset, as if that were `times` as much."""
    y, x = np.mgrid[: face.shape[0], : face.shape[1]].astype(np.float32)
    back = np.zeros_like(own)
    for _ in range(
        4
    ):  # where in the onset does what is shown at (x, y) come from: q with q + times * own(q) = (x, y)
        back = times * cv2.remap(
            own, x - back[..., 0], y - back[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    there = back * (times - 1) / times
    return cv2.remap(
        face, x - there[..., 0], y - there[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
