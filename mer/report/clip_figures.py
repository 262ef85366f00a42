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
from mer_core.lettering import strip

# Full colour in px, and in px per px of strain: steps, so that pictures can be compared.
FULL = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
FULL_STRAIN = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
ENLARGE = 2  # the face under arrows
ARROWS, ARROW_COLOUR = 16, (190, 30, 40)  # along a side of the face
MAX_ARROW = 0.07  # of the face: how long the longest arrow is drawn
MAX_ARROW_RATIO = 8.0  # at most so many times as long as the motion


def pictures(score: Score, theme: Theme = LIGHT, blur: bool = False) -> dict[str, np.ndarray]:
    """Draw onset, apex, arrows on the face, flow and strain with their legends.

    blur : show the mesh of the face in place of its skin

    Returns
    -------
    name -> (H, W, 3) uint8 RGB
    """
    stretched = strain(score.own).magnitude
    full, most = _step(np.linalg.norm(score.own, axis=-1), FULL), _step(stretched, FULL_STRAIN)
    wheel = visualize.legend(full, ink=theme.ink, ground=theme.ground)
    flow, strained = visualize.draw_flow(score.own, full), visualize.draw_strain(stretched, most)
    return {
        "onset": mesh_picture(score.landmarks, score.own.shape[:2], theme) if blur else score.onset_face,
        "apex": mesh_picture(_moved(score), score.own.shape[:2], theme) if blur else score.apex_face,
        "arrows": arrows(_canvas(score, theme, blur), score.own, theme),
        "flow": visualize.beside(flow, wheel, ground=theme.ground),
        "strain": visualize.beside(strained, strain_legend(most, theme), ground=theme.ground),
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
    return np.vstack([canvas, strip(text, canvas.shape[1], 14, theme.ink, theme.ground)])


def strain_legend(full: float, theme: Theme = LIGHT, height: int = 96) -> np.ndarray:
    """What the colours of strain mean: (height + 36, 96, 3) uint8 RGB."""
    ramp = visualize.draw_strain(np.repeat(np.linspace(full, 0, height)[:, None], 24, axis=1), full)
    numbers = [strip(text, 64, 12, theme.ink, theme.ground) for text in (f"{full:g}", "0")]
    between = np.full((height - sum(len(number) for number in numbers), 64, 3), theme.ground, np.uint8)
    margin = np.full((height, 8, 3), theme.ground, np.uint8)
    bar = np.hstack([margin, ramp, np.vstack([numbers[0], between, numbers[1]])])
    return np.vstack(
        [bar, *(strip(text, 96, 12, theme.ink, theme.ground) for text in ("strain,", "px per px"))]
    )


def curve(score: Score, width: int = 760, height: int = 170) -> str:
    """The motion curve as SVG: how much each moment counts over time, with onset and apex. Colours follow the
    page's text.
    """
    left, bottom, top = 34, 26, 22
    time, counts = score.track.time, score.track.activity
    span, most = max(time[-1] - time[0], 1e-6), max(float(counts.max()), 1e-6)

    def x(t: float) -> float:
        return left + (t - time[0]) / span * (width - left - 12)

    def y(value: float) -> float:
        return height - bottom - value / most * (height - bottom - top)

    step = max(1, len(time) // 1500)  # more points than pixels only make the page heavy
    line = " ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in zip(time[::step], counts[::step]))
    marks = []
    for name, number, anchor in (("onset", score.onset, "end"), ("apex", score.apex, "start")):
        t = float(time[np.flatnonzero(score.track.number == number)[0]])
        dx = -4 if anchor == "end" else 4
        marks.append(
            f'<line x1="{x(t):.1f}" x2="{x(t):.1f}" y1="{top - 6}" y2="{height - bottom}" class="mark"/>'
            f'<text x="{x(t) + dx:.1f}" y="{top - 9}" text-anchor="{anchor}">{name} {number}</text>'
        )
    ticks = "".join(
        f'<text x="{x(t):.1f}" y="{height - 8}" text-anchor="middle">{t:g} s</text>'
        for t in _round_times(time[0], time[-1])
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" class="curve" role="img" aria-label="Motion over time" '
        'font-family="sans-serif" font-size="11" fill="currentColor" stroke="none">'
        "<style>.curve .line{fill:none;stroke:#1f6870;stroke-width:1.6}.curve .mark{stroke:#a8481f;stroke-width:1.4}"
        ".curve .axis{stroke:currentColor;stroke-opacity:.3}</style>"
        f'<line x1="{left}" x2="{width - 12}" y1="{height - bottom}" y2="{height - bottom}" class="axis"/>'
        f'<text x="{left - 6}" y="{y(most) + 4:.1f}" text-anchor="end">{most:.1f}</text>'
        f'<text x="{left - 6}" y="{height - bottom + 4}" text-anchor="end">0</text>'
        f'<polyline points="{line}" class="line"/>{"".join(marks)}{ticks}</svg>'
    )


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
