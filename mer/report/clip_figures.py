"""Pictures of a score on fixed scales: faces, motion as colours and arrows, strain, the curve over time."""

import math

import cv2
import numpy as np

from flow import visualize
from flow.strain import strain
from mer.inference import models
from mer.inference.head_motion import sample
from mer.inference.score import Score
from mer.report.mesh_picture import mesh_picture
from mer.report.theme import LIGHT, Colour, Theme
from mer_core.text_images import render_text

# Scales are steps, so that pictures compare: motion with full colour, px, and strain, px per px.
FLOW_SCALES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
STRAIN_SCALES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
ENLARGEMENT = 2  # of the face under arrows
N_ARROWS, ON_SKIN = 16, (190, 30, 40)  # arrows per side of the face; their colour on a picture
MAX_ARROW = 0.07  # sides of the face: drawn length of the longest arrow
MAX_ARROW_RATIO = 8.0  # drawn length over motion

TICK_STEPS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
LABEL_WIDTH = 140  # px of the curve, for the longest name and number of a frame
CURVE_STYLE = (
    "<style>.curve .line{fill:none;stroke:#1f6870;stroke-width:1.6}"
    ".curve .mark{stroke:#a8481f;stroke-width:1.4}"
    ".curve .axis{stroke:currentColor;stroke-opacity:.3}.curve rect{fill-opacity:.16}"
    ".curve .micro{fill:#b3541e}.curve .macro{fill:#1f6870}</style>"
)


def draw_pictures(score: Score, theme: Theme = LIGHT, blur: bool = False) -> dict[str, np.ndarray]:
    """Draw onset, apex, arrows on the face, flow and strain with their legends.

    Between two faces that do not compare there is no motion of the face to draw: only onset and apex.

    Parameters
    ----------
    score : Score
    theme : Theme
    blur : bool
        Show the mesh of the face instead of its skin.

    Returns
    -------
    dict of (H, W, 3) uint8 RGB
    """
    onset, apex, arrow_colour = score.onset_face, score.apex_face, ON_SKIN
    if blur:
        onset, apex = (
            mesh_picture(points, onset.shape[:2], theme)
            for points in (score.landmarks, _apex_landmarks(score))
        )
        arrow_colour = theme.mark
    if score.motion is None:
        return {"onset": onset, "apex": apex}
    strain_map = strain(score.facial_flow).magnitude
    max_flow = _choose_scale(np.linalg.norm(score.facial_flow, axis=-1), FLOW_SCALES)
    max_strain = _choose_scale(strain_map, STRAIN_SCALES)
    wheel = visualize.draw_legend(max_flow, ink=theme.ink, ground=theme.ground)
    flow = visualize.draw_flow(score.facial_flow, max_flow)
    strain_picture = visualize.draw_strain(strain_map, max_strain)
    return {
        "onset": onset,
        "apex": apex,
        "arrows": draw_arrows(_arrow_canvas(score, theme, blur), score.facial_flow, theme, arrow_colour),
        "flow": visualize.place_side_by_side(flow, wheel, ground=theme.ground),
        "strain": visualize.place_side_by_side(
            strain_picture, draw_strain_legend(max_strain, theme), ground=theme.ground
        ),
    }


def _apex_landmarks(score: Score) -> np.ndarray:
    """Return landmarks (478, 2) px of the aligned onset, displaced by the face's own motion.

    Where that is not known, those that are found in the apex.
    """
    if score.motion is None:
        found = models.get_mesh().landmarks(score.apex_face)
        return score.landmarks if found is None else found
    return score.landmarks + sample(score.facial_flow, score.landmarks)


def _arrow_canvas(score: Score, theme: Theme, blur: bool) -> np.ndarray:
    """Return what arrows are drawn on: the onset, enlarged and faded, or its mesh."""
    if blur:
        return mesh_picture(
            score.landmarks * ENLARGEMENT, tuple(ENLARGEMENT * n for n in score.facial_flow.shape[:2]), theme
        )
    face = cv2.resize(score.onset_face, None, fx=ENLARGEMENT, fy=ENLARGEMENT, interpolation=cv2.INTER_CUBIC)
    return (face * 0.75 + 64).astype(np.uint8)


def _choose_scale(values: np.ndarray, scales: tuple[float, ...]) -> float:
    """Return the smallest scale that at least 99 % of the values do not exceed."""
    return next((scale for scale in scales if np.quantile(values, 0.99) <= scale), scales[-1])


def draw_arrows(
    canvas: np.ndarray, facial_flow: np.ndarray, theme: Theme = LIGHT, colour: Colour = ON_SKIN
) -> np.ndarray:
    """Draw motion as arrows on a picture, with their scale below.

    Parameters
    ----------
    canvas : (k H, k W, 3) uint8 RGB
        The face, enlarged by a whole number k.
    facial_flow : (H, W, 2) float32 px
        The face's own motion.
    theme : Theme
    colour : (int, int, int)
        Of the arrows, RGB.

    Returns
    -------
    (k H + text, k W, 3) uint8 RGB
    """
    enlarge, size = canvas.shape[0] // facial_flow.shape[0], facial_flow.shape[0]
    canvas, smooth = canvas.copy(), cv2.GaussianBlur(facial_flow, (0, 0), size / 60)
    places = ((np.arange(N_ARROWS) + 0.5) * size / N_ARROWS).astype(int)
    longest = np.linalg.norm(smooth[places][:, places], axis=-1).max()
    ratio = min(MAX_ARROW_RATIO, MAX_ARROW * size / max(longest, 1e-6))
    for y in places:
        for x in places:
            end = np.array([x, y]) + ratio * smooth[y, x]
            if np.linalg.norm(end - (x, y)) > 1.0:
                ends = [tuple(int(v) for v in np.rint(np.array(at) * enlarge)) for at in ((x, y), end)]
                cv2.arrowedLine(canvas, *ends, colour, 1, cv2.LINE_AA, tipLength=0.3)
    text = f"arrows: motion × {ratio:.1f}, longest {longest:.1f} px"
    return np.vstack([canvas, render_text(text, canvas.shape[1], 20, theme.ink, theme.ground)])


def draw_strain_legend(max_strain: float, theme: Theme, height: int = 96) -> np.ndarray:
    """Draw the colour bar of strain, (height + text, 96, 3) uint8 RGB."""
    ramp = visualize.draw_strain(
        np.repeat(np.linspace(max_strain, 0, height)[:, None], 24, axis=1), max_strain
    )
    numbers = [
        render_text(text, 64, 12, theme.ink, theme.ground) for text in (f"{100 * max_strain:g} %", "0")
    ]
    between = np.full((height - sum(len(number) for number in numbers), 64, 3), theme.ground, np.uint8)
    margin = np.full((height, 8, 3), theme.ground, np.uint8)
    bar = np.hstack([margin, ramp, np.vstack([numbers[0], between, numbers[1]])])
    return np.vstack([bar, render_text("strain", 96, 12, theme.ink, theme.ground)])


def draw_curve(score: Score, width: int = 760, height: int = 190) -> str:
    """Return the motion of the clip over time as SVG, with expressions, onset and apex."""
    left, bottom, top, track = 46, 40, 26, score.track
    first, last = float(track.time[0]), float(max(track.time[-1], track.time[0] + 1e-6))
    most = _round_up(max(float(track.activity.max()), 0.1))

    def x(time: float) -> float:
        return round(left + (time - first) / (last - first) * (width - left - 12), 1)

    def y(value: float) -> float:
        return round(height - bottom - value / most * (height - bottom - top), 1)

    step = max(1, len(track.time) // 1500)  # no more points than pixels
    line = " ".join(f"{x(t)},{y(v)}" for t, v in zip(track.time[::step], track.activity[::step]))
    bands = "".join(
        f'<rect class="{i.kind}" x="{x(i.onset_s)}" y="{top}" height="{height - bottom - top}" '
        f'width="{max(x(i.offset_s) - x(i.onset_s), 2):.1f}"/>'
        for i in score.intervals
        if i.kind in ("micro", "macro")
    )
    marks, names = "", sorted([(score.onset, score.onset_name), (score.apex, "apex")])
    for is_later, (number, name) in enumerate(names):
        at = x(float(track.time[np.flatnonzero(track.number == number)[0]]))
        marks += f'<line class="mark" x1="{at}" x2="{at}" y1="{top - 6}" y2="{height - bottom}"/>'
        is_right = is_later and at < width - LABEL_WIDTH  # of its mark
        place = (at + 4, "start") if is_right else (max(at - 4, left), "end")
        marks += _svg_text(place[0], top - 9, f"{name} {number}", place[1])
    axis = f'<line class="axis" x1="{left}" x2="{width - 12}" y1="{y(0)}" y2="{y(0)}"/>'
    axis += "".join(_svg_text(left - 6, y(v) + 4, f"{v:g}", "end") for v in (0, most / 2, most))
    axis += "".join(_svg_text(x(t), height - 24, f"{t:g}", "middle") for t in _ticks(first, last))
    axis += _svg_text((left + width) / 2, height - 6, "time, s", "middle")
    middle, title = (height - bottom + top) / 2, _svg_text(0, 0, "motion, %", "middle")
    axis += f'<g transform="translate(11 {middle}) rotate(-90)">{title}</g>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" class="curve" role="img" '
        f'aria-label="Motion over time" font-family="sans-serif" font-size="11" fill="currentColor">'
        f'{CURVE_STYLE}{bands}{axis}<polyline points="{line}" class="line"/>{marks}</svg>'
    )


def _svg_text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>'


def _round_up(value: float) -> float:
    """Return the next value of 1, 2, 4, 5, 6, 8 or 10 times a power of ten."""
    power = 10 ** math.floor(math.log10(value))
    return next(round(step * power, 6) for step in (1, 2, 4, 5, 6, 8, 10) if value <= step * power)


def _ticks(first: float, last: float) -> list[float]:
    """Return about eight round times from first to last."""
    smallest = max(last - first, 1e-3) / 7
    step = next((s for s in TICK_STEPS_S if s >= smallest), smallest)
    return [round(k * step, 3) for k in range(int(np.ceil(first / step)), int(last / step) + 1)]
