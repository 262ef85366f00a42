"""Exact motion between two rendered views: flow, depth and visibility.

All quantities are blended with the weights that blended the colours of the first view.
"""

from dataclasses import dataclass

import numpy as np

from flow.splatting.gaussians import Splats
from flow.splatting.rasterize import Blend

OCCLUSION_STEP_CM = 0.6  # a point that lies this far behind the drawn surface is occluded
BACKGROUND_DEPTH_CM = np.float32(1e4)


@dataclass
class RenderedView:
    """One frame as drawn, before camera faults; `picture` is (H, W, 3) float32 0..1."""

    picture: np.ndarray
    splats: Splats
    weights: Blend

    def depth(self) -> np.ndarray:
        """Return the depth (H, W) float32 cm, `BACKGROUND_DEPTH_CM` where the background dominates."""
        planes = self.weights.mean(_planes(self.splats, self.splats.depth, self.splats.sides[:, 2]))
        return np.where(self.weights.opacity > 0.5, _evaluate_planes(planes), BACKGROUND_DEPTH_CM)


def exact_motion(
    before: RenderedView, after: RenderedView, shift: tuple[float, float] = (0.0, 0.0)
) -> dict[str, np.ndarray]:
    """Return the motion between two views and its masks, as the fields of `scenes.RenderedPair`.

    flow_centres is sum_i w_i (mean_i' - mean_i), the motion of the discs' centres; flow is sum_i w_i (B_i'
    B_i^-1 (p - mean_i) + mean_i' - p), where B_i maps a unit disc to its ellipse on the screen. The inside of
    a disc rotates and stretches with it, so flow is exact for any motion that is linear across a disc. The
    background's motion `shift` px is blended in by the remaining light.

    References
    ----------
    The two forms are those of GaussianFlow (Q. Gao et al., 2024), equations 6 to 8. B comes from the
    triangle's map instead of the root of the covariance, which would lose the disc's rotation.
    """
    weights = before.weights
    blended = weights.blend(_motion_columns(before.splats, after.splats))
    behind = 1 - weights.opacity
    centres = blended[..., :2] + behind[..., None] * np.asarray(shift, np.float32)
    turn = np.stack([_evaluate_planes(blended[..., 3:6]), _evaluate_planes(blended[..., 6:9])], 2)
    flow = (centres + turn).astype(np.float32)

    covered = np.maximum(weights.opacity, 1e-3)
    depth, depth_next = (_evaluate_planes(blended[..., k : k + 3]) / covered for k in (9, 12))
    solid = weights.opacity > 0.5
    visible = _visible_mask(flow, np.where(solid, depth_next, BACKGROUND_DEPTH_CM), after)
    # No single motion is right where surfaces that move differently are blended.
    speed = blended[..., 2] + behind * float(np.dot(shift, shift))
    spread = np.sqrt(np.maximum(speed - (centres**2).sum(2), 0))
    valid = visible & (spread < 0.25 + 0.1 * np.linalg.norm(flow, axis=2))
    return dict(
        flow=flow,
        flow_centres=centres.astype(np.float32),
        visible=visible,
        valid=valid,
        opacity=weights.opacity,
        depth=np.where(solid, depth, 0).astype(np.float32),
        depth_next=np.where(solid, depth_next, 0).astype(np.float32),
    )


def _motion_columns(first: Splats, second: Splats) -> np.ndarray:
    """Return the values (G, 15) that `exact_motion` blends.

    Columns: motion of the centre (2) and its square (1); then planes, coefficients of (1, x, y): u and v of
    the motion around the centre (3 each), depth in the first and in the second view (3 each).
    """
    step = second.mean - first.mean
    relative = _relative_maps(first.map, second.map).reshape(-1, 2, 2)
    at_origin = -np.einsum("gij,gj->gi", relative, first.mean)
    turn = np.concatenate([at_origin[:, :, None], relative], 2)
    return np.concatenate(
        [
            step,
            (step**2).sum(1, keepdims=True),
            turn.reshape(-1, 6),
            _planes(first, first.depth, first.sides[:, 2]),
            _planes(first, second.depth, second.sides[:, 2]),
        ],
        1,
    )


def _planes(splats: Splats, value: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Return coefficients (G, 3) of (1, x, y) px of a linear function on each disc.

    It has `value` (G,) at the centre and `slope` (G, 2) along the disc's axes.
    """
    gradient = np.einsum("gk,gkd->gd", slope, _invert_maps(splats.map))
    return np.concatenate([(value - (gradient * splats.mean).sum(1))[:, None], gradient], 1)


def _evaluate_planes(planes: np.ndarray) -> np.ndarray:
    """Evaluate coefficients (H, W, 3) of (1, x, y) at each pixel: (H, W)."""
    y, x = np.mgrid[: planes.shape[0], : planes.shape[1]]
    return planes[..., 0] + planes[..., 1] * x + planes[..., 2] * y


def _invert_maps(map: np.ndarray) -> np.ndarray:
    """Invert the discs' screen maps, (G, 2, 2); zero for discs seen edge on, whose inside is invisible."""
    area = map[:, 0, 0] * map[:, 1, 1] - map[:, 0, 1] * map[:, 1, 0]
    thin = np.abs(area) < 0.1 * (map**2).sum((1, 2))
    adjugate = np.stack([map[:, 1, 1], -map[:, 0, 1], -map[:, 1, 0], map[:, 0, 0]], 1).reshape(-1, 2, 2)
    return np.where(thin, 0, 1 / np.where(thin, 1, area))[:, None, None] * adjugate


def _relative_maps(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return B' B^-1 - 1 of each disc, (G, 4); zero for discs that are edge on or extremely distorted."""
    inverse = _invert_maps(before)
    carry = np.where((inverse == 0).all((1, 2))[:, None, None], 0, after @ inverse - np.eye(2)).reshape(-1, 4)
    return np.where(np.abs(carry).max(1, keepdims=True) > 1, 0, carry)


def _visible_mask(flow: np.ndarray, depth_next: np.ndarray, after: RenderedView) -> np.ndarray:
    """Return the pixels (H, W) bool whose point is inside the second frame and not occluded there."""
    import cv2

    height, width = depth_next.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    to_x, to_y = x + flow[..., 0], y + flow[..., 1]
    inside = (abs(to_x - (width - 1) / 2) <= width / 2) & (abs(to_y - (height - 1) / 2) <= height / 2)
    depth_there = cv2.remap(
        after.depth().astype(np.float32), to_x, to_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
    )
    return inside & (depth_next - depth_there < OCCLUSION_STEP_CM)
