"""The motion of a whole clip in one picture: thumbnails over the curve and lanes of intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from data_prep.frames import Frames
from mer.report.mesh_picture import mesh_of, mesh_picture
from mer.report.panel import draw_panel
from mer.report.theme import LIGHT, Theme

if TYPE_CHECKING:
    from mer.inference.spotting import Interval
    from mer.inference.track import Track

HEIGHT = 300  # px of the panel
N_THUMBNAILS, GAP = 9, 6  # along the curve; px between them
ABOVE, LEADERS = 10, 30  # px above the thumbnails, and of the lines that lead from them to their times
AROUND_FACE = 0.25  # of the face's box is shown around it


def timeline_picture(
    track: "Track",
    intervals: "Sequence[Interval]",
    frames: Frames,
    theme: Theme = LIGHT,
    blur: bool = False,
    width: int = 1600,
) -> np.ndarray:
    """Draw the thumbnails over the panel: at the apex of the strongest expression near each, or at its time.

    Parameters
    ----------
    blur : show the mesh of the face in place of its skin
    width : px

    Returns
    -------
    (H, W, 3) uint8 RGB
    """
    panel = draw_panel(track, intervals, width, HEIGHT, theme)
    side = round((panel.right - panel.left + GAP) / N_THUMBNAILS) - GAP
    shown = thumbnail_frames(track, intervals)
    images = frames.pick(number for number in shown if number is not None)
    above = np.full((ABOVE + side + LEADERS, width, 3), theme.ground, np.uint8)
    for place, number in enumerate(shown):
        if number not in images:
            continue
        row = int(np.flatnonzero(track.number == number)[0])
        x = round(panel.left) + place * (side + GAP)
        face = _thumbnail(images[number], track.box[row], side, theme, blur)
        above[ABOVE : ABOVE + side, x : x + side] = face
        foot, to = (x + side // 2, ABOVE + side + 3), (round(panel.x(float(track.time[row]))), len(above) - 1)
        cv2.line(above, foot, to, theme.soft, 1, cv2.LINE_AA)
    return np.vstack([above, panel.image])


def thumbnail_frames(track: "Track", intervals: "Sequence[Interval]") -> list[int | None]:
    """Frame number of each thumbnail: of the strongest expression in its part of the time, else its middle.

    None where no face is seen in that part.
    """
    edges = np.linspace(track.time[0], track.time[-1] + 1e-6, N_THUMBNAILS + 1)
    expressions = [i for i in intervals if i.kind in ("micro", "macro")]
    numbers: list[int | None] = []
    for low, high in zip(edges, edges[1:]):
        inside = [i for i in expressions if low <= i.apex_s < high]
        rows = np.flatnonzero((track.time >= low) & (track.time < high) & track.seen)
        if inside:
            numbers.append(max(inside, key=lambda i: i.strength).apex)
        elif len(rows):
            numbers.append(int(track.number[rows[len(rows) // 2]]))
        else:
            numbers.append(None)
    return numbers


def _thumbnail(image: np.ndarray, box: np.ndarray, side: int, theme: Theme, blur: bool) -> np.ndarray:
    """The part of a frame around the face, (side, side, 3) uint8 RGB."""
    if blur:
        image = mesh_picture(mesh_of(image, box), image.shape[:2], theme)
    if not np.isfinite(box).all():
        box = np.array([0, 0, image.shape[1], image.shape[0]], float)
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]).max() * (0.5 + AROUND_FACE)
    scale = side / (2 * half)
    matrix = np.array([[scale, 0, side / 2 - scale * centre[0]], [0, scale, side / 2 - scale * centre[1]]])
    return cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_AREA, borderValue=theme.ground)
