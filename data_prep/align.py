"""Aligned faces: one similarity transform per clip, fitted to the onset and applied to all its frames.

Aligning each frame by its own transform would turn landmark jitter into motion.
"""

import cv2
import numpy as np

from data_prep.landmarks import LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS, STABLE_POINTS

# Position of the face in the square, as fractions of its side: brows end up at about 0.11, the chin at 0.90,
# the cheeks at 0.10 and 0.90.
INTEROCULAR_FRACTION = 0.35
EYE_CENTRE = (0.50, 0.25)

# Stable points in inter-ocular distances from the midpoint between the eyes, x right, y down: mean of four
# frontal faces and their mirror images.
_TEMPLATE = dict(
    zip(RIGHT_EYE_CORNERS + LEFT_EYE_CORNERS, ((-0.72, -0.01), (-0.28, 0.01), (0.28, 0.01), (0.72, -0.01)))
)
_TEMPLATE |= {168: (0.0, -0.08), 6: (0.0, 0.04), 197: (0.0, 0.16), 195: (0.0, 0.27), 2: (0.0, 0.72)}


def template_points(size: int) -> np.ndarray:
    """Return the target of `STABLE_POINTS` in an aligned face with a side of `size` px, (9, 2) float64 px."""
    return (
        np.array([_TEMPLATE[point] for point in STABLE_POINTS]) * INTEROCULAR_FRACTION + EYE_CENTRE
    ) * size


def fit_similarity(landmarks: np.ndarray, size: int) -> np.ndarray:
    """Fit the rotation, scale and translation that map the stable points to the template (least squares).

    Parameters
    ----------
    landmarks : (478, 2) float px of the frame
    size : int
        Side of the aligned face, px.

    Returns
    -------
    (2, 3) float64
        Matrix from frame px to aligned px.

    References
    ----------
    Umeyama, Least-squares estimation of transformation parameters between two point patterns, PAMI 13(4),
    1991; here in two dimensions without reflection.
    """
    # In complex numbers a similarity is w = a z + b.
    z = landmarks[list(STABLE_POINTS)].astype(np.float64) @ [1, 1j]
    w = template_points(size) @ [1, 1j]
    zc, wc = z - z.mean(), w - w.mean()
    a = np.vdot(zc, wc) / np.vdot(zc, zc).real
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def warp_face(image: np.ndarray, matrix: np.ndarray, size: int, kernel: int | None = None) -> np.ndarray:
    """Resample an image into an aligned face, keeping the fine skin texture that flow needs.

    Shrinking images are blurred first against aliasing. Lanczos keeps detail of 3 px wavelength under
    half-pixel shifts; bicubic, three times as fast, keeps detail from 4 px on, so it is used where the image
    shrinks by 4/3 or more. Outside the frame the border is repeated: black would create a strong edge.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    matrix : (2, 3) float64
        From frame px to aligned px, a similarity.
    size : int
        Side of the aligned face, px.

    Returns
    -------
    (size, size, 3) uint8 RGB
    """
    shrink = 1 / np.hypot(matrix[0, 0], matrix[1, 0])
    image, matrix = _crop_to_output(image, matrix, size)
    if shrink > 1:
        # A pixel grid already blurs by about half a pixel; extend this to half an output pixel.
        image = cv2.GaussianBlur(
            image, (0, 0), 0.5 * np.sqrt(shrink**2 - 1) + 1e-3, borderType=cv2.BORDER_REPLICATE
        )
    if kernel is None:
        kernel = cv2.INTER_CUBIC if shrink >= 4 / 3 else cv2.INTER_LANCZOS4
    return cv2.warpAffine(image, matrix, (size, size), flags=kernel, borderMode=cv2.BORDER_REPLICATE)


def _crop_to_output(image: np.ndarray, matrix: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of the frame that is sampled, with a margin for the kernels, and the matrix for it."""
    height, width = image.shape[:2]
    corners = cv2.invertAffineTransform(matrix) @ np.array(
        [[0, size, 0, size], [0, 0, size, size], [1, 1, 1, 1]]
    )
    margin = 8 + 2 / np.hypot(matrix[0, 0], matrix[1, 0])
    low = np.clip(np.floor(corners.min(axis=1) - margin), 0, (width - 1, height - 1)).astype(int)
    high = np.clip(np.ceil(corners.max(axis=1) + margin), low + 1, (width, height)).astype(int)
    moved = np.column_stack([matrix[:, :2], matrix[:, 2] + matrix[:, :2] @ low])
    return image[low[1] : high[1], low[0] : high[0]], moved


def transform_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Apply a (2, 3) affine matrix to (N, 2) points in px; the dtype of the points is kept."""
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(points.dtype)
