"""A pool of splat faces on disk, for training faster than faces can be rendered.

Rendering a pair takes seconds on a CPU, a training step tenths. So `fill` renders a number of pairs once, without a
camera's faults, and `PooledFaces` draws endless pairs from them: another crop, turn, contrast, exposure and noise each
time; and most of the time the rendered face serves as a texture under a new smooth motion.
"""

from pathlib import Path

import cv2
import numpy as np

from flow.datasets.generic import Pair, camera, random_motion, surface
from mer.disk import replacing
from mer.errors import BadInput
from mer.progress import track

MOVED_ANEW = 0.65  # share of pairs in which a rendered face serves as a texture under a new motion
PAIRS_OF_A_FACE = 4  # taken of each identity: more identities teach more than more expressions of one
STRIDE = 16  # consecutive numbers of the engine share an identity for this long


def fill(folder: str | Path, pairs: int, size: int = 320, seed: int = 1) -> None:
    """Render `pairs` pairs of `size` px into `folder`; what is there already is kept, so it can be interrupted."""
    from flow.splatting.scenes import render_pair

    folder = Path(folder)
    for number in track(range(pairs), "rendering faces"):
        path = folder / f"{number:05d}.npz"
        if path.exists():
            continue
        face, k = divmod(number, PAIRS_OF_A_FACE)
        pair = render_pair(seed, face * STRIDE + k, size, sensor=False)
        with replacing(path) as temporary:
            np.savez_compressed(
                temporary, onset=pair.frame1, apex=pair.frame2, flow=pair.flow.astype(np.float16), mask=pair.face
            )


class PooledFaces:
    """Endless indexable set of pairs of `size` px from a folder that `fill` made.

    peak : px, range of the largest motion where a face serves as a texture
    """

    def __init__(self, folder: str | Path, seed: int, size: int, peak: tuple[float, float] = (0.1, 8.0)):
        self.paths = sorted(Path(folder).glob("[0-9]*.npz"))
        if not self.paths:
            raise BadInput(f"{folder} holds no rendered faces. Fill it first: flow.datasets.pool.fill(folder, pairs).")
        self.seed, self.size, self.peak, self.kept = seed, size, peak, {}

    def __getitem__(self, index: int) -> Pair:
        rng = np.random.default_rng((self.seed, 2, index))
        onset, apex, flow, mask = self._rendered(int(rng.integers(len(self.paths))))
        if rng.random() < MOVED_ANEW:
            return self._moved_anew(rng, onset if rng.random() < 0.5 else apex)
        return seen_anew(rng, self.size, onset, apex, flow.astype(np.float32), mask)

    def _moved_anew(self, rng: np.random.Generator, face: np.ndarray) -> Pair:
        """Return a rendered face under a smooth random motion."""
        peak = np.exp(rng.uniform(*np.log(self.peak)))
        onset, apex, flow = surface(rng, face.astype(np.float32) - 128, self.size, peak, tone=128 + rng.uniform(-30, 30, 3))
        onset, apex = camera(rng, onset, apex)
        return Pair(onset, apex, flow, np.ones((self.size, self.size), bool))

    def _rendered(self, number: int) -> tuple[np.ndarray, ...]:
        """Return the arrays of one rendered pair, kept in memory once read."""
        if number not in self.kept:
            with np.load(self.paths[number]) as file:
                self.kept[number] = tuple(file[name] for name in ("onset", "apex", "flow", "mask"))
        return self.kept[number]


def seen_anew(
    rng: np.random.Generator, size: int, onset: np.ndarray, apex: np.ndarray, flow: np.ndarray, mask: np.ndarray
) -> Pair:
    """Return a random (size, size) part of a rendered pair, perhaps mirrored, in another light and with a camera's faults.

    The middle of the part lies on the mask, as far as the frame allows. A pair smaller than `size` is enlarged first.
    """
    onset, apex, flow, mask = _at_least(size, onset, apex, flow, mask)
    rows, columns = np.nonzero(mask)
    place = rng.integers(max(1, len(rows)))
    middle = (rows[place], columns[place]) if len(rows) else np.array(mask.shape) // 2
    top, left = (int(np.clip(at - size // 2, 0, side - size)) for at, side in zip(middle, mask.shape))
    onset, apex, flow, mask = (a[top : top + size, left : left + size] for a in (onset, apex, flow, mask))
    if rng.random() < 0.5:
        onset, apex, flow, mask = (np.ascontiguousarray(a[:, ::-1]) for a in (onset, apex, flow, mask))
        flow = flow * np.array([-1, 1], np.float32)
    contrast, tone = np.exp(rng.uniform(-0.7, 0.2)), rng.uniform(-30, 30, 3).astype(np.float32)
    onset, apex = ((frame.astype(np.float32) - 128) * contrast + 128 + tone for frame in (onset, apex))
    return Pair(*camera(rng, onset, apex), flow, mask)


def _at_least(size: int, onset: np.ndarray, apex: np.ndarray, flow: np.ndarray, mask: np.ndarray) -> list[np.ndarray]:
    """Return a rendered pair enlarged to `size` px if it is smaller, with the motion in px of what is returned."""
    times = size / min(mask.shape)
    if times <= 1:
        return [onset, apex, flow, mask]
    shape = tuple(int(np.ceil(side * times)) for side in mask.shape[::-1])
    onset, apex, flow = (cv2.resize(a, shape, interpolation=cv2.INTER_CUBIC) for a in (onset, apex, flow))
    return [onset, apex, flow * np.float32(times), cv2.resize(mask.astype(np.uint8), shape, interpolation=cv2.INTER_NEAREST) > 0]
