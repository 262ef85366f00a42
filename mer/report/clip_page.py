"""Write the score of a clip: pictures, curve, film, JSON, and one HTML page that embeds all of them."""

from pathlib import Path

import numpy as np

from data_prep.frames import open_frames, write_image
from mer.inference.recorder import IN_MEMORY
from mer.inference.score import Score
from mer.recipe import evidence_words
from mer.report.clip_figures import draw_curve, draw_pictures
from mer.report.film import magnification, write_film
from mer.report.html import data_url, image_url, render_template
from mer.report.theme import THEMES
from mer_core.io import atomic_replace, write_text

FILM, POSTER = "moment.mp4", "moment.png"
SAME_IN_DARK = ("onset", "apex")  # pictures without text


def write_score(score: Score, out: str | Path, blur: bool = False) -> Path:
    """Write score.json, the pictures, curve.svg, the film with its poster, and page.html.

    Pictures with text are written for light and dark pages, as arrows.png and arrows-dark.png. A score of
    frames in memory gets no film.

    Parameters
    ----------
    score : Score
    out : path
        Folder.
    blur : bool
        Show the mesh of the face instead of its skin in every picture and in the film.

    Returns
    -------
    Path
        The page.
    """
    out, line = Path(out), draw_curve(score)
    drawn = {name: draw_pictures(score, theme, blur) for name, theme in THEMES.items()}
    for name, picture in drawn["light"].items():
        _write_picture(out / f"{name}.png", picture)
        if name not in SAME_IN_DARK or blur:
            _write_picture(out / f"{name}-dark.png", drawn["dark"][name])
    write_text(out / "curve.svg", line)
    write_text(out / "score.json", score.to_json() + "\n")
    films = []
    if score.clip != IN_MEMORY:
        write_film(score, open_frames(score.clip), out / FILM, blur=blur)
        films = [(out / name).read_bytes() for name in (FILM, POSTER)]
    write_text(out / "page.html", render_page(score, drawn, line, *films))
    return out / "page.html"


def render_page(
    score: Score,
    drawn: dict[str, dict[str, np.ndarray]],
    line: str,
    film: bytes | None = None,
    poster: bytes | None = None,
) -> str:
    """Return the HTML page of a score; `drawn[theme][name]` is a picture, `line` the curve as SVG."""
    return render_template(
        "clip_page.html",
        s=score,
        evidence=evidence_words(score.evidence),
        name=Path(score.clip).name,
        ranked=sorted(score.probabilities.items(), key=lambda item: -item[1]),
        pictures={name: image_url(picture) for name, picture in drawn["light"].items()},
        dark={name: image_url(picture) for name, picture in drawn["dark"].items()},
        curve=line,
        film=film and data_url("video/mp4", film),
        poster=poster and data_url("image/png", poster),
        factor=magnification(score),
        most=max((region.motion for region in score.regions), default=0),
        largest_decision=max((region.decision or 0 for region in score.regions), default=0),
    )


def _write_picture(path: Path, picture: np.ndarray) -> None:
    with atomic_replace(path) as temporary:
        write_image(temporary, picture)
