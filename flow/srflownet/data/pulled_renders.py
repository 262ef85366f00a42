"""Rendered faces at the scales of use, under smooth motion by many Gaussian pulls.

The texture is a picture, mostly a rendered face of a pool (render_pool.py). It fills the frame as an aligned
face does, or the frame shows a part of a larger face. The motion is a sum of Gaussian pulls at random places,
as wide as the skin that a facial muscle moves, and often a drift. The flow benchmark's motion is of the same
family, but with sites, faces and pairs of its own: nothing here knows where a brow or a lip is.

Positions are sampled exactly. OpenCV's `remap` rounds them to 1/32 px of the texture, which is as large as
the errors to be learned.
"""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from flow import photometric
from flow.sampling import log_uniform
from flow.srflownet.data.generic import (
    N_TEXTURES,
    TrainingPair,
    fractal_texture,
    generic_texture,
    random_motion,
    simulate_camera,
)
from flow.srflownet.data.render_pool import pool_files, read_pooled_pair

ALIGNED_FACE_WIDTH_PX = 165.0  # px, of a face that fills a frame of 224 px as the aligned faces do
ALIGNED_INTEROCULAR_PX = 75.0  # px, between the eyes of such a face
FACE_SCALES = (0.9, 2.2)  # size of the face against that one; a frame of 448 px that it fills shows it at 2
PEAK_PX = (0.15, 7.0)  # px at scale 1, longest displacement of all pulls together
PULL_REACHES = (0.08, 0.38)  # standard deviation of a pull, against the distance between the eyes
MAX_DRIFT_PX = 1.2  # px at scale 1
STILL_FRACTION = 0.06  # fraction of pairs in which nothing moves
GENERIC_TEXTURE_FRACTION = 0.25  # fraction of pairs with a texture of the generic set
GENERIC_MOTION_FRACTION = 0.2  # fraction of pairs with a motion of the generic set
N_GRAINS = 24  # different fine textures of skin


class PulledRenders:
    """Endless indexable set of pairs of `size` px over the faces in a folder of `render_pool.fill_pool`."""

    def __init__(self, folder: str | Path, seed: int, size: int):
        self.paths, self.seed, self.size = pool_files(folder), seed, size

    def __getitem__(self, index: int) -> TrainingPair:
        rng = np.random.default_rng((self.seed, 3, index))
        fills = self.size / 224
        scale = log_uniform(rng, FACE_SCALES[0] * fills, max(FACE_SCALES[1], 1.1 * fills))
        if rng.random() < GENERIC_TEXTURE_FRACTION:
            picture = generic_texture(int(rng.integers(N_TEXTURES))) + 128
            middle, width = (
                rng.uniform(0.2, 0.8, 2) * picture.shape[1::-1],
                rng.uniform(100, 500) * max(1, fills / scale),
            )
        else:
            picture, middle, width = self._face(rng, scale)
        flow = _random_pulls(rng, self.size, scale)
        onset, apex = _sample_frames(rng, picture, middle, width / (ALIGNED_FACE_WIDTH_PX * scale), flow)
        onset, apex = simulate_camera(rng, onset, apex)
        return TrainingPair(
            onset, photometric.match(onset, apex), flow, np.ones((self.size, self.size), bool)
        )

    def _face(self, rng: np.random.Generator, scale: float) -> tuple[np.ndarray, np.ndarray, float]:
        """Return a rendered face with skin grain, float32 0..255, the point to look at, and its width."""
        *pictures, _, mask = read_pooled_pair(self.paths[rng.integers(len(self.paths))])
        left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
        box = np.array([left, top, left + width - 1, top + height - 1], float)
        picture = pictures[rng.integers(2)].astype(np.float32)
        if scale > 1.2:  # room for a grain finer than the rendering
            picture, box = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), 2 * box
        if rng.random() < 0.7:
            grain = skin_grain(int(rng.integers(N_GRAINS)))
            rows, columns = (np.arange(side) % len(grain) for side in picture.shape[:2])
            picture += rng.uniform(0.5, 6.0) * grain[rows[:, None], columns]
        width = (box[2] - box[0] + 1) * rng.uniform(0.9, 1.15)
        free = max(0.06, 0.5 - 0.5 * self.size / (224 * scale))  # a crop of a large face lies anywhere in it
        middle = (box[:2] + box[2:]) / 2 + rng.uniform(-free, free, 2) * (box[2:] - box[:2])
        return picture, middle, width


def _random_pulls(rng: np.random.Generator, size: int, scale: float) -> np.ndarray:
    """Draw a smooth field, (size, size, 2) float32 px, that never folds."""
    if rng.random() < STILL_FRACTION:
        return np.zeros((size, size, 2), np.float32)
    peak = scale * log_uniform(rng, *PEAK_PX)
    if rng.random() < GENERIC_MOTION_FRACTION:
        return random_motion(rng, size, peak)
    along = np.arange(size, dtype=np.float32)
    flow = np.zeros((size, size, 2), np.float32)
    for _ in range(rng.integers(1, 9)):
        length, angle = peak * rng.uniform(0.2, 1), rng.uniform(0, 2 * np.pi)
        reach = max(ALIGNED_INTEROCULAR_PX * scale * log_uniform(rng, *PULL_REACHES), 2.5 * length)
        x, y = (np.exp(-(((along - centre) / reach) ** 2) / 2) for centre in rng.uniform(-0.1, 1.1, 2) * size)
        flow += (y[:, None] * x)[..., None] * np.array(
            [length * np.cos(angle), length * np.sin(angle)], np.float32
        )
    flow *= peak / max(peak / 3, np.hypot(flow[..., 0], flow[..., 1]).max())
    if rng.random() < 0.5:
        length, angle = rng.uniform(0, MAX_DRIFT_PX * scale), rng.uniform(0, 2 * np.pi)
        flow += np.array([length * np.cos(angle), length * np.sin(angle)], np.float32)
    return flow


def _sample_frames(
    rng: np.random.Generator, picture: np.ndarray, middle: np.ndarray, coarser: float, flow: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the picture around `middle` before and after `flow`, (H, W, 3) float32, in a random view.

    Parameters
    ----------
    coarser : float
        Pixels of the picture per pixel of the frame.
    """
    size = len(flow)
    turn = rng.normal(0, 0.15)
    matrix = coarser * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    matrix[:, 0] *= rng.choice((-1, 1))
    low_pass = cv2.GaussianBlur(picture, (0, 0), max(0.4 * coarser, 0.2))  # against aliasing
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=-1) - (size - 1) / 2
    at = np.stack([grid + flow, grid]) @ matrix.T + middle
    at = torch.from_numpy(((2 * at + 1) / picture.shape[1::-1] - 1).astype(np.float32))
    maps = torch.from_numpy(low_pass).permute(2, 0, 1).expand(2, -1, -1, -1)
    frames = F.grid_sample(maps, at, mode="bicubic", padding_mode="reflection", align_corners=False)
    contrast, tone = np.exp(rng.uniform(-1.0, 0.2)), rng.uniform(-30, 30, 3).astype(np.float32)
    first, second = ((frame - 128) * contrast + 128 + tone for frame in frames.permute(0, 2, 3, 1).numpy())
    return first, second


@lru_cache(maxsize=N_GRAINS)
def skin_grain(number: int) -> np.ndarray:
    """Return skin grain `number` of `N_GRAINS`, (640, 640, 1) float32 of mean 0 and deviation 1."""
    rng = np.random.default_rng((0x5C1, number))
    grain = fractal_texture(rng, 640).mean(axis=2) / 40
    grain -= cv2.GaussianBlur(grain, (0, 0), 12)
    places = cv2.resize(
        rng.uniform(0, 1, (5, 5)).astype(np.float32), (640, 640), interpolation=cv2.INTER_CUBIC
    )
    grain *= np.clip(places, 0, 1)
    return (grain / grain.std())[..., None]
