"""How well expressions are spotted in real clips that were changed: scaled, turned, darkened, compressed.

    python -m benchmarks.changed_clips CLIPS

CLIPS as for `benchmarks.spotting_real`, whose rules apply: listed expressions are cut to the frames that are
left. A row per change; the clips may not be distributed.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
from skimage.data import astronaut

from benchmarks.spotting_real import evaluate
from data_prep.frames import Frame, open_frames
from data_prep.videos.write_video import write_mp4
from mer.inference import spotting
from mer.inference.face_tracker import FaceTracker
from mer.inference.recorder import track_video

TURN = 10  # degrees


class Change(NamedTuple):
    """What is done to a clip: to each image, and to the list of its frames."""

    image: Callable[[np.ndarray], np.ndarray] = lambda image: image
    frames: Callable[[list[Frame]], list[Frame]] = lambda frames: frames


def _scale(image: np.ndarray, factor: float) -> np.ndarray:
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def _turn(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), TURN, 1)
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def _crop(image: np.ndarray) -> np.ndarray:
    height, width = (side // 20 for side in image.shape[:2])
    return np.ascontiguousarray(image[height:-height, width:-width])


def _add_face(image: np.ndarray) -> np.ndarray:
    other = cv2.resize(astronaut()[:256, 96:352], (image.shape[0] // 2,) * 2, interpolation=cv2.INTER_AREA)
    beside = np.full((image.shape[0], other.shape[1], 3), 128, np.uint8)
    beside[: other.shape[0]] = other
    return np.hstack([image, beside])


def _grey(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def _level(image: np.ndarray, factor: float, pivot: float) -> np.ndarray:
    return np.clip(factor * (image.astype(np.float32) - pivot) + pivot, 0, 255).astype(np.uint8)


def _compress(frames: list[Frame]) -> list[Frame]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_mp4(path, (frame.image for frame in frames), 30, crf=32)
        return [old._replace(image=new.image) for old, new in zip(frames, open_frames(path))]


CHANGES = {
    "none": Change(),
    "half the size": Change(lambda image: _scale(image, 0.5)),
    "mirrored": Change(lambda image: np.ascontiguousarray(image[:, ::-1])),
    f"turned by {TURN} degrees": Change(_turn),
    "cropped by 5 % at each border": Change(_crop),
    "a second face beside": Change(_add_face),
    "grey": Change(_grey),
    "contrast times 1.4": Change(lambda image: _level(image, 1.4, 128)),
    "brightness times .45": Change(lambda image: _level(image, 0.45, 0)),
    "H.264 again, CRF 32": Change(frames=_compress),
    "every other frame": Change(frames=lambda frames: frames[::2]),
    "without the first 20 frames": Change(frames=lambda frames: frames[20:]),
    "without the first and last 8 frames": Change(frames=lambda frames: frames[8:-8]),
}


def measure(change: Change, clips: list[Path], listed: pd.DataFrame) -> list[int]:
    """Return the numbers of right, listed and spotted expressions in all clips."""
    counts = []
    for clip in clips:
        frames = change.frames([f._replace(image=change.image(f.image)) for f in open_frames(clip)])
        first, last = frames[0].number, frames[-1].number
        rows = listed[(listed["file"] == clip.name) & (listed["offset"] > first) & (listed["onset"] < last)]
        rows = rows.assign(onset=rows["onset"].clip(first), offset=rows["offset"].clip(upper=last))
        found = spotting.find_intervals(track_video(frames, FaceTracker()))
        counts.append(evaluate(clip.name, rows, found).expressions)
    return np.sum(counts, axis=0).tolist()


def main() -> None:
    """Measure the clips after every change, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.changed_clips", description=__doc__.splitlines()[0]
    )
    parser.add_argument("clips", type=Path, help="folder of videos with an expressions.csv")
    parser.add_argument(
        "--only", nargs="*", choices=CHANGES, default=list(CHANGES), help="changes to measure"
    )
    given = parser.parse_args()
    listed = pd.read_csv(given.clips / "expressions.csv")
    clips = sorted(given.clips.glob("liveportrait_*.mp4"))
    print("| change | right | listed | spotted | F1 |", "|---|---|---|---|---|", sep="\n", flush=True)
    for name in given.only:
        right, known, ours = measure(CHANGES[name], clips, listed)
        print(f"| {name} | {right} | {known} | {ours} | {2 * right / (known + ours):.2f} |", flush=True)


if __name__ == "__main__":
    main()
