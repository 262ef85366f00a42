"""Portraits animated by expressions of scanned people: real skin under realistic facial motion.

A head model is fitted to each portrait once (`flow.splatting.head_fit`) and cached; a pair then takes some
hundredths of a second. Training never uses the people and expressions listed in
`flow/splatting/held_out.csv`.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from data_prep.frames import read_image
from data_prep.landmarks import LEFT_EYE, RIGHT_EYE, FaceMesh, interocular
from flow.estimate import file_digest
from flow.sampling import log_uniform
from flow.splatting.dense_motion import area_ratio
from flow.splatting.head_fit import HeadFit, fit_head
from flow.splatting.head_model import HeadModel, load_head_model
from flow.splatting.held_out import Split, in_split
from flow.splatting.portrait_motion import (
    INNER_LIPS,
    MARGIN_PX,
    MAX_FOLDED_FRACTION,
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
from flow.splatting.scanned_motion import random_expression, random_turn, random_waves
from flow.srflownet.data.generic import TrainingPair, simulate_camera
from flow.srflownet.data.pulled_renders import N_GRAINS, skin_grain
from flow.warp import pixel_grid
from mer_core.errors import NotFound
from mer_core.io import write_npz
from mer_core.progress import track

ALIGNED_INTEROCULAR_PX = 75.0  # of an aligned face at 224 px; ranges in px refer to it
PEAK_PX = (0.15, 7.0)  # longest motion of an expression
HEAD_MOTION_PX = (0.05, 4.0)  # longest motion of the head, in half of the pairs
INTEROCULAR_FRACTION = (0.28, 0.40)  # inter-ocular distance of a face that fills the frame
CLOSE_UP_FRACTION = 0.25  # of the pairs show a part of a larger face
UNVARIED_FRACTION = 0.35  # of the pairs have expressions as scanned
SHIFTED_FRACTION = 0.5  # of the pairs have expressions whose motion lies elsewhere on the face
MAX_SHIFT = 0.15  # inter-ocular distances
SHIFT_SMOOTHNESS = 2.5  # times the wavelengths of `random_waves`
KEPT_DISTANCE, FULL_DISTANCE = 0.05, 0.3  # from lids and lips, in inter-ocular distances: no and full shift
STILL_FRACTION = 0.05  # of the pairs have no motion


class AnimatedPortraits:
    """Endless indexable set of pairs of `size` px.

    Parameters
    ----------
    portraits : path
        Folder of frontal portraits, *.jpg or *.png.
    head_model : path
        File of `mer flow head-model`.
    cache : path
        Folder for landmarks and head fits.
    split : Split
        `train`, or `held_out` for measuring.
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

    def __getitem__(self, index: int) -> TrainingPair:
        return self.pair(np.random.default_rng((self.seed, 5, index)))

    def pair(self, rng: np.random.Generator) -> TrainingPair:
        """Draw a pair."""
        face = load_fitted_portrait(self.portraits, self.names[rng.integers(len(self.names))], self.cache)
        view = random_view(rng, face, self.size)
        flow, mask = _random_motion(rng, self.model, face, view, self.split)
        texture = vary_appearance(rng, portrait_texture(face, view, MARGIN_PX), view)
        onset, apex, residual = warp_texture(texture, MARGIN_PX, flow)
        mask &= visible_mask(flow, residual)
        onset, apex = simulate_camera(rng, onset, apex)
        return TrainingPair(onset, apex, flow, mask, view.landmarks.astype(np.float32))


def fit_portraits(folder: Path, model: HeadModel, cache: Path, split: Split) -> list[str]:
    """Fit `model` to each portrait of `split` unless cached; return the names of portraits with a face.

    Raises
    ------
    BadInput
        If no portrait shows a face.
    """
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
    with_face = [name for name in names if _has_face(cache / f"{name}.npz")]
    if not with_face:
        raise NotFound(
            f"{folder} contains no portraits with a face for {split!r}. It should contain *.jpg or *.png."
        )
    return with_face


def _has_face(path: Path) -> bool:
    with np.load(path) as file:
        return len(file["landmarks"]) > 0


@lru_cache(maxsize=1024)
def load_fitted_portrait(folder: Path, name: str, cache: Path) -> FittedPortrait:
    """Load a portrait that `fit_portraits` has fitted; cached, 1 MB each."""
    with np.load(cache / f"{name}.npz") as file:
        arrays = {key: file[key] for key in file}
    landmarks = arrays.pop("landmarks")
    values: dict[str, Any] = {key: value if value.ndim else float(value) for key, value in arrays.items()}
    fit = HeadFit(**values)
    return FittedPortrait(name, read_image(folder / name), landmarks, fit)


def random_view(rng: np.random.Generator, face: FittedPortrait, size: int) -> PortraitView:
    """Draw a frame of `size` px around a face: the whole face, or a part of it."""
    fraction, off = rng.uniform(*INTEROCULAR_FRACTION), rng.uniform(-0.04, 0.04, 2)
    if rng.random() < CLOSE_UP_FRACTION:
        fraction = log_uniform(rng, INTEROCULAR_FRACTION[1], 2.2 * INTEROCULAR_FRACTION[1])
        off = rng.uniform(-0.5, 0.5, 2) * (fraction / INTEROCULAR_FRACTION[0] - 1) * 0.8
    squeeze = rng.uniform(0.9, 1.1) if rng.random() < 0.3 else 1.0
    return frame_portrait(face, size, fraction, rng.normal(0, 0.1), off, squeeze)


def _random_motion(
    rng: np.random.Generator, model: HeadModel, face: FittedPortrait, view: PortraitView, split: Split
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a motion (size, size, 2) float32 px with few folds, and the mask of its skin."""
    expression, _ = random_expression(
        rng, model, face.fit, interocular(face.landmarks), split, as_scanned=UNVARIED_FRACTION
    )
    both = np.concatenate([expression, random_turn(rng, face.fit)], axis=1)
    field, covered = dense_motion(model, face, view, both)
    mask = skin_mask(view, covered)
    if rng.random() < SHIFTED_FRACTION:
        field[..., :2] = _shift_motion(rng, field[..., :2], view)
    if rng.random() < STILL_FRACTION or not mask.any():
        return np.zeros_like(field[..., :2]), mask
    scale = view.unit / ALIGNED_INTEROCULAR_PX
    flow = scale_to_peak(field[..., :2], mask, scale * log_uniform(rng, *PEAK_PX))
    if rng.random() < 0.5:
        flow = flow + scale_to_peak(field[..., 2:], mask, scale * log_uniform(rng, *HEAD_MOTION_PX))
    for _ in range(5):
        if (area_ratio(flow) < MIN_AREA_RATIO)[mask].mean() <= MAX_FOLDED_FRACTION:
            break
        flow = 0.6 * flow
    return flow, mask


def _shift_motion(rng: np.random.Generator, field: np.ndarray, view: PortraitView) -> np.ndarray:
    """Take each pixel's motion from a place nearby, as no face moves exactly where the scanned ones do.

    Lids and lips keep their motion, which has an edge there.
    """
    openings = np.ones((view.size, view.size), np.uint8)
    for outline in (RIGHT_EYE, LEFT_EYE, INNER_LIPS):
        cv2.fillPoly(openings, [view.landmarks[list(outline)].round().astype(np.int32)], 0)
    distance = cv2.distanceTransform(openings, cv2.DIST_L2, 5) / view.unit
    fraction = np.clip((distance - KEPT_DISTANCE) / (FULL_DISTANCE - KEPT_DISTANCE), 0, 1)[..., None]
    coarse = np.arange(0, view.size, 4) / view.unit
    places = np.stack(np.meshgrid(coarse, coarse), axis=-1).reshape(-1, 2)
    waves = np.stack([random_waves(rng, places / SHIFT_SMOOTHNESS) for _ in range(2)], axis=-1)
    waves = waves.reshape(len(coarse), len(coarse), 2).astype(np.float32)
    waves = cv2.resize(waves, (view.size, view.size), interpolation=cv2.INTER_CUBIC)
    at = pixel_grid((view.size, view.size)) + rng.uniform(0, MAX_SHIFT) * view.unit * fraction * waves
    x, y = np.moveaxis(at.astype(np.float32), -1, 0)
    return cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def vary_appearance(rng: np.random.Generator, texture: np.ndarray, view: PortraitView) -> np.ndarray:
    """Vary contrast and tone of a texture and add the skin grain that a small portrait lacks."""
    contrast, tone = np.exp(rng.uniform(-0.5, 0.2)), rng.uniform(-25, 25, 3).astype(np.float32)
    texture = (texture - 128) * np.float32(contrast) + 128 + tone
    if rng.random() < 0.85:
        grain = skin_grain(int(rng.integers(N_GRAINS)))
        texture = add_grain(texture, view, grain, rng.uniform(0.5, 6.0), rng.integers(0, len(grain), 2))
    return texture
