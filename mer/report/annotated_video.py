"""The whole clip as a video with what was measured drawn in: face box, regions that move, intervals, curve
with a cursor.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw

from data_prep.face_regions import SITES
from data_prep.frames import Frame
from mer.inference.regions import REGIONS
from mer.report.mesh_picture import mesh_of, mesh_picture
from mer.report.panel import Panel, draw_panel
from mer.report.theme import DARK, Theme
from mer_core.io import atomic_replace
from mer_core.text_images import load_font

if TYPE_CHECKING:
    from mer.inference.spotting import Interval
    from mer.inference.track import Track

WIDTH, MAX_HEIGHT = 960, 720  # px of the video, and at most of the recorded part
HEADER, PANEL = 64, 220  # px of the lines of text, and of the curve under them
MOVES = 1.0  # % of the inter-ocular distance from which on a region is marked
FULL = 6.0  # % at which its mark is opaque
DISC = 8  # % of the inter-ocular distance, radius of a mark
N_NAMED = 3  # regions written down
WORDS = {
    "micro": "micro-expression",
    "macro": "expression",
    "eyes_closed": "eyes closed",
    "head": "head movement",
}
SITE_NAMES = tuple(SITES)


def write_annotated_video(
    track: "Track",
    intervals: "Sequence[Interval]",
    frames: Iterable[Frame],
    path: Path,
    *,
    notes: "dict[Interval, str] | None" = None,
    theme: Theme = DARK,
    blur: bool = False,
    progress: Callable[[int], None] = lambda n_done: None,
) -> None:
    """Write the clip as H.264 in MP4, at its own times; memory does not grow with its length.

    Parameters
    ----------
    notes : a line of text for some intervals, such as their action units; shown while they last
    blur : show the mesh of the face in place of the whole picture
    progress : called with the number of frames done
    """
    import av

    panel = draw_panel(track, intervals, WIDTH, PANEL, theme)
    drawing = _Drawing(track, intervals, panel, notes or {}, theme, blur)
    with atomic_replace(path) as temporary, av.open(str(temporary), "w") as out:
        stream, latest = None, -1
        for n_done, (frame, row) in enumerate(_measured(frames, track), start=1):
            picture = drawing.draw(frame.image, row)
            if stream is None:
                stream = out.add_stream("libx264", rate=1000, options={"crf": "20", "preset": "veryfast"})
                stream.pix_fmt, (stream.height, stream.width) = "yuv420p", picture.shape[:2]
                stream.codec_context.time_base = Fraction(1, 1000)
            shown = av.VideoFrame.from_ndarray(picture, format="rgb24")
            latest = max(round(1000 * float(track.time[row])), latest + 1)
            shown.pts, shown.time_base = latest, Fraction(1, 1000)
            out.mux(stream.encode(shown))
            progress(n_done)
        if stream is not None:
            out.mux(stream.encode())


def _measured(frames: Iterable[Frame], track: "Track") -> Iterator[tuple[Frame, int]]:
    """Each frame that was measured, with its row in the track."""
    rows = {int(number): row for row, number in enumerate(track.number)}
    for frame in frames:
        if frame.number in rows:
            yield frame, rows[frame.number]


class _Drawing:
    """Draws one frame after another; all of them have the size of the first."""

    def __init__(self, track, intervals, panel: Panel, notes, theme: Theme, blur: bool):
        self.track, self.intervals, self.panel, self.notes = track, intervals, panel, notes
        self.theme, self.blur = theme, blur

    def draw(self, image: np.ndarray, row: int) -> np.ndarray:
        """The picture of one frame, (H, W, 3) uint8 RGB with even sides."""
        points, box = mesh_of(image, self.track.box[row]), self.track.box[row]
        scale = min(WIDTH / image.shape[1], MAX_HEIGHT / image.shape[0])
        size = (round(image.shape[1] * scale / 2) * 2, round(image.shape[0] * scale / 2) * 2)
        if self.blur:
            image = mesh_picture(None if points is None else points * scale, size[::-1], self.theme)
        else:
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        if points is not None:
            self._marks(image, points * scale, box * scale, row)
        side = (WIDTH - size[0]) // 2
        above = np.full((size[1], WIDTH, 3), self.theme.ground, np.uint8)
        above[:, side : side + size[0]] = image
        return np.vstack([above, self._header(row), self._curve(row)])

    def _marks(self, image: np.ndarray, points: np.ndarray, box: np.ndarray, row: int) -> None:
        """Draw the face's box, and a disc on each site that moves with its motion as a line from where it
        rests.
        """
        left, top, right, bottom = (int(v) for v in np.rint(box))
        cv2.rectangle(image, (left, top), (right, bottom), self.theme.accent, 2, cv2.LINE_AA)
        unit = (right - left) / 2.6 / 100  # px per % of the inter-ocular distance, about
        for name, moved in zip(SITE_NAMES, self.track.displacement[row]):
            length = float(np.linalg.norm(moved))
            if not length >= MOVES:
                continue
            x, y = points[list(SITES[name][0])].mean(0)
            at, rest = (round(float(x)), round(float(y))), np.rint([x, y] - moved * unit).astype(int)
            _disc(image, at, max(round(DISC * unit), 4), self.theme.mark, 0.7 * min(length / FULL, 1.0))
            cv2.line(image, tuple(int(v) for v in rest), at, self.theme.mark, 2, cv2.LINE_AA)

    def _header(self, row: int) -> np.ndarray:
        """Time and frame, what is going on, and which regions move."""
        track, time = self.track, float(self.track.time[row])
        now = [i for i in self.intervals if i.onset_s <= time <= i.offset_s]
        words = [WORDS.get(i.kind, i.kind) + (f", {i.label}" if i.label else "") for i in now]
        canvas = Image.new("RGB", (WIDTH, HEADER), self.theme.ground)
        draw, margin = ImageDraw.Draw(canvas), 16
        draw.text(
            (margin, 20), f"{time:.3f} s, frame {track.number[row]}", self.theme.ink, load_font(17), "lm"
        )
        colour = self.theme.kinds[now[0].kind] if now else self.theme.soft
        draw.text((WIDTH - margin, 20), "; ".join(words), colour, load_font(17, bold=True), "rm")
        below = self._regions(row) if track.seen[row] else "no face"
        draw.text((margin, 46), below, self.theme.soft, load_font(14), "lm")
        notes = "; ".join(self.notes[i] for i in now if i in self.notes)
        draw.text((WIDTH - margin, 46), notes, self.theme.soft, load_font(14), "rm")
        return np.asarray(canvas)

    def _regions(self, row: int) -> str:
        """The regions that move most, with how far, in % of the inter-ocular distance."""
        lengths = dict(zip(SITE_NAMES, np.linalg.norm(self.track.displacement[row], axis=-1)))
        moved = {name: max(lengths[site] for site in sites) for name, sites in REGIONS.items()}
        most = sorted(moved, key=lambda name: -moved[name])[:N_NAMED]
        return ", ".join(f"{name} {moved[name]:.1f} %" for name in most if moved[name] >= MOVES)

    def _curve(self, row: int) -> np.ndarray:
        """The panel with a cursor at this frame."""
        image, x = self.panel.image.copy(), round(self.panel.x(float(self.track.time[row])))
        cv2.line(image, (x, 8), (x, image.shape[0] - 46), self.theme.accent, 2)
        return image


def _disc(
    image: np.ndarray, at: tuple[int, int], radius: int, colour: tuple[int, int, int], alpha: float
) -> None:
    """Draw a translucent disc into `image`, of which it may stick out."""
    x, y = at
    part = image[max(y - radius, 0) : max(y + radius + 1, 0), max(x - radius, 0) : max(x + radius + 1, 0)]
    if part.size:
        disc = cv2.circle(part.copy(), (min(x, radius), min(y, radius)), radius, colour, -1, cv2.LINE_AA)
        cv2.addWeighted(disc, alpha, part, 1 - alpha, 0, dst=part)
