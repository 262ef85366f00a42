"""Write a clip as a video with face box, moving regions, intervals and motion curve drawn in."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw

from data_prep.action_units import NAMES
from data_prep.face_regions import SITES
from data_prep.frames import Frame
from data_prep.landmarks import interocular
from mer.inference.action_units import unit_activations
from mer.inference.regions import REGIONS
from mer.inference.site_motion import PER_CENT
from mer.inference.spotting import KINDS
from mer.report.mesh_picture import find_mesh, mesh_picture
from mer.report.panel import Panel, draw_panel
from mer.report.theme import DARK, Theme
from mer_core.io import atomic_replace
from mer_core.text_images import load_font

if TYPE_CHECKING:
    from mer.inference.spotting import Interval
    from mer.inference.track import Track

WIDTH, MAX_HEIGHT = 960, 720  # px, of the video and of the recorded picture in it
HEADER_HEIGHT, PANEL_HEIGHT = 64, 220  # px
# "%" is per cent of the inter-ocular distance.
MIN_MARKED = 1.0  # %, motion from which a site is marked
FULL_MARK = 6.0  # %, motion at which its mark is strongest
MARK_RADIUS = 8  # %
N_NAMED, N_UNITS = 3, 2  # regions and action units named in the header
MIN_ACTIVATION = 0.1  # of a unit that is named; 1 is the strongest that adults can show
SITE_NAMES = tuple(SITES)


def write_annotated_video(
    track: "Track",
    intervals: "Sequence[Interval]",
    frames: Iterable[Frame],
    path: Path,
    *,
    blur: bool = False,
    progress: Callable[[int], None] = lambda n_done: None,
) -> None:
    """Write the clip as H.264 in MP4 with its own time stamps; memory does not grow with its length.

    Parameters
    ----------
    track : Track
    intervals : sequence of Interval
    frames : iterable of Frame
        All frames of the clip.
    path : Path
        The MP4 file.
    blur : bool
        Show the mesh of the face instead of the whole picture.
    progress : callable
        Called with the number of frames written.
    """
    import av

    panel = draw_panel(track, intervals, WIDTH, PANEL_HEIGHT, DARK)
    drawing = _Drawing(track, intervals, panel, DARK, blur)
    with atomic_replace(path) as temporary, av.open(str(temporary), "w") as out:
        stream, time_ms = None, -1
        for n_done, (frame, row) in enumerate(_measured_frames(frames, track), start=1):
            picture = drawing.draw(frame.image, row)
            if stream is None:
                stream = out.add_stream("libx264", rate=1000, options={"crf": "20", "preset": "veryfast"})
                stream.pix_fmt, (stream.height, stream.width) = "yuv420p", picture.shape[:2]
                stream.codec_context.time_base = Fraction(1, 1000)
            encoded = av.VideoFrame.from_ndarray(picture, format="rgb24")
            time_ms = max(round(1000 * float(track.time[row])), time_ms + 1)
            encoded.pts, encoded.time_base = time_ms, Fraction(1, 1000)
            out.mux(stream.encode(encoded))
            progress(n_done)
        if stream is not None:
            out.mux(stream.encode())


def _measured_frames(frames: Iterable[Frame], track: "Track") -> Iterator[tuple[Frame, int]]:
    """Yield each frame that was measured, and its row in the track."""
    rows = {int(number): row for row, number in enumerate(track.number)}
    for frame in frames:
        if frame.number in rows:
            yield frame, rows[frame.number]


class _Drawing:
    """Draws one frame after another; all of them have the size of the first."""

    def __init__(self, track, intervals, panel: Panel, theme: Theme, blur: bool):
        self.track, self.intervals, self.panel = track, intervals, panel
        self.theme, self.blur = theme, blur
        self.units, self.activations = unit_activations(track.displacement)

    def draw(self, image: np.ndarray, row: int) -> np.ndarray:
        """Return the annotated picture of one frame, (H, W, 3) uint8 RGB with even sides."""
        points, box = find_mesh(image, self.track.box[row]), self.track.box[row]
        scale = min(WIDTH / image.shape[1], MAX_HEIGHT / image.shape[0])
        size = (round(image.shape[1] * scale / 2) * 2, round(image.shape[0] * scale / 2) * 2)
        if self.blur:
            image = mesh_picture(None if points is None else points * scale, size[::-1], self.theme)
        else:
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        if points is not None:
            self._draw_marks(image, points * scale, box * scale, row)
        side = (WIDTH - size[0]) // 2
        above = np.full((size[1], WIDTH, 3), self.theme.ground, np.uint8)
        above[:, side : side + size[0]] = image
        return np.vstack([above, self._draw_header(row), self._draw_curve(row)])

    def _draw_marks(self, image: np.ndarray, points: np.ndarray, box: np.ndarray, row: int) -> None:
        """Draw the face's box, and on each moving site a disc and a line from its neutral position."""
        left, top, right, bottom = (int(v) for v in np.rint(box))
        cv2.rectangle(image, (left, top), (right, bottom), self.theme.accent, 2, cv2.LINE_AA)
        px_per_percent = interocular(points) / PER_CENT
        for name, motion in zip(SITE_NAMES, self.track.displacement[row]):
            length = float(np.linalg.norm(motion))
            if not length >= MIN_MARKED:  # NaN where nothing was measured
                continue
            x, y = points[list(SITES[name][0])].mean(0)
            centre = round(float(x)), round(float(y))
            neutral = np.rint([x, y] - motion * px_per_percent).astype(int)
            radius, alpha = max(round(MARK_RADIUS * px_per_percent), 4), 0.7 * min(length / FULL_MARK, 1.0)
            _draw_disc(image, centre, radius, self.theme.mark, alpha)
            for colour, width in ((self.theme.ground, 4), (self.theme.mark, 2)):  # a rim, to be seen on skin
                cv2.line(image, tuple(int(v) for v in neutral), centre, colour, width, cv2.LINE_AA)

    def _draw_header(self, row: int) -> np.ndarray:
        """Draw time and frame, the current intervals, and the regions that move."""
        track, time = self.track, float(self.track.time[row])
        current = [i for i in self.intervals if i.onset_s <= time <= i.offset_s]
        names = [KINDS[i.kind] + (f", {i.label}" if i.label else "") for i in current]
        canvas = Image.new("RGB", (WIDTH, HEADER_HEIGHT), self.theme.ground)
        draw, margin = ImageDraw.Draw(canvas), 16
        draw.text(
            (margin, 20), f"{time:.3f} s, frame {track.number[row]}", self.theme.ink, load_font(17), "lm"
        )
        colour = self.theme.kinds[current[0].kind] if current else self.theme.soft
        draw.text((WIDTH - margin, 20), "; ".join(names), colour, load_font(17, bold=True), "rm")
        regions = self._describe_regions(row) if track.seen[row] else "no face"
        draw.text((margin, 46), regions, self.theme.soft, load_font(14), "lm")
        units = self._describe_units(row) if any(i.is_expression for i in current) else ""
        draw.text((WIDTH - margin, 46), units, self.theme.soft, load_font(14), "rm")
        return np.asarray(canvas)

    def _describe_regions(self, row: int) -> str:
        """Name the regions that move most, each with its motion."""
        lengths = dict(zip(SITE_NAMES, np.linalg.norm(self.track.displacement[row], axis=-1)))
        motion = {name: max(lengths[site] for site in sites) for name, sites in REGIONS.items()}
        strongest = sorted(motion, key=lambda name: -motion[name])[:N_NAMED]
        return ", ".join(f"{name} {motion[name]:.1f} %" for name in strongest if motion[name] >= MIN_MARKED)

    def _describe_units(self, row: int) -> str:
        """Name the strongest action units, each with its activation on the stronger side."""
        activation: dict[str, float] = {}
        for (unit, _), value in zip(self.units, self.activations[row]):
            activation[unit] = max(activation.get(unit, 0.0), float(value))
        strongest = sorted(activation, key=lambda unit: -activation[unit])[:N_UNITS]
        return ", ".join(
            f"AU {unit} {NAMES[int(unit)]} {activation[unit]:.1f}"
            for unit in strongest
            if activation[unit] >= MIN_ACTIVATION
        )

    def _draw_curve(self, row: int) -> np.ndarray:
        """Draw the panel with a cursor at this frame."""
        image, x = self.panel.image.copy(), round(self.panel.x(float(self.track.time[row])))
        cv2.line(image, (x, 8), (x, image.shape[0] - 46), self.theme.accent, 2)
        return image


def _draw_disc(
    image: np.ndarray, centre: tuple[int, int], radius: int, colour: tuple[int, int, int], alpha: float
) -> None:
    """Draw a translucent disc, which may extend beyond the image."""
    x, y = centre
    part = image[max(y - radius, 0) : max(y + radius + 1, 0), max(x - radius, 0) : max(x + radius + 1, 0)]
    if part.size:
        disc = cv2.circle(part.copy(), (min(x, radius), min(y, radius)), radius, colour, -1, cv2.LINE_AA)
        cv2.addWeighted(disc, alpha, part, 1 - alpha, 0, dst=part)
