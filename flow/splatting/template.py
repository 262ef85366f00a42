"""The face mesh: MediaPipe's 468 landmarks and triangles with a mean shape, refined to a smooth surface.

The mean shape (`mean_face.csv`) was made for this project: MediaPipe's 3-D landmarks of the forty most
frontal faces with a closed mouth in scikit-image's `lfw_subset`, aligned by rotation and scale, averaged and
symmetrised. The triangles (`mean_face_triangles.csv`) are the 3-cycles of MediaPipe's published tessellation
edges.

Head coordinates: cm, origin between the irises, x right in the picture, y down, z away from the viewer.
"Right" in a name is the subject's right, the left of the picture.
"""

from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from flow.splatting.mesh import loop_subdivide

# Landmarks of the subject's right half, in order; `left_of` mirrors them.
OVAL = [  # clockwise in the picture
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
]  # fmt: skip
EYE = [  # outer corner, upper lid, inner, lower
    33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7,
]  # fmt: skip
UPPER_LID = [
    [246, 161, 160, 159, 158, 157, 173],
    [247, 30, 29, 27, 28, 56, 190],
    [113, 225, 224, 223, 222, 221, 189],
]
LOWER_LID = [
    [7, 163, 144, 145, 153, 154, 155],
    [25, 110, 24, 23, 22, 26, 112],
    [226, 31, 228, 229, 230, 231, 232],
]
MOUTH = [  # inner rim
    78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95,
]  # fmt: skip
LIPS = [  # outer rim
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146,
]  # fmt: skip
UPPER_LIP = [0, 11, 12, 13, 37, 39, 40, 185, 72, 73, 74, 184, 38, 41, 42, 183, 82, 81, 80, 191,
             267, 269, 270, 409, 302, 303, 304, 408, 268, 271, 272, 407, 312, 311, 310, 415]  # fmt: skip
LOWER_LIP = [17, 16, 15, 14, 84, 181, 91, 146, 85, 180, 90, 77, 86, 179, 89, 96, 87, 178, 88, 95,
             314, 405, 321, 375, 315, 404, 320, 307, 316, 403, 319, 325, 317, 402, 318, 324]  # fmt: skip
BROW_UPPER, BROW_LOWER = [70, 63, 105, 66, 107], [46, 53, 52, 65, 55]  # outer to inner
IRIS = {"right": 468, "left": 473}
UNWRAP_AXIS, UNWRAP_RADIUS = 6.0, 8.5  # cm, cylinder on which the skin is painted


class Template:
    """The mean face and the matrices that turn 468 landmarks into a smooth surface through them.

    Attributes
    ----------
    mean : (478, 3) cm
    mirror : (478,) int, the landmark on the other side
    triangles : (852, 3) int
    surface : (V, 468), landmarks -> fine vertices
    fine_triangles : (16 * 852, 3) int
    uv : (V, 2) cm, fine vertices unrolled onto a cylinder; the same for every identity
    """

    def __init__(self) -> None:
        folder = Path(__file__).parent
        table = np.loadtxt(folder / "mean_face.csv", delimiter=",", skiprows=1)
        self.mean, self.mirror = table[:, :3], table[:, 3].astype(int)
        self.triangles = np.loadtxt(folder / "mean_face_triangles.csv", delimiter=",", skiprows=1, dtype=int)

    @property
    def surface(self) -> np.ndarray:
        return self._refined[0]

    @property
    def fine_triangles(self) -> np.ndarray:
        return self._refined[1]

    @cached_property
    def uv(self) -> np.ndarray:
        return unroll(self.surface @ self.mean[:468])

    @cached_property
    def _refined(self) -> tuple[np.ndarray, np.ndarray]:
        """Surface and triangles, which take 0.2 s and 110 MB that readers of the mean face do not need."""
        once, triangles = loop_subdivide(self.triangles, 468)
        twice, fine_triangles = loop_subdivide(triangles, once.shape[0])
        smooth = (twice @ once).toarray()
        # Loop's surface approximates its control points; solving for them makes it interpolate the landmarks.
        return smooth @ np.linalg.inv(smooth[:468]), fine_triangles

    def left_of(self, right: list[int]) -> list[int]:
        """Mirror landmarks on the subject's right to the left."""
        return self.mirror[right].tolist()


def unroll(points: np.ndarray) -> np.ndarray:
    """Unroll points (..., 3) cm of the mean face onto the painting cylinder: (..., 2) cm, u right, v down."""
    angle = np.arctan2(points[..., 0], UNWRAP_AXIS - points[..., 2])
    return np.stack([UNWRAP_RADIUS * angle, points[..., 1]], axis=-1)


@lru_cache(maxsize=1)
def template() -> Template:
    """Return the template, which is read once."""
    return Template()
