"""Camera and head pose: from head coordinates in cm to pixels.

Pixel (0, 0) has its centre at (0, 0): a point projected to (3.0, 5.0) lies at the centre of column 3, row 5.
"""

from dataclasses import dataclass

import numpy as np

NECK_PIVOT = np.array([0.0, 5.0, 8.0])  # cm, about where the skull meets the neck


@dataclass(frozen=True)
class Camera:
    """A pinhole camera looking along +z from `distance` cm in front of the eyes.

    Attributes
    ----------
    focal : float px
    centre : (x, y) px of the point between the eyes
    width, height : int px
    distance : float cm
    """

    focal: float
    centre: tuple[float, float]
    width: int
    height: int
    distance: float = 80.0

    @classmethod
    def framing(
        cls,
        width: int,
        height: int,
        face: float = 0.5,
        distance: float = 80.0,
        shift: tuple[float, float] = (0.0, 0.0),
    ) -> "Camera":
        """Return a camera for which a face (16 cm from hairline to chin) fills `face` of the smaller side.

        Parameters
        ----------
        shift : (float, float)
            Of the face's middle, right and down of the centre, as a fraction of the smaller side.
        """
        side = min(width, height)
        focal = face * side * distance / 16.0
        middle = 3.0 * focal / distance  # the face's middle lies 3 cm below the eyes
        centre = ((width - 1) / 2 + shift[0] * side, (height - 1) / 2 - middle + shift[1] * side)
        return cls(focal, centre, width, height, distance)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Project points (N, 3) cm to (N, 2) px; also return their depth (N,) cm from the camera."""
        depth = points[:, 2] + self.distance
        return points[:, :2] * (self.focal / depth)[:, None] + self.centre, depth

    def jacobian(self, points: np.ndarray) -> np.ndarray:
        """Return the derivative of the projection, (N, 2, 3) px per cm, at points (N, 3)."""
        depth = points[:, 2] + self.distance
        scale = self.focal / depth
        jacobian = np.zeros((len(points), 2, 3))
        jacobian[:, 0, 0] = jacobian[:, 1, 1] = scale
        jacobian[:, :, 2] = -points[:, :2] * (scale / depth)[:, None]
        return jacobian

    def intrinsics(self) -> list[list[float]]:
        """Return the 3x3 matrix, row by row, with pixel centres at whole numbers."""
        return [[self.focal, 0.0, self.centre[0]], [0.0, self.focal, self.centre[1]], [0.0, 0.0, 1.0]]


@dataclass(frozen=True)
class HeadPose:
    """Pose of the head.

    Attributes
    ----------
    yaw, pitch, roll : float
        Positive towards picture right, down, clockwise, degrees.
    shift : (float, float, float) cm
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def rotation(self) -> np.ndarray:
        """Return the rotation (3, 3) about the neck."""
        yaw, pitch, roll = np.radians([-self.yaw, self.pitch, self.roll])
        about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
        about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        return about_z @ about_x @ about_y

    def move(self, points: np.ndarray, follow: np.ndarray | float = 1.0) -> np.ndarray:
        """Pose points (N, 3); `follow` (N,) in 0..1 is each point's fraction of the head's motion."""
        moved = (points - NECK_PIVOT) @ self.rotation().T + NECK_PIVOT + self.shift
        return points + np.asarray(follow).reshape(-1, 1) * (moved - points)
