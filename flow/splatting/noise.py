"""Smooth random pictures and strokes for skin, hair, cloth and backgrounds."""

import cv2
import numpy as np


def smooth_noise(shape: tuple[int, int], scale: float, rng: np.random.Generator) -> np.ndarray:
    """Draw a picture (H, W) float32 of mean 0 and deviation 1 with features about `scale` px wide."""
    coarse = max(1.0, scale / 2)  # draw small and enlarge, which avoids wide filters
    small = tuple(int(np.ceil(n / coarse)) + 4 for n in shape)
    field = cv2.GaussianBlur(
        rng.standard_normal(small).astype(np.float32), (0, 0), max(scale / coarse / 2, 0.01)
    )
    field = cv2.resize(field, None, fx=coarse, fy=coarse, interpolation=cv2.INTER_CUBIC)[
        : shape[0], : shape[1]
    ]
    return (field - field.mean()) / max(float(field.std()), 1e-6)


def octave_noise(
    shape: tuple[int, int], scale: float, rng: np.random.Generator, count: int = 5
) -> np.ndarray:
    """Sum `count` smooth pictures, each half as wide and 0.6 times as strong as the last; deviation 1."""
    total = np.sum([0.6**k * smooth_noise(shape, scale / 2**k, rng) for k in range(count)], axis=0)
    return (total / total.std()).astype(np.float32)


def sample_picture(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Sample `picture` (H, W[, C]) float32 bilinearly at (x, y) px of any shape, mirrored at its border."""
    where = np.stack([np.ravel(x), np.ravel(y)]).astype(np.float32)
    count, columns = where.shape[1], 1024  # OpenCV limits the width of a coordinate map
    where = np.pad(where, ((0, 0), (0, -count % columns or (count == 0) * columns))).reshape(2, -1, columns)
    values = cv2.remap(picture, where[0], where[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return values.reshape(-1, *picture.shape[2:])[:count].reshape(*np.shape(x), *picture.shape[2:])


class SkinCanvas:
    """A picture of the unrolled skin, addressed in cm of uv.

    Parameters
    ----------
    low, high : (u, v) cm, corners
    scale : float px per cm
    """

    def __init__(self, low: tuple[float, float], high: tuple[float, float], scale: float) -> None:
        self.scale, self.low = scale, np.asarray(low, float)
        rows, columns = np.ceil((np.asarray(high) - low)[::-1] * scale)
        self.shape = int(rows), int(columns)
        v, u = np.mgrid[: self.shape[0], : self.shape[1]].astype(np.float32)
        self.u, self.v = u / scale + self.low[0], v / scale + self.low[1]

    def px(self, uv: np.ndarray) -> np.ndarray:
        """Convert uv (..., 2) cm to pixels."""
        return (np.asarray(uv) - self.low) * self.scale

    def read(self, picture: np.ndarray, uv: np.ndarray) -> np.ndarray:
        """Sample a picture of this canvas at uv (N, 2) cm."""
        x, y = self.px(uv).T
        return sample_picture(picture, x, y)

    def strokes(self, lines: list[np.ndarray], width: float) -> np.ndarray:
        """Draw lines, each (N, 2) cm, `width` cm wide: coverage 0..1 (rows, columns) float32."""
        drawn = np.zeros(self.shape, np.uint8)
        wide = max(1, int(round(width * self.scale)))
        for line in lines:
            cv2.polylines(
                drawn, [np.round(self.px(line) * 16).astype(np.int32)], False, 255, wide, cv2.LINE_AA, 4
            )
        return drawn.astype(np.float32) / 255 * min(1.0, width * self.scale)

    def area(self, outline: np.ndarray, soft: float = 0.0) -> np.ndarray:
        """Fill a closed outline (N, 2) cm, blurred by `soft` cm: coverage 0..1."""
        drawn = np.zeros(self.shape, np.uint8)
        cv2.fillPoly(drawn, [np.round(self.px(outline) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return self.blur(drawn.astype(np.float32) / 255, soft)

    def spot(self, centre: np.ndarray, width: float, height: float | None = None) -> np.ndarray:
        """Return a Gaussian, 1 at `centre` (u, v) cm, of deviations `width` and `height` cm."""
        height = width if height is None else height
        return np.exp(-0.5 * (((self.u - centre[0]) / width) ** 2 + ((self.v - centre[1]) / height) ** 2))

    def blur(self, picture: np.ndarray, deviation: float) -> np.ndarray:
        """Blur a picture by a Gaussian of `deviation` cm."""
        return cv2.GaussianBlur(picture, (0, 0), deviation * self.scale) if deviation > 0 else picture


def smooth_curve(points: np.ndarray, count: int = 24) -> np.ndarray:
    """Interpolate points (N, D) by a Catmull-Rom spline at `count` evenly spaced parameters."""
    points = np.asarray(points, float)
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, len(points) - 1 - 1e-9, count)
    i, f = t.astype(int), (t % 1)[:, None]
    a, b, c, d = (padded[i + k] for k in range(4))
    return 0.5 * (2 * b + (c - a) * f + (2 * a - 5 * b + 4 * c - d) * f**2 + (3 * b - a - 3 * c + d) * f**3)
