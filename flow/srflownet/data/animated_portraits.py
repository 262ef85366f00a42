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
from flow.estimate import file_digest
from flow.sampling import log_uniform
from flow.splatting.dense_motion import area_ratio
from flow.splatting.head_fit import HeadFit, fit_head
from flow.splatting.head_model import HeadModel, load_head_model
from flow.splatting.held_out import Split, in_split
from flow.splatting.portrait_motion import (
    MIN_AREA_RATIO,
    FittedPortrait,
    PortraitView,
    add_grain,
    dense_motion,
    frame_portrait,
    portrait_texture,
    scale_to_peak,
    skin_mask,
    visible_mask,
    warp_texture,
)
from flow.splatting.scanned_motion import random_expression, random_turn
from flow.srflownet.data.generic import simulate_camera
from flow.srflownet.data.pulled_renders import N_GRAINS, skin_grain
from mer_core.errors import BadInput
from mer_core.io import write_npz
from mer_core.progress import track

PEAK_PX = (0.15, 7.0)  # px at 224 and in proportion to the face, the longest motion of the expression
ALIGNED_INTEROCULAR_PX = 75.0  # px, inter-ocular distance to which `PEAK_PX` refers
INTEROCULAR_FRACTION = (0.28, 0.40)  # inter-ocular distance as a part of the frame, of a face that fills it
CLOSE_UP_FRACTION = 0.25  # part of the pairs that show a part of a larger face
UNVARIED_FRACTION = 0.35  # part of the pairs whose expressions are not varied
STILL_FRACTION = 0.05  # part of the pairs in which nothing moves
HEAD_MOTION_PX = (0.05, 4.0)  # px at 224, motion of the head, in half of the pairs
MAX_FOLDED_FRACTION = 0.03  # part of the face that may be lost to folds before the motion is made smaller
MARGIN_PX = 12  # px of the portrait kept around the frame, for what moves in


class PortraitPair(NamedTuple):
    """Two frames of a portrait and the motion between them."""

    onset: np.ndarray  # (H, W, 3) uint8 RGB
    apex: np.ndarray  # (H, W, 3) uint8 RGB
    flow: np.ndarray  # (H, W, 2) float32 px, onset -> apex, right and down positive
    mask: np.ndarray  # (H, W) bool, skin whose motion is known and visible in both frames
    landmarks: np.ndarray  # (478, 2) float32 px of the onset, MediaPipe's order


class AnimatedPortraits:
    """Endless indexable set of pairs of `size` px.

    portraits  : folder of frontal portraits, *.jpg or *.png
    head_model : the file that `mer flow head-model` writes
    cache      : folder that keeps landmarks and fits from one run to the next
    split      : `train`, or `held_out_names` for measuring
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
        self.portraits, self.cache = Path(portraits), Path(cache) / file_digest(head_model)
        self.names = fit_portraits(self.portraits, self.model, self.cache, split)

    def __getitem__(self, index: int) -> PortraitPair:
        return self.pair(np.random.default_rng((self.seed, 5, index)))

    def pair(self, rng: np.random.Generator) -> PortraitPair:
        """Return a random pair."""
        face = load_fitted_portrait(self.portraits, self.names[rng.integers(len(self.names))], self.cache)
        seen = random_view(rng, face, self.size)
        flow, mask = _random_motion(rng, self.model, face, seen, self.split)
        texture = vary_appearance(rng, portrait_texture(face, seen, MARGIN_PX), seen)
        onset, apex, residual = warp_texture(texture, MARGIN_PX, flow)
        mask &= visible_mask(flow, residual)
        onset, apex = simulate_camera(rng, onset, apex)
        return PortraitPair(onset, apex, flow, mask, seen.landmarks.astype(np.float32))


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
def load_fitted_portrait(folder: Path, name: str, cache: Path) -> FittedPortrait:
    """Return a portrait that `fit_portraits` has seen, kept in memory once read: 1 MB."""
    with np.load(cache / f"{name}.npz") as file:
        arrays = {key: file[key] for key in file}
    landmarks = arrays.pop("landmarks")
    values: dict[str, Any] = {key: value if value.ndim else float(value) for key, value in arrays.items()}
    fit = HeadFit(**values)
    return FittedPortrait(name, read_image(folder / name), landmarks, fit)


def random_view(rng: np.random.Generator, face: FittedPortrait, size: int) -> PortraitView:
    share, off = rng.uniform(*INTEROCULAR_FRACTION), rng.uniform(-0.04, 0.04, 2)
    if rng.random() < CLOSE_UP_FRACTION:
        share = log_uniform(rng, INTEROCULAR_FRACTION[1], 2.2 * INTEROCULAR_FRACTION[1])
        off = rng.uniform(-0.5, 0.5, 2) * (share / INTEROCULAR_FRACTION[0] - 1) * 0.8
    squeeze = rng.uniform(0.9, 1.1) if rng.random() < 0.3 else 1.0
    return frame_portrait(face, size, share, rng.normal(0, 0.1), off, squeeze)


def _random_motion(
    rng: np.random.Generator, model: HeadModel, face: FittedPortrait, seen: PortraitView, split: Split
) -> tuple[np.ndarray, np.ndarray]:
    """Return a motion (size, size, 2) float32 px without many folds, and where it is that of skin."""
    expression, _ = random_expression(
        rng, model, face.fit, interocular(face.landmarks), split, as_scanned=UNVARIED_FRACTION
    )
    both = np.concatenate([expression, random_turn(rng, face.fit)], axis=1)
    field, covered = dense_motion(model, face, seen, both)
    mask = skin_mask(seen, covered)
    if rng.random() < STILL_FRACTION or not mask.any():
        return np.zeros_like(field[..., :2]), mask
    scale = seen.unit / ALIGNED_INTEROCULAR_PX
    flow = scale_to_peak(field[..., :2], mask, scale * log_uniform(rng, *PEAK_PX))
    if rng.random() < 0.5:
        flow = flow + scale_to_peak(field[..., 2:], mask, scale * log_uniform(rng, *HEAD_MOTION_PX))
    for _ in range(5):
        if (area_ratio(flow) < MIN_AREA_RATIO)[mask].mean() <= MAX_FOLDED_FRACTION:
            break
        flow = 0.6 * flow
    return flow, mask


def vary_appearance(rng: np.random.Generator, texture: np.ndarray, seen: PortraitView) -> np.ndarray:
    """The texture at a random contrast with the fine structure that skin has and a small portrait lacks."""
    contrast, tone = np.exp(rng.uniform(-0.5, 0.2)), rng.uniform(-25, 25, 3).astype(np.float32)
    texture = (texture - 128) * np.float32(contrast) + 128 + tone
    if rng.random() < 0.85:
        grain = skin_grain(int(rng.integers(N_GRAINS)))
        texture = add_grain(texture, seen, grain, rng.uniform(0.5, 6.0), rng.integers(0, len(grain), 2))
    return texture
