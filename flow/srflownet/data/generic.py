"""Pairs of pictures without faces and their exact motion: the "without SRFlow" half of a training mixture.

Textures are scikit-image's pictures and fractal noise, moved by smooth random fields in up to three layers
that occlude one another. scikit-image's `astronaut` is excluded, because the flow benchmark uses it. A pair
depends on `(seed, index)` only, so any number of workers makes the same set.
"""

from functools import cache, lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from flow.sampling import log_uniform
from flow.splatting.sensor import h264_round_trip, jpeg_round_trip

PICTURE_NAMES = (
    "brick", "camera", "cat", "coffee", "coins", "cell", "grass", "gravel", "hubble_deep_field",
    "immunohistochemistry", "moon", "retina", "rocket",
)  # fmt: skip
N_TEXTURES = 128
OVERSAMPLING = 2  # frames are rendered this much finer and averaged, which hides the resampling


class TrainingPair(NamedTuple):
    """Two frames and the motion from the first to the second.

    Attributes
    ----------
    onset, apex : (H, W, 3) uint8 RGB
    flow : (H, W, 2) float32 px, onset to apex, right and down positive
    mask : (H, W) bool, visible skin with known motion; the whole frame without a face
    landmarks : (478, 2) float32 px of the onset in MediaPipe's order, or None if unknown
    """

    onset: np.ndarray
    apex: np.ndarray
    flow: np.ndarray
    mask: np.ndarray
    landmarks: np.ndarray | None = None


class GenericPairs:
    """Endless indexable set of generic pairs of `size` px.

    Parameters
    ----------
    peak : (float, float)
        Range of the largest displacement of a layer, log-uniform, px.
    still : float
        Fraction of pairs that differ by noise and exposure only.
    """

    def __init__(
        self, seed: int, size: int = 224, peak: tuple[float, float] = (0.1, 8.0), still: float = 0.05
    ):
        self.seed, self.size, self.peak, self.still = seed, size, peak, still

    def __getitem__(self, index: int) -> TrainingPair:
        rng = np.random.default_rng((self.seed, index))
        size = self.size
        peak = 0.0 if rng.random() < self.still else log_uniform(rng, *self.peak)
        first, second, flow = _random_layer(rng, size, peak)
        for _ in range(rng.choice(3, p=(0.75, 0.15, 0.1))):
            above_first, above_second, above_flow = _random_layer(rng, size, peak * rng.uniform(0.3, 1.0))
            shape = _random_blob(rng, size)
            cover_first = _sample_fine(shape, _fine_grid(size) + _fine_flow(above_flow), size)[..., None]
            cover_second = cv2.resize(shape, (size, size), interpolation=cv2.INTER_AREA)[..., None]
            first += cover_first * (above_first - first)
            second += cover_second * (above_second - second)
            flow = np.where(cover_first > 0.5, above_flow, flow)
        first, second = simulate_camera(rng, first, second)
        return TrainingPair(first, second, flow, np.ones((size, size), bool))


def random_motion(rng: np.random.Generator, size: int, peak: float) -> np.ndarray:
    """Draw a smooth field, (size, size, 2) float32 px, whose largest displacement is about `peak`.

    It combines drift, small rotation and zoom with local pulls of various widths, some long and narrow as
    muscles are. Gradients stay below 0.5, so the motion never folds.
    """
    if peak == 0:
        return np.zeros((size, size, 2), np.float32)
    coarse = size // 4
    y, x = np.mgrid[:coarse, :coarse].astype(np.float32) / coarse - 0.5
    pulls = np.zeros((coarse, coarse, 2), np.float32)
    for _ in range(rng.integers(1, 12)):
        cx, cy = rng.uniform(-0.5, 0.5, 2)
        turn = rng.uniform(0, np.pi)
        along, across = log_uniform(rng, 0.03, 0.4, 2)
        across = along if rng.random() < 0.5 else across
        a = ((x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)) / along
        b = ((y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)) / across
        bump = np.exp(-0.5 * (a * a + b * b))
        direction = rng.uniform(0, 2 * np.pi)
        strength = rng.uniform(0.2, 1.0) * min(1.0, min(along, across) * size * 0.6 / peak)
        pulls += bump[..., None] * (strength * np.array([np.cos(direction), np.sin(direction)], np.float32))
    fraction = rng.choice([0.0, rng.uniform(0, 0.3), rng.uniform(0.3, 2.0)], p=(0.4, 0.3, 0.3))
    drift = rng.normal(0, 1, 2).astype(np.float32)
    turn, zoom = rng.normal(0, 1.0, 2) if rng.random() < 0.4 else (0.0, 0.0)
    whole = drift + np.stack([zoom * x - turn * y, turn * x + zoom * y], axis=-1)
    largest = np.hypot(whole[..., 0], whole[..., 1]).max()
    field = peak * (pulls + fraction * whole / largest)
    largest = np.hypot(field[..., 0], field[..., 1]).max()
    field *= min(1.0, peak / largest)
    return cv2.resize(field.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)


def textured_surface(
    rng: np.random.Generator, texture: np.ndarray, size: int, peak: float, tone: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Render a textured surface before and after a random motion.

    Parameters
    ----------
    texture : (H, W, 3) float32 around zero; seen at a random zoom, rotation and contrast, mirrored at its
        border
    peak : float
        Largest displacement, px.
    tone : (3,) mean colour

    Returns
    -------
    before, after : (size, size, 3) float32 in 0..255
    flow : (size, size, 2) float32 px
    """
    contrast = np.exp(rng.uniform(np.log(0.25), 0.2))
    flow = random_motion(rng, size, peak)
    fine = size * OVERSAMPLING
    zoom = np.exp(rng.uniform(np.log(0.12), 0.0))  # texture pixels per fine pixel
    turn = rng.uniform(0, 2 * np.pi) if rng.random() < 0.5 else 0.0
    matrix = zoom * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]], np.float32)
    matrix[0] *= rng.choice((-1, 1))
    origin = (rng.uniform(0, 1, 2) * texture.shape[1::-1] - matrix @ np.full(2, fine / 2)).astype(np.float32)
    places = (_fine_grid(size) + _fine_flow(flow), _fine_grid(size))
    first, second = (
        _sample_fine(texture, place @ matrix.T + origin, size) * contrast + tone for place in places
    )
    return first.astype(np.float32), second.astype(np.float32), flow


def _random_layer(
    rng: np.random.Generator, size: int, peak: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Render a surface with one of the generic textures."""
    return textured_surface(
        rng, generic_texture(int(rng.integers(N_TEXTURES))), size, peak, rng.uniform(60, 200, 3)
    )


@lru_cache(maxsize=N_TEXTURES)
def generic_texture(number: int) -> np.ndarray:
    """Return texture `number` of `N_TEXTURES`, (H, W, 3) float32 around zero, often with smooth areas.

    Textures are cached, because making one takes longer than rendering a pair.
    """
    rng = np.random.default_rng((0x7E87, number))
    picture = (
        _load_picture(PICTURE_NAMES[rng.integers(len(PICTURE_NAMES))])
        if rng.random() < 0.7
        else fractal_texture(rng)
    )
    if rng.random() < 0.5:
        picture = picture[..., rng.permutation(3)]
    if rng.random() < 0.4:
        smooth = cv2.GaussianBlur(picture, (0, 0), rng.uniform(2, 8))
        bare = rng.uniform(-0.6, 1.0, (6, 6)).astype(np.float32)
        bare = cv2.resize(bare, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
        picture = smooth + np.clip(bare, 0.1, 1.0)[..., None] * (picture - smooth)
    return picture - picture.mean(axis=(0, 1))


@cache
def _load_picture(name: str) -> np.ndarray:
    """Load one of scikit-image's pictures, (H, W, 3) float32 in 0..255, at most 700 px wide."""
    from skimage import data

    picture = np.asarray(getattr(data, name)())
    picture = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    scale = min(1.0, 700 / max(picture.shape))
    return cv2.resize(
        picture[..., :3].astype(np.float32), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
    )


def fractal_texture(rng: np.random.Generator, size: int = 512) -> np.ndarray:
    """Draw a texture, (size, size, 3) float32, whose spectrum falls as a power of frequency."""
    octaves = 2 ** np.arange(2, 10)
    slope = rng.uniform(0.2, 1.2)
    total = np.zeros((size, size, 3), np.float32)
    for cells in octaves:
        noise = rng.standard_normal((cells, cells, 3)).astype(np.float32)
        total += cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC) * (cells / 4.0) ** -slope
    total = total.mean(axis=2, keepdims=True) * 1.5 + 0.3 * total
    return 40 * total / total.std()


def _random_blob(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw the opacity of a blob with a soft edge, (fine, fine) float32 in 0..1."""
    cells = rng.integers(3, 7)
    field = cv2.resize(
        rng.standard_normal((cells, cells)).astype(np.float32),
        (size * OVERSAMPLING,) * 2,
        interpolation=cv2.INTER_CUBIC,
    )
    return np.clip((field - rng.uniform(0.2, 0.8)) * rng.uniform(10, 60) + 0.5, 0, 1)


def simulate_camera(
    rng: np.random.Generator, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return both frames as recorded, uint8: focus, exposure, slow light, noise, rounding, compression."""
    size = first.shape[0]
    if rng.random() < 0.5:
        blur = rng.uniform(0.3, 1.2)
        first, second = (cv2.GaussianBlur(f, (0, 0), blur) for f in (first, second))
    if rng.random() < 0.6:
        second = second * rng.uniform(0.97, 1.03) + rng.uniform(-4, 4)
    if rng.random() < 0.3:
        light = rng.normal(0, 0.015, (3, 3)).astype(np.float32)
        second = second * (1 + cv2.resize(light, (size, size), interpolation=cv2.INTER_CUBIC)[..., None])
    noise = log_uniform(rng, 0.4, 4.0) * (rng.random() < 0.85)
    grey = rng.random() < 0.2  # a monochrome camera has the same noise in all channels
    frames = []
    for frame in (first, second):
        if grey:
            frame = np.repeat(frame.mean(axis=2, keepdims=True), 3, axis=2)
        frame = frame + noise * rng.standard_normal(frame.shape[:2] + (1 if grey else 3,), dtype=np.float32)
        frames.append(np.clip(np.rint(frame), 0, 255).astype(np.uint8))
    coder = rng.random()
    if coder < 0.3:
        frames = [jpeg_round_trip(frame, int(rng.integers(70, 98))) for frame in frames]
    elif coder < 0.45:
        frames = h264_round_trip(frames, int(rng.integers(16, 30)))
    return frames[0], frames[1]


@lru_cache(maxsize=4)
def _fine_grid(size: int) -> np.ndarray:
    """Return the position of every fine pixel, (fine, fine, 2) float32 in fine pixels."""
    y, x = np.mgrid[: size * OVERSAMPLING, : size * OVERSAMPLING]
    return np.stack([x, y], axis=-1).astype(np.float32)


def _fine_flow(flow: np.ndarray) -> np.ndarray:
    """Return the motion on the fine grid, in fine pixels."""
    return OVERSAMPLING * cv2.resize(
        flow, None, fx=OVERSAMPLING, fy=OVERSAMPLING, interpolation=cv2.INTER_CUBIC
    )


def _sample_fine(image: np.ndarray, at: np.ndarray, size: int) -> np.ndarray:
    """Sample `image` at the fine positions `at` and average down to (size, size, ...) float32."""
    fine = cv2.remap(image, at, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA)
