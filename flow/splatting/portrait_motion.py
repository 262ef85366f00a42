"""A portrait warped by a head model's motion: frames before and after, and the exact motion.

Eyes, mouth opening, surroundings of the mesh and folds are masked: the picture moves smoothly there, but not
as real eyes or teeth do.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import spline_filter

from data_prep.landmarks import FACE_OVAL, LEFT_EYE, RIGHT_EYE, interocular
from flow.splatting.dense_motion import (
    MAX_RESIDUAL_PX,
    area_ratio,
    extrapolate,
    invert_flow,
    rasterize,
    sample_spline,
)
from flow.splatting.head_fit import HeadFit
from flow.splatting.head_model import HeadModel

# Inner rim of the lips in MediaPipe's face mesh.
INNER_LIPS = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
FADE_DISTANCE = 0.35  # inter-ocular distances over which motion fades outside the mesh
MIN_AREA_RATIO = 0.1  # smallest area of a moved pixel; below this the skin has folded
MAX_FOLDED_FRACTION = 0.03  # of the face, lost to folds
MARGIN_PX = 12  # of the portrait around a frame, for what moves in
OVERSAMPLING = 2  # pixels of the sampled picture to one of the frame, along each axis


@dataclass(frozen=True, eq=False)
class FittedPortrait:
    """A portrait, (H, W, 3) uint8 RGB, its landmarks (478, 2) px and the head fitted to it."""

    name: str
    picture: np.ndarray
    landmarks: np.ndarray
    fit: HeadFit


@dataclass(frozen=True, eq=False)
class PortraitView:
    """A square frame of a portrait.

    Attributes
    ----------
    matrix : (2, 3), portrait px -> frame px
    size : int px
    landmarks : (478, 2) frame px
    """

    matrix: np.ndarray
    size: int
    landmarks: np.ndarray

    @property
    def unit(self) -> float:
        """Inter-ocular distance, frame px."""
        return interocular(self.landmarks)


def frame_portrait(
    face: FittedPortrait,
    size: int,
    interocular_fraction: float,
    rotation: float,
    offset: np.ndarray,
    squeeze: float = 1.0,
) -> PortraitView:
    """Frame a portrait.

    Parameters
    ----------
    size : int
        Side of the frame, px.
    interocular_fraction : float
        Inter-ocular distance as a fraction of `size`.
    rotation : float rad
    offset : (2,) offset of the face's middle from the frame's, as fractions of `size`
    squeeze : float
        Height relative to width.
    """
    scale = interocular_fraction * size / interocular(face.landmarks)
    cos, sin = np.cos(rotation), np.sin(rotation)
    linear = scale * np.array([[1, 0], [0, squeeze]]) @ np.array([[cos, -sin], [sin, cos]])
    middle = (face.landmarks.min(axis=0) + face.landmarks.max(axis=0)) / 2
    shift = size * (0.5 + np.asarray(offset)) - 0.5 - linear @ middle
    matrix = np.column_stack([linear, shift])
    return PortraitView(matrix, size, face.landmarks @ linear.T + shift)


def dense_motion(
    model: HeadModel, face: FittedPortrait, view: PortraitView, motions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rasterize motions of the vertices, (N, 2 K) portrait px, to the pixels of a frame.

    Returns
    -------
    motion : (size, size, 2 K) float32 frame px, extrapolated over openings and fading outside the mesh
    covered : (size, size) bool, the mesh
    """
    linear = view.matrix[:, :2].astype(np.float32)
    places = (face.fit.places @ linear.T + view.matrix[:, 2]).astype(np.float32)
    moved = (motions.reshape(len(motions), -1, 2) @ linear.T).reshape(motions.shape).astype(np.float32)
    field, covered = rasterize(places, face.fit.depth, moved, model.skin_triangles, (view.size, view.size))
    field = np.concatenate(
        [extrapolate(field[..., k : k + 2], covered) for k in range(0, field.shape[-1], 2)], axis=-1
    )
    away = cv2.distanceTransform((~covered).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5) / (
        FADE_DISTANCE * view.unit
    )
    return field * np.exp(-(away**2))[..., None], covered


def scale_to_peak(field: np.ndarray, mask: np.ndarray, peak: float) -> np.ndarray:
    """Scale a field such that its longest displacement in `mask` is `peak` px; a zero field stays zero."""
    longest = np.linalg.norm(field[mask], axis=1).max()
    return field * np.float32(peak / longest) if longest > 1e-6 else np.zeros_like(field)


def skin_mask(view: PortraitView, covered: np.ndarray) -> np.ndarray:
    """Return the skin (size, size) bool: the face's hull minus openings and the rim of the mesh."""
    shape = covered.shape
    hull, openings = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(view.landmarks[list(FACE_OVAL)].round().astype(np.int32)), 1)
    for rim in (LEFT_EYE, RIGHT_EYE, INNER_LIPS):
        cv2.fillPoly(openings, [view.landmarks[list(rim)].round().astype(np.int32)], 1)
    margin = max(1, round(0.015 * view.unit))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1,) * 2)
    inner = cv2.erode(covered.astype(np.uint8), disc, borderType=cv2.BORDER_REPLICATE)
    return (hull & inner & (1 - cv2.dilate(openings, disc))).astype(bool)


def visible_mask(flow: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Return the pixels (H, W) bool of frame 1 that are visible in frame 2: not in a fold, not outside."""
    height, width = residual.shape
    y, x = np.mgrid[:height, :width]
    column, row = x + flow[..., 0], y + flow[..., 1]
    inside = (column >= 0) & (column <= width - 1) & (row >= 0) & (row <= height - 1)
    column, row = (
        np.clip(np.rint(place), 0, side - 1).astype(int) for place, side in ((column, width), (row, height))
    )
    return inside & (area_ratio(flow) > MIN_AREA_RATIO) & (residual[row, column] < MAX_RESIDUAL_PX)


def warp_texture(
    texture: np.ndarray, margin: int, flow: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Warp a texture by `flow`.

    Parameters
    ----------
    texture : ndarray
        From `portrait_texture` for this frame.

    Returns
    -------
    onset, apex : (H, W, 3) float32 0..255
    residual : (H, W) px, of the flow's inverse
    """
    back, residual = invert_flow(flow)
    height, width = residual.shape
    still = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(float)
    spline = np.stack(
        [spline_filter(channel, output=np.float32) for channel in texture.transpose(2, 0, 1)], axis=-1
    )
    onset, apex = (sample_spline(spline, OVERSAMPLING * (places + margin)) for places in (still, back))
    return onset, apex, residual


def portrait_texture(face: FittedPortrait, view: PortraitView, margin: int) -> np.ndarray:
    """Return a frame's view of the portrait, `OVERSAMPLING` times as fine, with a margin, RGB 0..255."""
    matrix = OVERSAMPLING * view.matrix
    matrix[:, 2] += OVERSAMPLING * margin
    side = OVERSAMPLING * (view.size + 2 * margin)
    picture = face.picture.astype(np.float32)
    coarser = 1 / np.sqrt(abs(np.linalg.det(view.matrix[:, :2])))
    if coarser > 1:  # a pixel integrates light over its area
        picture = cv2.GaussianBlur(picture, (0, 0), 0.4 * coarser)
    return cv2.warpAffine(
        picture, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )


def add_grain(
    texture: np.ndarray, view: PortraitView, grain: np.ndarray, strength: float, at: np.ndarray
) -> np.ndarray:
    """Add skin grain to a `portrait_texture`, which a small portrait lacks.

    Parameters
    ----------
    grain : (S, S, 1) float32 of mean 0 and deviation 1, one value per pixel of a face that fills 224 px
    strength : float grey levels
    at : (2,) int, the grain's first row and column
    """
    wider = OVERSAMPLING * max(1.0, view.unit / 100)  # pores scale with the face
    sides = [int(np.ceil(side / wider)) + 2 for side in texture.shape[:2]]
    rows, columns = ((np.arange(side) + first) % len(grain) for side, first in zip(sides, at))
    part = cv2.resize(grain[rows[:, None], columns], None, fx=wider, fy=wider, interpolation=cv2.INTER_CUBIC)
    return np.clip(texture + strength * part[: texture.shape[0], : texture.shape[1], None], 0, 255)
