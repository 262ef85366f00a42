"""Display geometry of video frames: mirroring, rotation and pixel aspect ratio, applied as a player does."""

import math
from fractions import Fraction

import cv2
import numpy as np

from data_prep.frame_report import FrameReport

_IDENTITY = np.eye(2)
MAX_ASPECT_DIFFERENCE = 0.02  # relative; up to this, a frame counts as a scaled version of another


def display_transform(matrix: bytes | None) -> np.ndarray:
    """Return the linear part of a container's display matrix.

    Parameters
    ----------
    matrix : bytes or None
        Nine native-endian int32 from FFmpeg: a, b, u, c, d, v, tx, ty, w; a to d in 16.16 fixed point.

    Returns
    -------
    (2, 2) float64
        From stored to displayed pixels, x right, y down, without scale; the identity without a matrix.

    References
    ----------
    ISO/IEC 14496-12, 8.2.2 (track matrix): x' = a x + c y + tx, y' = b x + d y + ty.
    """
    if not matrix or len(matrix) < 36:
        return _IDENTITY
    a, b, _, c, d = np.frombuffer(matrix, np.int32, count=5) / 65536
    linear = np.array([[a, c], [b, d]])
    scale = math.sqrt(abs(np.linalg.det(linear)))
    return linear / scale if scale > 1e-3 else _IDENTITY


def orient(image: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """Mirror and rotate an image (H, W, ...) by the matrix of `display_transform`.

    The whole image stays visible; a rotation by other than right angles leaves black corners.
    """
    steps = np.rint(linear)
    if np.abs(linear - steps).max() > 0.02:
        return _rotate(image, linear)
    if steps[0, 0]:  # x stays x
        return np.ascontiguousarray(image[:: int(steps[1, 1]), :: int(steps[0, 0])])
    return np.ascontiguousarray(image.swapaxes(0, 1)[:: int(steps[1, 0]), :: int(steps[0, 1])])


def _rotate(image: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """Rotate by any angle, enlarging the image to hold all of it."""
    height, width = image.shape[:2]
    corners = np.array([[0, 0, width, width], [0, height, 0, height]], float)
    rotated = linear @ corners
    low, size = rotated.min(1), np.ceil(np.ptp(rotated, axis=1)).astype(int)
    return cv2.warpAffine(image, np.column_stack([linear, -low]), tuple(int(n) for n in size))


def orientation_name(linear: np.ndarray) -> str:
    """Describe in words what `orient` does; empty if it does nothing."""
    if np.abs(linear - _IDENTITY).max() <= 0.02:
        return ""
    mirrored = np.linalg.det(linear) < 0
    if mirrored:
        linear = linear @ np.diag([-1.0, 1.0])
    degrees = round(math.degrees(math.atan2(linear[1, 0], linear[0, 0]))) % 360
    turned = f"turned by {degrees} degrees clockwise" if degrees else ""
    return " and ".join(filter(None, ["mirrored left to right" if mirrored else "", turned]))


def square_pixels(image: np.ndarray, aspect: Fraction | float) -> np.ndarray:
    """Stretch an image whose pixels are `aspect` times as wide as high to square pixels."""
    height, width = image.shape[:2]
    size = (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
    return image if size == (width, height) else cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)


class FrameShape:
    """The common size of a clip's frames, set by the first one.

    Parameters
    ----------
    report : FrameReport
        Counts the frames that are scaled or dropped.
    """

    def __init__(self, report: FrameReport):
        self.report = report
        self.size: tuple[int, int] | None = None  # width, height

    def fit(self, image: np.ndarray) -> np.ndarray | None:
        """Return the image scaled to the common size; None if its aspect ratio differs."""
        height, width = image.shape[:2]
        self.size = self.size or (width, height)
        if self.size == (width, height):
            return image
        if abs(width / height / (self.size[0] / self.size[1]) - 1) > MAX_ASPECT_DIFFERENCE:
            self.report.n_other_shape += 1
            return None
        self.report.n_resized += 1
        return cv2.resize(image, self.size, interpolation=cv2.INTER_AREA)
