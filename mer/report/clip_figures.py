"""Pictures of a score on fixed scales: the faces, the motion as colours and arrows, the strain, the curve.
For people.
"""

import cv2
import numpy as np

from flow import visualize
from flow.strain import strain
from mer.inference.head_motion import sample
from mer.inference.predict import Score
from mer.report.mesh_picture import mesh_picture
from mer.report.theme import LIGHT, Theme
from mer_core.text_images import render_text

# Full colour in px, and in px per px of strain: steps, so that pictures can be compared.
FULL = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
FULL_STRAIN = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
ENLARGE = 2  # the face under arrows
ARROWS, ARROW_COLOUR = 16, (190, 30, 40)  # along a side of the face
MAX_ARROW = 0.07  # of the face: how long the longest arrow is drawn
MAX_ARROW_RATIO = 8.0  # at most so many times as long as the motion

CURVE_STYLE = (
    "<style>.curve .line{fill:none;stroke:#1f6870;stroke-width:1.6}"
    ".curve .mark{stroke:#a8481f;stroke-width:1.4}"
    ".curve .axis{stroke:currentColor;stroke-opacity:.3}.curve rect{fill-opacity:.16}"
    ".curve .micro{fill:#b3541e}.curve .macro{fill:#1f6870}</style>"
)


def pictures(score: Score, theme: Theme = LIGHT, blur: bool = False) -> dict[str, np.ndarray]:
    """Draw onset, apex, arrows on the face, flow and strain with their legends.

    blur : show the mesh of the face in place of its skin

    Returns
    -------
    name -> (H, W, 3) uint8 RGB
    """
    stretched = strain(score.own).magnitude
    full, most = _step(np.linalg.norm(score.own, axis=-1), FULL), _step(stretched, FULL_STRAIN)
    wheel = visualize.draw_legend(full, ink=theme.ink, ground=theme.ground)
    flow, strained = visualize.draw_flow(score.own, full), visualize.draw_strain(stretched, most)
    return {
        "onset": mesh_picture(score.landmarks, score.own.shape[:2], theme) if blur else score.onset_face,
        "apex": mesh_picture(_moved(score), score.own.shape[:2], theme) if blur else score.apex_face,
        "arrows": arrows(_canvas(score, theme, blur), score.own, theme),
        "flow": visualize.place_side_by_side(flow, wheel, ground=theme.ground),
        "strain": visualize.place_side_by_side(strained, strain_legend(most, theme), ground=theme.ground),
    }


def _moved(score: Score) -> np.ndarray:
    """Landmarks (478, 2) px of the aligned onset, moved by the face's own motion."""
    return score.landmarks + sample(score.own, score.landmarks)


def _canvas(score: Score, theme: Theme, blur: bool) -> np.ndarray:
    """What arrows are drawn on: the onset, enlarged and faded, or its mesh."""
    if blur:
        return mesh_picture(score.landmarks * ENLARGE, tuple(ENLARGE * n for n in score.own.shape[:2]), theme)
    face = cv2.resize(score.onset_face, None, fx=ENLARGE, fy=ENLARGE, interpolation=cv2.INTER_CUBIC)
    return (face * 0.75 + 64).astype(np.uint8)


def _step(values: np.ndarray, steps: tuple[float, ...]) -> float:
    """The least step that all but one per cent of the values stay below."""
    return next((step for step in steps if np.quantile(values, 0.99) <= step), steps[-1])


def arrows(canvas: np.ndarray, own: np.ndarray, theme: Theme = LIGHT) -> np.ndarray:
    """Draw motion as arrows on a picture, and write below how long they are.

    canvas : (k H, k W, 3) uint8 RGB, the face, enlarged by a whole number
    own    : (H, W, 2) px, the face's own motion
    """
    enlarge, size = canvas.shape[0] // own.shape[0], own.shape[0]
    canvas, smooth = canvas.copy(), cv2.GaussianBlur(own, (0, 0), size / 60)
    places = ((np.arange(ARROWS) + 0.5) * size / ARROWS).astype(int)
    longest = np.linalg.norm(smooth[places][:, places], axis=-1).max()
    ratio = min(MAX_ARROW_RATIO, MAX_ARROW * size / max(longest, 1e-6))
    for y in places:
        for x in places:
            end = np.array([x, y]) + ratio * smooth[y, x]
            if np.linalg.norm(end - (x, y)) > 1.0:
                ends = [tuple(int(v) for v in np.rint(np.array(at) * enlarge)) for at in ((x, y), end)]
                cv2.arrowedLine(canvas, *ends, ARROW_COLOUR, 1, cv2.LINE_AA, tipLength=0.3)
    text = f"arrows: motion × {ratio:.1f}, at most {longest:.2f} px"
    return np.vstack([canvas, render_text(text, canvas.shape[1], 14, theme.ink, theme.ground)])


def strain_legend(full: float, theme: Theme = LIGHT, height: int = 96) -> np.ndarray:
    """What the colours of strain mean: (height + 36, 96, 3) uint8 RGB."""
    ramp = visualize.draw_strain(np.repeat(np.linspace(full, 0, height)[:, None], 24, axis=1), full)
    numbers = [render_text(text, 64, 12, theme.ink, theme.ground) for text in (f"{full:g}", "0")]
    between = np.full((height - sum(len(number) for number in numbers), 64, 3), theme.ground, np.uint8)
    margin = np.full((height, 8, 3), theme.ground, np.uint8)
    bar = np.hstack([margin, ramp, np.vstack([numbers[0], between, numbers[1]])])
    return np.vstack(
        [bar, *(render_text(text, 96, 12, theme.ink, theme.ground) for text in ("strain,", "px per px"))]
    )


def curve(score: Score, width: int = 760, height: int = 190) -> str:
    """Draw the motion of the clip over time as SVG, with expressions, onset and apex."""
    left, bottom, top, track = 46, 40, 26, score.track
    first, last = float(track.time[0]), float(max(track.time[-1], track.time[0] + 1e-6))
    most = max(float(track.activity.max()), 1e-6)

    def x(time: float) -> float:
        return round(left + (time - first) / (last - first) * (width - left - 12), 1)

    def y(value: float) -> float:
        return round(height - bottom - value / most * (height - bottom - top), 1)

    step = max(1, len(track.time) // 1500)  # more points than pixels only make the page heavy
    line = " ".join(f"{x(t)},{y(v)}" for t, v in zip(track.time[::step], track.activity[::step]))
    bands = "".join(
        f'<rect class="{i.kind}" x="{x(i.onset_s)}" y="{top}" height="{height - bottom - top}" '
        f'width="{max(x(i.offset_s) - x(i.onset_s), 2):.1f}"/>'
        for i in score.intervals
        if i.kind in ("micro", "macro")
    )
    marks = ""
    for name, number, anchor, shift in (("onset", score.onset, "end", -4), ("apex", score.apex, "start", 4)):
        at = x(float(track.time[np.flatnonzero(track.number == number)[0]]))
        marks += f'<line class="mark" x1="{at}" x2="{at}" y1="{top - 6}" y2="{height - bottom}"/>'
        marks += _svg_text(max(at + shift, left if shift < 0 else 0), top - 9, f"{name} {number}", anchor)
    axis = f'<line class="axis" x1="{left}" x2="{width - 12}" y1="{y(0)}" y2="{y(0)}"/>'
    axis += "".join(_svg_text(left - 6, y(v) + 4, f"{v:.1f}", "end") for v in (0, most / 2, most))
    axis += "".join(_svg_text(x(t), height - 24, f"{t:g}", "middle") for t in _round_times(first, last))
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


def _round_times(first: float, last: float) -> list[float]:
    """At most about eight round times from first to last."""
    raw = max(last - first, 1e-3) / 7
    step = min(
        (
            s
            for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
            if s >= raw
        ),
        default=raw,
    )
    return [round(k * step, 3) for k in range(int(np.ceil(first / step)), int(last / step) + 1)]
