"""From the motion of mesh vertices to a warped picture: rasterize, extrapolate beyond the mesh, invert.

The motion is a grid of displacements, one per pixel of the first frame, bilinear in between. This is the
definition of the ground truth, so the only error is that of its numerical inverse.
"""

import cv2
import numpy as np

from flow.splatting import dense_motion_numpy
from flow.splatting.dense_motion_numpy import INVERSION_TOLERANCE_PX, MAX_NEWTON_STEPS, TRIANGLE_TOLERANCE
from mer_core.jit import cached_njit

MAX_RESIDUAL_PX = 1e-4  # above it, the inversion has not succeeded: the motion folds


@cached_njit(dense_motion_numpy.rasterize, nogil=True)
def rasterize(
    places: np.ndarray, depth: np.ndarray, values: np.ndarray, triangles: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate the values of visible triangles at pixel centres.

    Parameters
    ----------
    places : (N, 2) px, x right, y down
    depth : (N,), larger is nearer
    values : (N, C)
    triangles : (T, 3), clockwise on the screen with y up; back faces are not drawn
    shape : (H, W)

    Returns
    -------
    picture : (H, W, C) float32
    covered : (H, W) bool
    """
    height, width = shape
    out = np.zeros((height, width, values.shape[1]), np.float32)
    nearest = np.full((height, width), -np.inf, np.float32)
    for t in range(len(triangles)):
        a, b, c = triangles[t]
        ax, ay = places[a]
        bx, by = places[b]
        cx, cy = places[c]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area >= 0:
            continue
        left, right = max(0, int(np.ceil(min(ax, bx, cx)))), min(width - 1, int(np.floor(max(ax, bx, cx))))
        top, bottom = max(0, int(np.ceil(min(ay, by, cy)))), min(height - 1, int(np.floor(max(ay, by, cy))))
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                of_b = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
                of_c = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
                of_a = 1 - of_b - of_c
                if of_a < -TRIANGLE_TOLERANCE or of_b < -TRIANGLE_TOLERANCE or of_c < -TRIANGLE_TOLERANCE:
                    continue
                z = of_a * depth[a] + of_b * depth[b] + of_c * depth[c]
                if z > nearest[y, x]:
                    nearest[y, x] = z
                    for k in range(values.shape[1]):
                        out[y, x, k] = of_a * values[a, k] + of_b * values[b, k] + of_c * values[c, k]
    return out, nearest > -np.inf


def extrapolate(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fill (H, W, C) float32 where not `known` (H, W) by ever wider means of known values (push-pull)."""
    weight = known.astype(np.float32)
    levels = [(values * weight[..., None], weight)]
    while min(levels[-1][1].shape) > 2:
        levels.append(tuple(cv2.pyrDown(array) for array in levels[-1]))
    total, weight = levels.pop()
    filled = np.zeros_like(total) + total.sum(axis=(0, 1)) / max(float(weight.sum()), 1e-6)
    while levels:
        total, weight = levels.pop()
        filled = cv2.pyrUp(filled, dstsize=weight.shape[::-1])
        mean = total / np.maximum(weight, 1e-6)[..., None]
        trust = np.minimum(weight, 1)[..., None]
        filled = filled + trust * (mean - filled)
    return filled


@cached_njit(dense_motion_numpy.invert_flow, nogil=True)
def invert_flow(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each pixel y of the second frame the place x in the first with x + flow(x) = y.

    Newton's method, with damped fixed-point steps in between for the kinks of the bilinear grid.

    Parameters
    ----------
    flow : (H, W, 2) px, bilinear between pixels and constant beyond the frame

    Returns
    -------
    places : (H, W, 2) float64 px
    residual : (H, W) float64 px, |x + flow(x) - y|; above `MAX_RESIDUAL_PX` where the motion folds
    """
    height, width = flow.shape[:2]
    places = np.empty((height, width, 2))
    residuals = np.empty((height, width))
    for row in range(height):
        for column in range(width):
            x, y = column - float(flow[row, column, 0]), row - float(flow[row, column, 1])
            best, best_x, best_y = np.inf, x, y
            for step in range(MAX_NEWTON_STEPS):
                cx, cy = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
                j, i = min(int(cx), width - 2), min(int(cy), height - 2)
                s, r = cx - j, cy - i
                upper, lower = flow[i], flow[i + 1]
                u00, u01, u10, u11 = upper[j, 0], upper[j + 1, 0], lower[j, 0], lower[j + 1, 0]
                v00, v01, v10, v11 = upper[j, 1], upper[j + 1, 1], lower[j, 1], lower[j + 1, 1]
                u = (1 - r) * ((1 - s) * u00 + s * u01) + r * ((1 - s) * u10 + s * u11)
                v = (1 - r) * ((1 - s) * v00 + s * v01) + r * ((1 - s) * v10 + s * v11)
                ex, ey = x + u - column, y + v - row
                error = np.hypot(ex, ey)
                if error < best:
                    best, best_x, best_y = error, x, y
                if error < INVERSION_TOLERANCE_PX:
                    break
                xx = 1 + (1 - r) * (u01 - u00) + r * (u11 - u10)
                xy = (1 - s) * (u10 - u00) + s * (u11 - u01)
                yx = (1 - r) * (v01 - v00) + r * (v11 - v10)
                yy = 1 + (1 - s) * (v10 - v00) + s * (v11 - v01)
                determinant = xx * yy - xy * yx
                if step % 4 == 3 or determinant < 0.1:
                    x, y = x - 0.7 * ex, y - 0.7 * ey
                else:
                    x, y = x - (yy * ex - xy * ey) / determinant, y - (xx * ey - yx * ex) / determinant
            places[row, column, 0], places[row, column, 1] = best_x, best_y
            residuals[row, column] = best
    return places, residuals


def area_ratio(flow: np.ndarray) -> np.ndarray:
    """Return the determinant (H, W) of the motion's Jacobian: the area of a moved pixel, < 0 in folds."""
    along_y, along_x = np.gradient(flow, axis=(0, 1))
    return (1 + along_x[..., 0]) * (1 + along_y[..., 1]) - along_x[..., 1] * along_y[..., 0]


@cached_njit(dense_motion_numpy.sample_spline, nogil=True)
def sample_spline(coefficients: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Sample an interpolating cubic spline at `places` (H, W, 2) px, x then y: (H, W, C) float32.

    OpenCV rounds positions to 1/32 px, and torch's bicubic kernel shifts edges by hundredths of a pixel,
    which is as large as the errors to be measured.

    Parameters
    ----------
    coefficients : (Y, X, C), from `scipy.ndimage.spline_filter`; places outside are clamped
    """
    rows, columns, channels = coefficients.shape
    out = np.zeros((places.shape[0], places.shape[1], channels), np.float32)
    across, down = np.empty(4), np.empty(4)
    for i in range(places.shape[0]):
        for j in range(places.shape[1]):
            x = min(max(places[i, j, 0], 1.0), columns - 3.0)
            y = min(max(places[i, j, 1], 1.0), rows - 3.0)
            left, top = int(x), int(y)
            for weights, t in ((across, x - left), (down, y - top)):
                weights[0] = (1 - t) ** 3 / 6
                weights[1] = (4 - 6 * t**2 + 3 * t**3) / 6
                weights[2] = (1 + 3 * t + 3 * t**2 - 3 * t**3) / 6
                weights[3] = t**3 / 6
            for r in range(4):
                for s in range(4):
                    weight = down[r] * across[s]
                    for c in range(channels):
                        out[i, j, c] += weight * coefficients[top - 1 + r, left - 1 + s, c]
    return out
