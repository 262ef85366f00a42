"""Aligned faces: one similarity transform per clip, found on the onset and applied to every frame of it.

Two frames aligned by two transforms turn landmark jitter into motion; nothing here fits a transform to an
apex.
"""

import cv2
import numpy as np

from data_prep.landmarks import LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS, STABLE_POINTS

# Where the face stands in the square, in fractions of its size: brows at about 0.11, chin at 0.90, cheeks
# 0.10 and 0.90.
INTEROCULAR_FRACTION = 0.35
EYE_CENTRE = (0.50, 0.25)

# The stable points in inter-ocular distances from the middle between the eyes, x right, y down.
# Source: mean of four frontal faces (two official portraits, skimage's astronaut, a stock clip) and their
# mirror images.
_TEMPLATE = dict(
    zip(RIGHT_EYE_CORNERS + LEFT_EYE_CORNERS, ((-0.72, -0.01), (-0.28, 0.01), (0.28, 0.01), (0.72, -0.01)))
)
_TEMPLATE |= {168: (0.0, -0.08), 6: (0.0, 0.04), 197: (0.0, 0.16), 195: (0.0, 0.27), 2: (0.0, 0.72)}


def template_points(size: int) -> np.ndarray:
    """Where the `STABLE_POINTS` points belong in an aligned face of `size` px: (n, 2) float64 px."""
    return (
        np.array([_TEMPLATE[point] for point in STABLE_POINTS]) * INTEROCULAR_FRACTION + EYE_CENTRE
    ) * size


def fit_similarity(landmarks: np.ndarray, size: int) -> np.ndarray:
    """Rotation, scale and shift that bring the stable points nearest to the template, in least squares.

    landmarks : (478, 2) px of the frame. Returns a (2, 3) float64 matrix from frame px to aligned px.
    In complex numbers a similarity is w = a z + b, so the fit has one line.
    Source: Umeyama, Least-squares estimation of transformation parameters (1991), in two dimensions,
    unreflected.
    """
    z = landmarks[list(STABLE_POINTS)].astype(np.float64) @ [1, 1j]
    w = template_points(size) @ [1, 1j]
    zc, wc = z - z.mean(), w - w.mean()
    a = np.vdot(zc, wc) / np.vdot(zc, zc).real
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def warp_face(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Resample `image`, (H, W, 3) uint8 RGB, by the (2, 3) `matrix` into an aligned face (size, size, 3)
    uint8 RGB.

    Flow lives on fine skin texture: moved by half a pixel, detail of 3 px wavelength keeps 50 % of its
    contrast under bilinear sampling, 78 % under bicubic, 100 % under Lanczos over 8 x 8 px, which takes three
    times as long; detail of 4 px keeps 98 % under bicubic (measured). So bicubic is taken where the image
    shrinks enough for 3 px of the face to be 4 px of the frame. Neither averages, so an image that shrinks is
    blurred first, to what the smaller grid can hold. Outside the frame the border is repeated, since a black
    edge would be the strongest edge of the picture.
    """
    shrink = 1 / np.hypot(matrix[0, 0], matrix[1, 0])
    image, matrix = _crop_to_output(image, matrix, size)
    if shrink > 1:
        # A pixel grid already blurs by about half a pixel; add what is lacking to half an output pixel.
        image = cv2.GaussianBlur(
            image, (0, 0), 0.5 * np.sqrt(shrink**2 - 1) + 1e-3, borderType=cv2.BORDER_REPLICATE
        )
    kernel = cv2.INTER_CUBIC if shrink >= 4 / 3 else cv2.INTER_LANCZOS4
    return cv2.warpAffine(image, matrix, (size, size), flags=kernel, borderMode=cv2.BORDER_REPLICATE)


def _crop_to_output(image: np.ndarray, matrix: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The part of the frame that an aligned face is sampled from, with room for the kernels around it.

    And the matrix for it.
    """
    height, width = image.shape[:2]
    corners = cv2.invertAffineTransform(matrix) @ np.array(
        [[0, size, 0, size], [0, 0, size, size], [1, 1, 1, 1]]
    )
    room = 8 + 2 / np.hypot(matrix[0, 0], matrix[1, 0])
    low = np.clip(np.floor(corners.min(axis=1) - room), 0, (width - 1, height - 1)).astype(int)
    high = np.clip(np.ceil(corners.max(axis=1) + room), low + 1, (width, height)).astype(int)
    moved = np.column_stack([matrix[:, :2], matrix[:, 2] + matrix[:, :2] @ low])
    return image[low[1] : high[1], low[0] : high[0]], moved


def transform_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Apply the (2, 3) `matrix` to (N, 2) points in px; keeps their type."""
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(points.dtype)
