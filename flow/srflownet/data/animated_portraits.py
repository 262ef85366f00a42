"""Portraits moved by expressions of scanned people: real skin under motion that faces make.

A head model is fitted to each portrait once (`flow.splatting.head_fit`) and kept in a cache; a pair then
takes some hundredths of a second. People and expressions that `flow/splatting/held_out.csv` lists are never
used in training.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from data_prep.frames import read_image
from data_prep.landmarks import FaceMesh, interocular
from flow.estimate import content
from flow.sampling import log_uniform
from flow.splatting.dense_motion import stretch
from flow.splatting.head_fit import HeadFit, fit_head
from flow.splatting.head_model import HeadModel, load_head_model
from flow.splatting.held_out import Split, in_split
from flow.splatting.portrait_motion import (
    FLATTEST,
    PortraitFace,
    View,
    brought_to,
    dense_motion,
    measured_part,
    move,
    seen_in_both,
    texture_of,
    view,
    with_grain,
)
from flow.splatting.scanned_motion import random_expression, random_turn
from flow.srflownet.data.generic import camera
from flow.srflownet.data.pulled_renders import GRAINS, skin_grain
from mer_core.errors import BadInput
from mer_core.io import write_npz
from mer_core.progress import track

PEAK = (0.15, 7.0)  # px at 224 and in proportion to the face, the longest motion of the expression
EYES = 75.0  # px, inter-ocular distance to which `PEAK` refers
SHARE = (0.28, 0.40)  # inter-ocular distance as a part of the frame, of a face that fills it
CLOSE = 0.25  # part of the pairs that show a part of a larger face
AS_SCANNED = 0.35  # part of the pairs whose expressions are not varied
STILL = 0.05  # part of the pairs in which nothing moves
HEAD = (0.05, 4.0)  # px at 224, motion of the head, in half of the pairs
MOST_FOLDED = 0.03  # part of the face that may be lost to folds before the motion is made smaller
MARGIN = 12  # px of the portrait kept around the frame, for what moves in


class ScannedPair(NamedTuple):
    """Two frames of a portrait and the motion between them."""

    onset: np.ndarray  # (H, W, 3) uint8 RGB
    apex: np.ndarray  # (H, W, 3) uint8 RGB
    flow: np.ndarray  # (H, W, 2) float32 px, onset -> apex, right and down positive
    mask: np.ndarray  # (H, W) bool, skin whose motion is known and visible in both frames
    landmarks: np.ndarray  # (478, 2) float32 px of the onset, MediaPipe's order


class ScannedFaces:
    """Endless indexable set of pairs of `size` px.

    portraits  : folder of frontal portraits, *.jpg or *.png
    head_model : the file that `mer flow head-model` writes
    cache      : folder that keeps landmarks and fits from one run to the next
    split      : `train`, or `held_out` for measuring
    """

    def __init__(
        self,
        portraits: str | Path,
        head_model: str | Path,
        seed: int,
        size: int,
        cache: str | Path,
        split: Split = "train",
    ):
        self.model = load_head_model(head_model)
        self.seed, self.size, self.split = seed, size, split
        self.portraits, self.cache = Path(portraits), Path(cache) / content(head_model)
        self.names = fit_portraits(self.portraits, self.model, self.cache, split)

    def __getitem__(self, index: int) -> ScannedPair:
        return self.pair(np.random.default_rng((self.seed, 5, index)))

    def pair(self, rng: np.random.Generator) -> ScannedPair:
        """Return a random pair."""
        face = load_face(self.portraits, self.names[rng.integers(len(self.names))], self.cache)
        seen = random_view(rng, face, self.size)
        flow, mask = _random_motion(rng, self.model, face, seen, self.split)
        texture = lit(rng, texture_of(face, seen, MARGIN), seen)
        onset, apex, residual = move(texture, MARGIN, flow)
        mask &= seen_in_both(flow, residual)
        onset, apex = camera(rng, onset, apex)
        return ScannedPair(onset, apex, flow, mask, seen.landmarks.astype(np.float32))


def fit_portraits(folder: Path, model: HeadModel, cache: Path, split: Split) -> list[str]:
    """Fit `model` to each portrait of `split` in `folder` unless `cache` holds that; return the names with a
    face."""
    paths = [path for path in sorted(folder.glob("*")) if path.suffix.lower() in (".jpg", ".jpeg", ".png")]
    names = in_split("portrait", [path.name for path in paths], split)
    todo = [name for name in names if not (cache / f"{name}.npz").exists()]
    if todo:
        with FaceMesh() as mesh:
            for name in track(todo, "fitting heads to portraits"):
                points = mesh.landmarks(read_image(folder / name))
                if points is None:
                    write_npz(cache / f"{name}.npz", landmarks=np.zeros((0, 2), np.float32))
                else:
                    write_npz(cache / f"{name}.npz", landmarks=points, **vars(fit_head(model, points)))
    found = [name for name in names if _has_face(cache / f"{name}.npz")]
    if not found:
        raise BadInput(
            f"{folder} holds no portraits with a face for {split!r}. It should hold *.jpg or *.png."
        )
    return found


def _has_face(path: Path) -> bool:
    with np.load(path) as file:
        return len(file["landmarks"]) > 0


@lru_cache(maxsize=1024)
def load_face(folder: Path, name: str, cache: Path) -> PortraitFace:
    """Return a portrait that `fit_portraits` has seen, kept in memory once read: 1 MB."""
    with np.load(cache / f"{name}.npz") as file:
        arrays = {key: file[key] for key in file}
    landmarks = arrays.pop("landmarks")
    values: dict[str, Any] = {key: value if value.ndim else float(value) for key, value in arrays.items()}
    fit = HeadFit(**values)
    return PortraitFace(name, read_image(folder / name), landmarks, fit)


def random_view(rng: np.random.Generator, face: PortraitFace, size: int) -> View:
    share, off = rng.uniform(*SHARE), rng.uniform(-0.04, 0.04, 2)
    if rng.random() < CLOSE:
        share = log_uniform(rng, SHARE[1], 2.2 * SHARE[1])
        off = rng.uniform(-0.5, 0.5, 2) * (share / SHARE[0] - 1) * 0.8
    squeeze = rng.uniform(0.9, 1.1) if rng.random() < 0.3 else 1.0
    return view(face, size, share, rng.normal(0, 0.1), off, squeeze)


def _random_motion(
    rng: np.random.Generator, model: HeadModel, face: PortraitFace, seen: View, split: Split
) -> tuple[np.ndarray, np.ndarray]:
    """Return a motion (size, size, 2) float32 px without many folds, and where it is that of skin."""
    expression, _ = random_expression(
        rng, model, face.fit, interocular(face.landmarks), split, as_scanned=AS_SCANNED
    )
    both = np.concatenate([expression, random_turn(rng, face.fit)], axis=1)
    field, covered = dense_motion(model, face, seen, both)
    mask = measured_part(seen, covered)
    if rng.random() < STILL or not mask.any():
        return np.zeros_like(field[..., :2]), mask
    scale = seen.unit / EYES
    flow = brought_to(field[..., :2], mask, scale * log_uniform(rng, *PEAK))
    if rng.random() < 0.5:
        flow = flow + brought_to(field[..., 2:], mask, scale * log_uniform(rng, *HEAD))
    for _ in range(5):
        if (stretch(flow) < FLATTEST)[mask].mean() <= MOST_FOLDED:
            break
        flow = 0.6 * flow
    return flow, mask


def lit(rng: np.random.Generator, texture: np.ndarray, seen: View) -> np.ndarray:
    """The texture at a random contrast with the fine structure that skin has and a small portrait lacks."""
    contrast, tone = np.exp(rng.uniform(-0.5, 0.2)), rng.uniform(-25, 25, 3).astype(np.float32)
    texture = (texture - 128) * np.float32(contrast) + 128 + tone
    if rng.random() < 0.85:
        grain = skin_grain(int(rng.integers(GRAINS)))
        texture = with_grain(texture, seen, grain, rng.uniform(0.5, 6.0), rng.integers(0, len(grain), 2))
    return texture
