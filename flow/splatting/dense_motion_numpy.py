"""The loops of `dense_motion` in numpy, for where numba is not installed: the same results, more slowly.

The documentation of each function is that of its namesake there; a test compares the two.
"""

import numpy as np

INVERSION_TOLERANCE_PX = 1e-5  # where the inversion stops
MAX_NEWTON_STEPS = 40
TRIANGLE_TOLERANCE = 1e-4  # relative enlargement of triangles, against cracks from rounding


def rasterize(
    places: np.ndarray, depth: np.ndarray, values: np.ndarray, triangles: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate the values of visible triangles at pixel centres.

    Where triangles touch, either may give the value of a pixel: they agree up to `TRIANGLE_TOLERANCE`.
    """
    height, width = shape
    (ax, ay), (bx, by), (cx, cy) = (places[triangles[:, k]].T for k in range(3))
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    left = np.maximum(np.ceil(np.minimum(np.minimum(ax, bx), cx)).astype(int), 0)
    top = np.maximum(np.ceil(np.minimum(np.minimum(ay, by), cy)).astype(int), 0)
    right = np.minimum(np.floor(np.maximum(np.maximum(ax, bx), cx)).astype(int), width - 1)
    bottom = np.minimum(np.floor(np.maximum(np.maximum(ay, by), cy)).astype(int), height - 1)
    n_columns, n_rows = np.maximum(right - left + 1, 0), np.maximum(bottom - top + 1, 0)
    n_pixels = np.where(area < 0, n_columns * n_rows, 0)

    # One entry per pixel of each triangle's bounding box.
    t = np.repeat(np.arange(len(triangles)), n_pixels)
    number = np.arange(len(t)) - np.repeat(np.cumsum(n_pixels) - n_pixels, n_pixels)
    x, y = left[t] + number % n_columns[t], top[t] + number // n_columns[t]
    of_b = ((x - ax[t]) * (cy[t] - ay[t]) - (y - ay[t]) * (cx[t] - ax[t])) / area[t]
    of_c = ((bx[t] - ax[t]) * (y - ay[t]) - (by[t] - ay[t]) * (x - ax[t])) / area[t]
    fractions = np.stack([1 - of_b - of_c, of_b, of_c], axis=1)
    inside = (fractions >= -TRIANGLE_TOLERANCE).all(axis=1)
    t, pixel, fractions = t[inside], (y * width + x)[inside], fractions[inside]

    z = (fractions * depth[triangles[t]]).sum(axis=1)
    nearest_first = np.lexsort((-z, pixel))
    visible, first = np.unique(pixel[nearest_first], return_index=True)
    chosen = nearest_first[first]
    out = np.zeros((height * width, values.shape[1]), np.float32)
    for k in range(3):  # corners
        out[visible] += fractions[chosen, k, None] * values[triangles[t[chosen], k]]
    covered = np.zeros(height * width, bool)
    covered[visible] = True
    return out.reshape(height, width, -1), covered.reshape(height, width)


def invert_flow(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each pixel y of the second frame the place x in the first with x + flow(x) = y."""
    height, width = flow.shape[:2]
    flow = flow.astype(float)
    row, column = (grid.ravel() for grid in np.indices((height, width)).astype(float))
    x, y = column - flow[..., 0].ravel(), row - flow[..., 1].ravel()
    places, residuals = np.stack([x, y], axis=1), np.full(height * width, np.inf)
    todo = np.arange(height * width)
    for step in range(MAX_NEWTON_STEPS):
        (u, v), (xx, xy, yx, yy) = _motion_and_jacobian(flow, x, y)
        ex, ey = x + u - column[todo], y + v - row[todo]
        error = np.hypot(ex, ey)
        better = error < residuals[todo]
        places[todo[better]] = np.stack([x, y], axis=1)[better]
        residuals[todo[better]] = error[better]
        determinant = xx * yy - xy * yx
        damped = (determinant < 0.1) | (step % 4 == 3)
        determinant = np.where(damped, 1, determinant)
        x = x - np.where(damped, 0.7 * ex, (yy * ex - xy * ey) / determinant)
        y = y - np.where(damped, 0.7 * ey, (xx * ey - yx * ex) / determinant)
        left = error >= INVERSION_TOLERANCE_PX
        todo, x, y = todo[left], x[left], y[left]
    return places.reshape(height, width, 2), residuals.reshape(height, width)


def _motion_and_jacobian(flow: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[tuple, tuple]:
    """Return the bilinear motion u, v (n,) at `x`, `y` (n,) and the four derivatives of its sum with x, y."""
    height, width = flow.shape[:2]
    cx, cy = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    j, i = np.minimum(cx.astype(int), width - 2), np.minimum(cy.astype(int), height - 2)
    s, r = cx - j, cy - i
    u00, v00 = flow[i, j].T
    u01, v01 = flow[i, j + 1].T
    u10, v10 = flow[i + 1, j].T
    u11, v11 = flow[i + 1, j + 1].T
    u = (1 - r) * ((1 - s) * u00 + s * u01) + r * ((1 - s) * u10 + s * u11)
    v = (1 - r) * ((1 - s) * v00 + s * v01) + r * ((1 - s) * v10 + s * v11)
    xx = 1 + (1 - r) * (u01 - u00) + r * (u11 - u10)
    xy = (1 - s) * (u10 - u00) + s * (u11 - u01)
    yx = (1 - r) * (v01 - v00) + r * (v11 - v10)
    yy = 1 + (1 - s) * (v10 - v00) + s * (v11 - v01)
    return (u, v), (xx, xy, yx, yy)


def sample_spline(coefficients: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Sample an interpolating cubic spline at `places` (H, W, 2) px, x then y: (H, W, C) float32."""
    rows, columns, channels = coefficients.shape
    x, y = np.clip(places[..., 0], 1, columns - 3), np.clip(places[..., 1], 1, rows - 3)
    left, top = x.astype(int), y.astype(int)
    across, down = _spline_weights(x - left), _spline_weights(y - top)
    out = np.zeros((*places.shape[:2], channels), np.float32)
    for r in range(4):
        for s in range(4):
            out += (down[r] * across[s])[..., None] * coefficients[top - 1 + r, left - 1 + s]
    return out


def _spline_weights(t: np.ndarray) -> tuple[np.ndarray, ...]:
    return (
        (1 - t) ** 3 / 6,
        (4 - 6 * t**2 + 3 * t**3) / 6,
        (1 + 3 * t + 3 * t**2 - 3 * t**3) / 6,
        t**3 / 6,
    )
