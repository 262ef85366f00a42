"""A face without its skin: the landmarks' mesh on plain ground, for pictures that are passed on (`--blur`).

The whole picture is replaced, so that other people in view and the background go too. What stays is what is
measured: where the features are, the outline of the face, and how both move. People who know a person may
recognise that.
"""

from functools import lru_cache

import cv2
import numpy as np

from mer.inference.face_tracker import landmarks_near
from mer.report.theme import DARK, Theme

THIN = 0.35  # of the lines inside the face, over those of eyes, brows, lips and outline


@lru_cache(maxsize=1)
def _edges() -> tuple[np.ndarray, np.ndarray]:
    """Pairs of landmarks joined by a thin line, and by a strong one: (m, 2) int each."""
    from mediapipe.tasks.python.vision.face_landmarker import FaceLandmarksConnections as Mesh

    groups = Mesh.FACE_LANDMARKS_TESSELATION, Mesh.FACE_LANDMARKS_CONTOURS
    thin, strong = (np.array(sorted({(line.start, line.end) for line in group})) for group in groups)
    return thin, strong


def mesh_picture(points: np.ndarray | None, shape: tuple[int, ...], theme: Theme = DARK) -> np.ndarray:
    """Draw the mesh alone.

    Parameters
    ----------
    points : (478, 2) px, or None where no face is seen
    shape : height and width, px

    Returns
    -------
    (H, W, 3) uint8 RGB
    """
    picture = np.full((*shape, 3), theme.ground, np.uint8)
    if points is None:
        return picture
    ends = np.rint(points * 8).astype(np.int32)  # eighths of a pixel
    faint = tuple(round(THIN * a + (1 - THIN) * b) for a, b in zip(theme.soft, theme.ground))
    for pairs, colour in zip(_edges(), (faint, theme.ink)):
        cv2.polylines(picture, list(ends[pairs][:, :, None]), False, colour, 1, cv2.LINE_AA, 3)
    return picture


def mesh_of(image: np.ndarray, box: np.ndarray) -> np.ndarray | None:
    """Landmarks (478, 2) px of the face in `box` (left, top, right, bottom); None where none is seen."""
    return landmarks_near(image, box) if np.isfinite(box).all() else None
