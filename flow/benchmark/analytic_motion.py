"""Smooth facial motion with exactly known flow: a field of Gaussian pulls, and frames warped by it.

For the flow benchmark. Not a model of muscles; the splat engine has those.

The field maps each pixel of the *second* frame to its origin in the first, so the second frame can be sampled
exactly. The forward flow follows by numerical inversion.
"""

from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
from scipy.ndimage import map_coordinates, spline_filter

from data_prep.face_regions import SITES
from data_prep.landmarks import interocular
from flow.warp import iterate_inverse, pixel_grid

MAX_STEPS = 60  # of the inversion

Displacements = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class GaussianField:
    """A sum of Gaussian displacements, defined everywhere and evaluated exactly at any point.

    Attributes
    ----------
    centres : (K, 2) px, x right, y down
    shifts : (K, 2) px, the displacement that each Gaussian adds at its centre
    reaches : (K,) px, standard deviations
    drift : (2,) px, displacement of the whole frame
    """

    centres: np.ndarray
    shifts: np.ndarray
    reaches: np.ndarray
    drift: tuple[float, float] = (0.0, 0.0)

    def displacement(self, points: np.ndarray) -> np.ndarray:
        """Return the displacement (..., 2) float64 px at `points` (..., 2) px."""
        out = np.broadcast_to(np.asarray(self.drift, float), points.shape).copy()
        for centre, shift, reach in zip(self.centres, self.shifts, self.reaches):
            exponent = ((points - centre) ** 2).sum(-1) / (2 * reach**2)
            out += np.exp(-exponent)[..., None] * shift
        return out

    def max_slope(self, points: np.ndarray) -> float:
        """Return the largest Frobenius norm of the field's Jacobian at `points` (..., 2), px per px."""
        slopes = np.zeros((*points.shape, 2))
        for centre, shift, reach in zip(self.centres, self.shifts, self.reaches):
            away = points - centre
            height = np.exp(-(away**2).sum(-1) / (2 * reach**2)) / reach**2
            slopes -= (height[..., None] * away)[..., None] * shift
        return float(np.sqrt((slopes**2).sum((-2, -1))).max())


def facial_field(
    landmarks: np.ndarray, displacements: Displacements, drift: tuple[float, float] = (0.0, 0.0)
) -> GaussianField:
    """Build the field that moves the named sites of a face.

    A site reaches at least 2.5 times as far as it moves, so that the gradient of a single Gaussian stays
    below 0.25 and the skin never folds. Neighbouring Gaussians add up, so the field's peak can exceed each
    displacement.

    Parameters
    ----------
    landmarks : (478, 2) px
    displacements : Displacements
        Site of `data_prep.face_regions.SITES` -> (dx right, dy down) px.
    drift : (float, float)
        Added everywhere, px.
    """
    names = list(displacements)
    centres = np.array([landmarks[list(SITES[name][0])].mean(0) for name in names], float).reshape(-1, 2)
    shifts = np.array([displacements[name] for name in names], float).reshape(-1, 2)
    widths = np.array([SITES[name][1] for name in names]) * interocular(landmarks)
    reaches = np.maximum(widths, 2.5 * np.linalg.norm(shifts, axis=1))
    return GaussianField(centres, shifts, reaches, drift)


def forward_flow(back: GaussianField, shape: tuple[int, int], tolerance: float = 1e-5) -> np.ndarray:
    """Invert a backward field: the flow F with F(x) = -back(x + F(x)).

    `back` maps a point y of frame 2 to its origin y + back(y) in frame 1. The field is evaluated exactly at
    every step.

    Returns
    -------
    (H, W, 2) float64 px

    Raises
    ------
    ArithmeticError
        If the residual stays above `tolerance` px, as it may where the field's gradient reaches 1.
    """
    steps = islice(iterate_inverse(back.displacement, pixel_grid(shape)), MAX_STEPS + 1)
    for before, flow in pairwise(steps):
        residual = np.abs(flow - before).max()
        if residual < tolerance:
            return flow
    raise ArithmeticError(
        f"The field folds: the residual of its inverse is {residual:.2g} px after {MAX_STEPS} steps."
    )


class SplineTexture:
    """A picture that can be sampled anywhere: an interpolating cubic spline seen through an affine map.

    OpenCV's `remap` rounds every position to 1/32 px, which exceeds the errors to be measured.
    """

    def __init__(self, picture: np.ndarray, matrix: np.ndarray):
        """Prepare a picture for sampling.

        Parameters
        ----------
        picture : (H, W, 3), low-pass filtered if the frames are coarser
        matrix : (2, 3), frame px -> picture px
        """
        self.matrix = np.asarray(matrix, float)
        self._splines = [
            spline_filter(picture[..., c].astype(float), order=3, mode="mirror") for c in range(3)
        ]

    def sample(self, points: np.ndarray) -> np.ndarray:
        """Return colours (..., 3) float64 at `points` (..., 2) frame px, mirrored beyond the border."""
        x, y = np.moveaxis(points @ self.matrix[:, :2].T + self.matrix[:, 2], -1, 0)
        channels = [
            map_coordinates(s, (y, x), order=3, mode="mirror", prefilter=False) for s in self._splines
        ]
        return np.stack(channels, axis=-1)


def to_uint8(colours: np.ndarray) -> np.ndarray:
    """Round colours of any range and clip them to 0..255 uint8."""
    return np.clip(np.rint(colours), 0, 255).astype(np.uint8)
