"""A pool of rendered faces on disk, for training faster than faces can be rendered.

`fill_pool` renders pairs once, without camera faults; `PooledPairs` draws endless pairs from them, each with
another crop, scale, contrast, exposure and noise. The motion is the engine's: muscles, head, lids and gaze.
`pulled_renders.py` puts other motion on the same faces.
"""

from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from flow.sampling import log_uniform
from flow.srflownet.data.generic import TrainingPair, simulate_camera
from mer_core.errors import NotFound
from mer_core.io import atomic_replace
from mer_core.progress import track

IDENTITY_STRIDE = 16  # consecutive pair numbers of the engine that share an identity


def fill_pool(
    folder: str | Path,
    pairs: int,
    size: int = 448,
    seed: int = 1,
    head_model: Path | None = None,
    portraits: Path | None = None,
) -> None:
    """Render `pairs` pairs of `size` px, each of another person, into `folder`.

    With a head model the people are scanned heads, with the skin of portraits where these are given; both
    kinds can share a folder. Existing pairs are kept, so it can be interrupted.
    """
    from flow.splatting.scenes import render_pair

    faces: dict[str, Any] = {"head_model": head_model, "portraits": portraits}
    prefix = "scanned-" if head_model else ""
    for number in track(range(pairs), "rendering faces"):
        path = Path(folder) / f"{prefix}{number:05d}.npz"
        if path.exists():
            continue
        pair = render_pair(seed, number * IDENTITY_STRIDE, size, sensor=False, **faces)
        with atomic_replace(path) as temporary:
            np.savez_compressed(
                temporary,
                onset=pair.frame1,
                apex=pair.frame2,
                flow=pair.flow.astype(np.float16),
                mask=pair.face,
            )


def pool_files(folder: str | Path) -> list[Path]:
    """Return the files of a pool.

    Raises
    ------
    BadInput
        If there are none.
    """
    paths = sorted(Path(folder).glob("*.npz"))
    if not paths:
        raise NotFound(
            f"{folder} holds no rendered faces. Fill it first: "
            "flow.srflownet.data.render_pool.fill_pool(folder, pairs)."
        )
    return paths


@cache
def read_pooled_pair(path: Path) -> tuple[np.ndarray, ...]:
    """Return onset, apex, flow and mask of a pooled pair; cached, 2 MB per pair of 448 px."""
    with np.load(path) as file:
        return tuple(file[name] for name in ("onset", "apex", "flow", "mask"))


class PooledPairs:
    """Endless indexable set of pairs of `size` px from a folder of `fill_pool`."""

    def __init__(self, folder: str | Path, seed: int, size: int):
        self.paths, self.seed, self.size = pool_files(folder), seed, size

    def __getitem__(self, index: int) -> TrainingPair:
        rng = np.random.default_rng((self.seed, 2, index))
        onset, apex, flow, mask = read_pooled_pair(self.paths[rng.integers(len(self.paths))])
        return random_crop(rng, self.size, TrainingPair(onset, apex, flow.astype(np.float32), mask))


def random_crop(rng: np.random.Generator, size: int, pair: TrainingPair) -> TrainingPair:
    """Draw a (size, size) crop of a pair, possibly mirrored, under other light and with camera faults.

    The scale is random between that of the whole frame and the pair's own. The centre of the crop lies on the
    mask, as far as the frame allows.
    """
    whole = size / min(pair.mask.shape)
    times = whole if whole >= 1 else log_uniform(rng, whole, 1.0)
    onset, apex, flow, mask = _resize_pair(times, *pair[:4])
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
    return TrainingPair(*simulate_camera(rng, onset, apex), flow, mask)


def _resize_pair(
    times: float, onset: np.ndarray, apex: np.ndarray, flow: np.ndarray, mask: np.ndarray
) -> list[np.ndarray]:
    """Resize a pair by the factor `times`, with the motion in px of the result."""
    if times == 1:
        return [onset, apex, flow, mask]
    shape = tuple(int(np.ceil(side * times)) for side in mask.shape[::-1])
    kind = cv2.INTER_CUBIC if times > 1 else cv2.INTER_AREA
    onset, apex, flow = (cv2.resize(a, shape, interpolation=kind) for a in (onset, apex, flow))
    return [
        onset,
        apex,
        flow * np.float32(times),
        cv2.resize(mask.astype(np.uint8), shape, interpolation=cv2.INTER_NEAREST) > 0,
    ]
