"""The mesh of landmarks on a plain background, for pictures that hide a person's identity (`--blur`).

The mesh replaces the whole picture, so other people in view and the background disappear too. It still shows
what is measured: the position of the features, the outline of the face, and their motion, by which
acquaintances may recognise a person.
"""

from functools import lru_cache

import cv2
import numpy as np

from mer.inference.face_tracker import landmarks_near
from mer.report.theme import DARK, Theme

FAINTNESS = 0.35  # contrast of the lines inside the face, relative to those of eyes, brows, lips and outline


@lru_cache(maxsize=1)
def _edges() -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of landmarks joined by a faint line, and by a strong one: (m, 2) int each."""
    from mediapipe.tasks.python.vision.face_landmarker import FaceLandmarksConnections as Mesh

    groups = Mesh.FACE_LANDMARKS_TESSELATION, Mesh.FACE_LANDMARKS_CONTOURS
    faint, strong = (np.array(sorted({(line.start, line.end) for line in group})) for group in groups)
    return faint, strong


def mesh_picture(points: np.ndarray | None, shape: tuple[int, ...], theme: Theme = DARK) -> np.ndarray:
    """Draw the mesh alone.

    Parameters
    ----------
    points : (478, 2) px or None
        Landmarks; None draws an empty picture.
    shape : (int, int)
        Height and width, px.
    theme : Theme

    Returns
    -------
    (H, W, 3) uint8 RGB
    """
    picture = np.full((*shape, 3), theme.ground, np.uint8)
    if points is None:
        return picture
    ends = np.rint(points * 8).astype(np.int32)  # eighths of a pixel
    faint = tuple(round(FAINTNESS * a + (1 - FAINTNESS) * b) for a, b in zip(theme.soft, theme.ground))
    for pairs, colour in zip(_edges(), (faint, theme.ink)):
        cv2.polylines(picture, list(ends[pairs][:, :, None]), False, colour, 1, cv2.LINE_AA, 3)
    return picture


def find_mesh(image: np.ndarray, box: np.ndarray) -> np.ndarray | None:
    """Return the landmarks (478, 2) px of the face in a box of a `Track`; None if there is none."""
    return landmarks_near(image, box) if np.isfinite(box).all() else None
