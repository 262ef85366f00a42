"""The motion of a whole clip in one picture: thumbnails above the motion curve and its intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from data_prep.frames import Frames
from mer.report.mesh_picture import find_mesh, mesh_picture
from mer.report.panel import draw_panel
from mer.report.theme import LIGHT, Theme

if TYPE_CHECKING:
    from mer.inference.spotting import Interval
    from mer.inference.track import Track

PANEL_HEIGHT = 300  # px
N_THUMBNAILS, GAP = 9, 6  # px between thumbnails
TOP_MARGIN, LEADER_HEIGHT = 10, 30  # px; leaders are the lines from thumbnails to their times
FACE_MARGIN = 0.25  # around a face, relative to its box


def timeline_picture(
    track: "Track",
    intervals: "Sequence[Interval]",
    frames: Frames,
    theme: Theme = LIGHT,
    blur: bool = False,
    width: int = 1600,
) -> np.ndarray:
    """Draw thumbnails above the panel of a track.

    Each thumbnail stands for a part of the time: it shows the apex of the strongest expression there, or else
    the middle.

    Parameters
    ----------
    track : Track
    intervals : sequence of Interval
    frames : Frames
        Those of the clip.
    theme : Theme
    blur : bool
        Show the mesh of the face instead of the picture.
    width : int
        px

    Returns
    -------
    (H, W, 3) uint8 RGB
    """
    panel = draw_panel(track, intervals, width, PANEL_HEIGHT, theme)
    side = round((panel.right - panel.left + GAP) / N_THUMBNAILS) - GAP
    numbers = thumbnail_frames(track, intervals)
    images = frames.pick(number for number in numbers if number is not None)
    above = np.full((TOP_MARGIN + side + LEADER_HEIGHT, width, 3), theme.ground, np.uint8)
    for place, number in enumerate(numbers):
        if number not in images:
            continue
        row = int(np.flatnonzero(track.number == number)[0])
        x = round(panel.left) + place * (side + GAP)
        face = _thumbnail(images[number], track.box[row], side, theme, blur)
        above[TOP_MARGIN : TOP_MARGIN + side, x : x + side] = face
        start = x + side // 2, TOP_MARGIN + side + 3
        end = round(panel.x(float(track.time[row]))), len(above) - 1
        cv2.line(above, start, end, theme.soft, 1, cv2.LINE_AA)
    return np.vstack([above, panel.image])


def thumbnail_frames(track: "Track", intervals: "Sequence[Interval]") -> list[int | None]:
    """Return the frame number of each thumbnail; None if its part of the time shows no face."""
    edges = np.linspace(track.time[0], track.time[-1] + 1e-6, N_THUMBNAILS + 1)
    expressions = [interval for interval in intervals if interval.is_expression]
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
    """Return the part of a frame around the face, (side, side, 3) uint8 RGB."""
    if blur:
        image = mesh_picture(find_mesh(image, box), image.shape[:2], theme)
    if not np.isfinite(box).all():
        box = np.array([0, 0, image.shape[1], image.shape[0]], float)
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]).max() * (0.5 + FACE_MARGIN)
    scale = side / (2 * half)
    matrix = np.array([[scale, 0, side / 2 - scale * centre[0]], [0, scale, side / 2 - scale * centre[1]]])
    return cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_AREA, borderValue=theme.ground)
