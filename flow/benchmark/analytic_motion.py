"""Smooth facial motion with exactly known flow: a field of Gaussian pulls and frames moved by it.

For the flow benchmark. Not a model of muscles; the splat engine has those.

The field maps each pixel of the *second* frame to its origin, so that frame can be resampled exactly; the
forward flow follows by numerical inversion.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates, spline_filter

from data_prep.face_regions import SITES
from data_prep.landmarks import interocular

Displacements = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class GaussianField:
    """A smooth field of Gaussian bumps, defined everywhere and computed exactly at any point.

    centres : (K, 2) px, x right, y down
    shifts  : (K, 2) px, the displacement that each bump adds at its centre
    reaches : (K,) px, standard deviations
    drift   : (2,) px, a displacement of the whole frame
    """

    centres: np.ndarray
    shifts: np.ndarray
    reaches: np.ndarray
    drift: tuple[float, float] = (0.0, 0.0)

    def displacement(self, points: np.ndarray) -> np.ndarray:
        """Displacement (..., 2) float64 px at `points` (..., 2) px."""
        out = np.broadcast_to(np.asarray(self.drift, float), points.shape).copy()
        for centre, shift, reach in zip(self.centres, self.shifts, self.reaches):
            far = ((points - centre) ** 2).sum(-1) / (2 * reach**2)
            out += np.exp(-far)[..., None] * shift
        return out

    def max_slope(self, points: np.ndarray) -> float:
        """The largest slope at `points` (..., 2): the Frobenius norm of the field's Jacobian, px per px."""
        slopes = np.zeros((*points.shape, 2))
        for centre, shift, reach in zip(self.centres, self.shifts, self.reaches):
            away = points - centre
            height = np.exp(-(away**2).sum(-1) / (2 * reach**2)) / reach**2
            slopes -= (height[..., None] * away)[..., None] * shift
        return float(np.sqrt((slopes**2).sum((-2, -1))).max())


def facial_field(
    landmarks: np.ndarray, displacements: Displacements, drift: tuple[float, float] = (0.0, 0.0)
) -> GaussianField:
    """The field that moves the named sites of a face.

    landmarks     : (478, 2) px
    displacements : site -> (dx right, dy down) px
    drift         : px, added everywhere

    A far-moving site reaches at least 2.5 times as far as it moves, so that a lone bump's gradient stays
    below 0.25 and the skin never folds over. Neighbouring bumps add up, so the field's peak can exceed each
    of the displacements.
    """
    names = list(displacements)
    centres = np.array([landmarks[list(SITES[name][0])].mean(0) for name in names], float).reshape(-1, 2)
    shifts = np.array([displacements[name] for name in names], float).reshape(-1, 2)
    share = np.array([SITES[name][1] for name in names])
    return GaussianField(
        centres,
        shifts,
        np.maximum(share * interocular(landmarks), 2.5 * np.linalg.norm(shifts, axis=1)),
        drift,
    )


def pixel_grid(shape: tuple[int, int]) -> np.ndarray:
    """Pixel centres (H, W, 2) float64, x then y."""
    return np.stack(np.meshgrid(np.arange(shape[1]), np.arange(shape[0])), axis=-1).astype(float)


def forward_flow(back: GaussianField, shape: tuple[int, int], tolerance: float = 1e-5) -> np.ndarray:
    """The flow F (H, W, 2) float64 px with F(x) = -back(x + F(x)), by fixed-point iteration.

    `back` maps a point of frame 2 to its place in frame 1: y -> y + back(y). The iteration contracts as long
    as the field's gradient stays below 1. Raises `ArithmeticError` if the residual does not fall below
    `tolerance` px.
    """
    points = pixel_grid(shape)
    flow = -back.displacement(points)
    for _ in range(60):
        step = -back.displacement(points + flow)
        residual = np.abs(step - flow).max()
        flow = step
        if residual < tolerance:
            return flow
    raise ArithmeticError(
        f"The field folds over: its inverse is still off by {residual:.2g} px after 60 steps."
    )


class SplineTexture:
    """A picture that can be sampled anywhere: its interpolating cubic spline, seen through an affine map.

    OpenCV's `remap` would round every position to 1/32 px, which is more than the errors to be measured.
    """

    def __init__(self, picture: np.ndarray, matrix: np.ndarray):
        """picture : (H, W, 3), blurred beforehand as far as the frames are coarser; matrix : (2, 3), frame
        px -> picture px."""
        self.matrix = np.asarray(matrix, float)
        self._splines = [
            spline_filter(picture[..., c].astype(float), order=3, mode="mirror") for c in range(3)
        ]

    def sample(self, points: np.ndarray) -> np.ndarray:
        """Colours (..., 3) float64 at `points` (..., 2), frame px; beyond its edge the picture is
        mirrored."""
        x, y = np.moveaxis(points @ self.matrix[:, :2].T + self.matrix[:, 2], -1, 0)
        channels = [
            map_coordinates(s, (y, x), order=3, mode="mirror", prefilter=False) for s in self._splines
        ]
        return np.stack(channels, axis=-1)


def to_uint8(colours: np.ndarray) -> np.ndarray:
    """Colours of any range -> uint8, rounded and clipped to 0-255."""
    return np.clip(np.rint(colours), 0, 255).astype(np.uint8)
