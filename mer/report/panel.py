"""The motion curve of a clip over time, with a lane for each kind of interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mer.report.theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mer.inference.spotting import Interval
    from mer.inference.track import Track

DPI = 100
LANES = {"micro": ("micro",), "macro": ("macro",), "eyes": ("blink", "eyes_closed"), "head": ("head",)}
LEFT, RIGHT, TOP, BOTTOM = 84, 20, 12, 46  # px around the axes
LANE_HEIGHT = 18  # px


@dataclass(frozen=True)
class Panel:
    """A drawn curve, (H, W, 3) uint8 RGB, whose axes span `left` to `right` px and `first` to `last` s."""

    image: np.ndarray
    left: float
    right: float
    first: float
    last: float

    def x(self, time: float) -> float:
        """Return the position of a time in s, px."""
        return self.left + (time - self.first) / (self.last - self.first) * (self.right - self.left)


def draw_panel(
    track: "Track", intervals: "Sequence[Interval]", width: int, height: int, theme: Theme = LIGHT
) -> Panel:
    """Draw the curve and the intervals of a track; width and height in px."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lanes = {name: kinds for name, kinds in LANES.items() if any(i.kind in kinds for i in intervals)}
    bottom = BOTTOM + LANE_HEIGHT * len(lanes)
    figure = Figure((width / DPI, height / DPI), dpi=DPI, facecolor=_to_unit_range(theme.ground))
    canvas = FigureCanvasAgg(figure)
    place = (LEFT / width, bottom / height, 1 - (LEFT + RIGHT) / width, 1 - (bottom + TOP) / height)
    axes = figure.add_axes(place, facecolor="none")
    first, last = float(track.time[0]), float(max(track.time[-1], track.time[0] + 1e-3))
    axes.plot(
        track.time,
        np.where(track.seen, track.activity, np.nan),
        color=_to_unit_range(theme.ink),
        linewidth=1.1,
    )
    axes.set(xlim=(first, last), ylim=(0, 1.05 * max(float(np.nanmax(track.activity)), 0.1)))
    _label_axes(axes, len(lanes), theme)
    for row, (name, kinds) in enumerate(lanes.items()):
        _draw_lane(axes, row, name, [i for i in intervals if i.kind in kinds], (last - first) / width, theme)
    canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    return Panel(image, LEFT, width - RIGHT, first, last)


def _draw_lane(
    axes: "Axes", row: int, name: str, intervals: "list[Interval]", min_width_s: float, theme: Theme
) -> None:
    """Draw one kind of interval under the axes; expressions also as bands behind the curve."""
    from matplotlib.transforms import ScaledTranslation, blended_transform_factory

    down = ScaledTranslation(0, -(row + 1) * LANE_HEIGHT / DPI, axes.figure.dpi_scale_trans)
    times_by_px = blended_transform_factory(axes.transData, axes.figure.dpi_scale_trans)
    origin = axes.get_position().y0 * axes.figure.get_figheight()  # inches above the lower edge
    for i in intervals:
        colour, lasts = _to_unit_range(theme.kinds[i.kind]), max(i.offset_s - i.onset_s, min_width_s)
        bar = (i.onset_s, lasts), (origin, 0.7 * LANE_HEIGHT / DPI)
        axes.broken_barh([bar[0]], bar[1], color=colour, clip_on=False, transform=times_by_px + down)
        if i.is_expression:
            axes.axvspan(i.onset_s, i.offset_s, color=colour, alpha=0.16, linewidth=0)
    at = (-8, -(row + 0.6) * LANE_HEIGHT * 72 / DPI)
    style = dict(ha="right", va="center", color=_to_unit_range(theme.soft), fontsize=8)
    axes.annotate(name, (0, 0), at, "axes fraction", "offset points", **style)


def _label_axes(axes: "Axes", n_lanes: int, theme: Theme) -> None:
    """Label the axes; tick labels of the time axis are below the lanes."""
    soft, below = _to_unit_range(theme.soft), n_lanes * LANE_HEIGHT * 72 / DPI
    axes.set_xlabel("time, s", color=soft, fontsize=8)
    axes.set_ylabel("motion, % of the\ninter-ocular distance", color=soft, fontsize=8)
    axes.tick_params(colors=soft, labelsize=8, length=3)
    axes.tick_params(axis="x", pad=below + 3)
    for side, spine in axes.spines.items():
        spine.set(color=_to_unit_range(theme.rule), visible=side in ("left", "bottom"))


def _to_unit_range(colour: tuple[int, int, int]) -> tuple[float, ...]:
    return tuple(value / 255 for value in colour)
