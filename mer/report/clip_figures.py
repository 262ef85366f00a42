"""Pictures of a score on fixed scales: the faces, the motion as colours and arrows, the strain, the curve. For people."""

import cv2
import numpy as np

from flow import visualize
from flow.strain import strain
from mer.inference.predict import Score

FULL = (
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    20.0,
    50.0,
)  # px, one of which is full colour: steps, so that pictures can be compared
FULL_STRAIN = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # px per px
ARROWS = 16  # along a side of the face
LONGEST_ARROW = 0.07  # of the face: how long the longest arrow is drawn at most
ARROW_RATIO = 8.0  # at most so many times as long as the motion


def pictures(score: Score) -> dict[str, np.ndarray]:
    """Name -> picture (H, W, 3) uint8 RGB: onset, apex, flow and strain with their legends, arrows on the face."""
    stretched = strain(score.own).magnitude
    full, most = _step(np.linalg.norm(score.own, axis=-1), FULL), _step(stretched, FULL_STRAIN)
    return {
        "onset": score.onset_face,
        "apex": score.apex_face,
        "arrows": arrows(score.onset_face, score.own),
        "flow": visualize.beside(visualize.draw_flow(score.own, full), visualize.legend(full)),
        "strain": visualize.beside(visualize.draw_strain(stretched, most), strain_legend(most)),
    }


def _step(values: np.ndarray, steps: tuple[float, ...]) -> float:
    """The least step that all but one per cent of the values stay below."""
    return next((step for step in steps if np.quantile(values, 0.99) <= step), steps[-1])


def arrows(face: np.ndarray, own: np.ndarray, enlarge: int = 2) -> np.ndarray:
    """The face, `enlarge` times as large, with its own motion (H, W, 2) px as arrows and how much longer they are drawn."""
    canvas = cv2.resize(face, None, fx=enlarge, fy=enlarge, interpolation=cv2.INTER_CUBIC)
    canvas = (canvas * 0.75 + 64).astype(np.uint8)
    smooth = cv2.GaussianBlur(own, (0, 0), own.shape[0] / 60)
    places = ((np.arange(ARROWS) + 0.5) * own.shape[0] / ARROWS).astype(int)
    longest = np.linalg.norm(smooth[places][:, places], axis=-1).max()
    ratio = min(ARROW_RATIO, LONGEST_ARROW * own.shape[0] / max(longest, 1e-6))
    for y in places:
        for x in places:
            end = np.array([x, y]) + ratio * smooth[y, x]
            if np.linalg.norm(end - (x, y)) > 1.0:
                cv2.arrowedLine(
                    canvas,
                    (x * enlarge, y * enlarge),
                    tuple(int(v) for v in np.rint(end * enlarge)),
                    (150, 20, 30),
                    1,
                    cv2.LINE_AA,
                    tipLength=0.3,
                )
    lines = f"arrows {ratio:.1f} times the motion,", f"which is {longest:.2f} px at most"
    return np.vstack([canvas, *(caption(line, canvas.shape[1], enlarge) for line in lines)])


def strain_legend(full: float, height: int = 96) -> np.ndarray:
    """What the colours of strain mean: (height + 36, 96, 3) uint8 RGB."""
    ramp = np.repeat(np.linspace(full, 0, height)[:, None], 24, axis=1)
    bar = np.full((height, 96, 3), 255, np.uint8)
    bar[:, 8:32] = visualize.draw_strain(ramp, full)
    for text, y in ((f"{full:g}", 10), ("0", height - 2)):
        cv2.putText(bar, text, (38, y), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([bar, caption("strain,", 96), caption("px per px", 96)])


def caption(text: str, width: int, enlarge: int = 1) -> np.ndarray:
    """`text` on a white strip (18 * enlarge, width, 3) uint8."""
    strip = np.full((18 * enlarge, width, 3), 255, np.uint8)
    return cv2.putText(
        strip,
        text,
        (6 * enlarge, 13 * enlarge),
        cv2.FONT_HERSHEY_SIMPLEX,
        0.4 * enlarge,
        (0, 0, 0),
        enlarge,
        cv2.LINE_AA,
    )


def curve(score: Score, width: int = 760, height: int = 170) -> str:
    """The motion curve as SVG: how much each moment counts over time, with onset and apex. Colours follow the page's text."""
    left, bottom, top = 34, 26, 22
    time, counts = score.course.time, score.activity
    span, most = max(time[-1] - time[0], 1e-6), max(float(counts.max()), 1e-6)

    def x(t: float) -> float:
        return left + (t - time[0]) / span * (width - left - 12)

    def y(value: float) -> float:
        return height - bottom - value / most * (height - bottom - top)

    step = max(1, len(time) // 1500)  # more points than pixels only make the page heavy
    line = " ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in zip(time[::step], counts[::step]))
    marks = []
    for name, number, anchor in (("onset", score.onset, "end"), ("apex", score.apex, "start")):
        t = float(time[np.flatnonzero(score.course.number == number)[0]])
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
