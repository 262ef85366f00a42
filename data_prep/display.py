"""From stored pixels to the picture that is meant: mirrored, turned and stretched as a player does."""

import math
from fractions import Fraction

import cv2
import numpy as np

from data_prep.frame_report import FrameReport

_IDENTITY = np.eye(2)
MAX_ASPECT_DIFFERENCE = (
    0.02  # relative difference of aspect ratios up to which one picture is another one scaled
)


def display_transform(matrix: bytes | None) -> np.ndarray:
    """The linear part of a container's display matrix, (2, 2): from stored to shown pixels, x right and y
    down.

    Parameters
    ----------
    matrix : nine native-endian int32, as FFmpeg hands it on: a, b, u, c, d, v, tx, ty, w, of which a, b, c, d
    are 16.16.

    References
    ----------
    ISO/IEC 14496-12, 8.2.2 (matrix of a track): x' = a x + c y + tx, y' = b x + d y + ty.
    """
    if not matrix or len(matrix) < 36:
        return _IDENTITY
    a, b, _, c, d = np.frombuffer(matrix, np.int32, count=5) / 65536
    linear = np.array([[a, c], [b, d]])
    scale = math.sqrt(abs(np.linalg.det(linear)))
    return linear / scale if scale > 1e-3 else _IDENTITY


def orient(image: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """The image (H, W, ...) mirrored and turned by `display_transform`'s matrix, whole, on black where
    corners are left.
    """
    steps = np.rint(linear)
    if np.abs(linear - steps).max() > 0.02:
        return _rotate(image, linear)
    if steps[0, 0]:  # x stays x
        return np.ascontiguousarray(image[:: int(steps[1, 1]), :: int(steps[0, 0])])
    return np.ascontiguousarray(image.swapaxes(0, 1)[:: int(steps[1, 0]), :: int(steps[0, 1])])


def _rotate(image: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """The same by an angle that is no right one."""
    height, width = image.shape[:2]
    corners = np.array([[0, 0, width, width], [0, height, 0, height]], float)
    shown = linear @ corners
    low, size = shown.min(1), np.ceil(np.ptp(shown, axis=1)).astype(int)
    return cv2.warpAffine(image, np.column_stack([linear, -low]), tuple(int(n) for n in size))


def orientation_name(linear: np.ndarray) -> str:
    """What `orient` does in words; empty for nothing."""
    if np.abs(linear - _IDENTITY).max() <= 0.02:
        return ""
    mirrored = np.linalg.det(linear) < 0
    if mirrored:
        linear = linear @ np.diag([-1.0, 1.0])
    degrees = round(math.degrees(math.atan2(linear[1, 0], linear[0, 0]))) % 360
    turned = f"turned by {degrees} degrees clockwise" if degrees else ""
    return " and ".join(filter(None, ["mirrored left to right" if mirrored else "", turned]))


def square_pixels(image: np.ndarray, aspect: Fraction | float) -> np.ndarray:
    """Stretch an image so that its pixels, `aspect` times as wide as high, become square; no side gets
    shorter.
    """
    height, width = image.shape[:2]
    size = (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
    return image if size == (width, height) else cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)


class FrameShape:
    """Keeps the frames of a clip at one size, that of the first: others are scaled, or passed over where
    their shape differs.
    """

    def __init__(self, report: FrameReport):
        self.report = report
        self.size: tuple[int, int] | None = None  # width, height

    def fitted(self, image: np.ndarray) -> np.ndarray | None:
        """The image in the clip's size; None where it has another shape."""
        height, width = image.shape[:2]
        self.size = self.size or (width, height)
        if self.size == (width, height):
            return image
        if abs(width / height / (self.size[0] / self.size[1]) - 1) > MAX_ASPECT_DIFFERENCE:
            self.report.n_other_shape += 1
            return None
        self.report.n_resized += 1
        return cv2.resize(image, self.size, interpolation=cv2.INTER_AREA)
